"""The desktop's path: PulseAudio through ALSA, with one device, with two, and with two clocks."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from pulse_rig import RATE, PipeClocks, null_sink, pipe_sink, pipe_source, pulse_server
from signals import speech_like

import novasr

SEGMENT = RATE // 10
RECOVERY_SECONDS = 3.0


def exact_share(heard: np.ndarray, expected: np.ndarray) -> float:
    """Give the share of 100 ms segments that are found in `expected` bit for bit, each with its own delay."""
    exact = 0
    place = 0  # after the last one that was found
    starts = range(0, len(heard) - SEGMENT, SEGMENT)
    for start in starts:
        segment = heard[start : start + SEGMENT]
        for first, last in ((place, place + 4 * SEGMENT), (0, len(expected))):
            at = first + best_match(segment, expected[first:last])
            if np.array_equal(expected[at : at + SEGMENT], segment):
                exact += 1
                place = at + SEGMENT // 2
                break
    return exact / len(starts)


def best_match(segment: np.ndarray, audio: np.ndarray) -> int:
    size = 1 << (len(audio) + len(segment)).bit_length()
    spectrum = np.fft.rfft(audio, size) * np.conj(np.fft.rfft(segment, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: len(audio)]))


def test_the_measure_of_exactness_is_strict() -> None:
    audio = speech_like(2.0, RATE)
    assert exact_share(audio[5_000:], audio) == 1.0
    assert exact_share(np.nextafter(audio, 1), audio) == 0.0


def test_live_audio_is_that_of_a_stream_segment_by_segment(
    portaudio, live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pulse_server(tmp_path, [null_sink("a"), null_sink("b")], {"pulse": ""}):
        monkeypatch.setenv("PULSE_SOURCE", "a.monitor")
        monkeypatch.setenv("PULSE_SINK", "b")
        record = tmp_path / "both.wav"
        process = live("-i", "pulse", "-o", "pulse", "--block", "1024", "--record", record)
        process.wait_for("running", 20)
        assert process.stats[-1]["rate"] == RATE
        speech = speech_like(15.0, RATE)
        raw = ["--raw", "--format=float32le", f"--rate={RATE}", "--channels=1"]
        listener = subprocess.Popen(
            ["pacat", "--record", "-d", "b.monitor", *raw], stdout=subprocess.PIPE
        )
        threading.Timer(18.0, listener.terminate).start()
        subprocess.run(["pacat", "--playback", "-d", "a", *raw], input=speech.tobytes(), check=True)
        heard = np.frombuffer(listener.communicate()[0], np.float32)
        process.interrupt()
        before, _, after, _ = sf.read(record, dtype="float32")[0].T
    lead = 3 * RATE  # the server settles
    first = int(np.flatnonzero(before)[0])
    assert exact_share(before[first + lead : first + len(speech) - RATE], speech) >= 0.95
    first = int(np.flatnonzero(np.abs(heard) > 0.1)[0])
    assert exact_share(heard[first + lead : first + len(speech) - RATE], after) >= 0.95
    stream = novasr.Stream(RATE)
    expected = stream.process(before)[:, 0]
    assert np.array_equal(after[: len(before) - stream.latency], expected[stream.latency :])


@pytest.fixture
def two_devices(portaudio, tmp_path: Path):
    """Lend a server with the devices mic and spk, which nobody drives yet."""
    modules = [pipe_source(tmp_path, "mic"), pipe_sink(tmp_path, "spk")]
    with pulse_server(tmp_path, modules, {"mic": "mic", "spk": "spk"}) as server:
        yield server


@pytest.mark.parametrize("ppm", [-200.0, 200.0])
def test_two_clocks_that_drift_keep_their_delay_and_their_pitch(
    two_devices, live, ppm: float
) -> None:
    clocks = PipeClocks(two_devices.folder, ppm, 0.0, 1_000.0)
    process = live("-i", "mic", "-o", "spk", "--block", "256", "--mix", "0")
    process.wait_for("running", 20)
    time.sleep(30)
    settled = len(process.stats)
    time.sleep(40)
    stats = process.stats[settled:]
    process.interrupt()
    heard = clocks.close()
    print(stats[-1])
    chain_ms = 3.0
    errors = [s["buffered_ms"] - (s["our_ms"] - chain_ms) for s in stats]
    print(min(errors), max(errors))
    assert max(map(abs, errors)) <= 1000 * 256 / RATE
    assert stats[-1]["underruns"] == stats[0]["underruns"]
    assert stats[-1]["resyncs"] == stats[0]["resyncs"]
    assert stats[-1]["drift_ppm"] == pytest.approx(ppm, abs=30)
    np.save("/tmp/heard.npy", heard)


def test_a_device_that_is_removed_is_waited_for(two_devices, live) -> None:
    clocks = PipeClocks(two_devices.folder, 0.0, 0.0, 440.0)
    process = live("-i", "mic", "-o", "spk")
    process.wait_for("running", 20)
    process.wait_for_sound(10)
    two_devices.pactl("unload-module", "module-pipe-sink")
    process.wait_for("lost", 4)
    time.sleep(1)
    two_devices.pactl("load-module", *pipe_sink(two_devices.folder, "spk").split())
    process.wait_for("recovered", RECOVERY_SECONDS)
    clocks.close()


def test_a_server_that_dies_is_waited_for(two_devices, live) -> None:
    clocks = PipeClocks(two_devices.folder, 0.0, 0.0, 440.0)
    process = live("-i", "mic", "-o", "spk")
    process.wait_for("running", 20)
    two_devices.kill()
    process.wait_for("lost", 4)
    clocks.close()
    time.sleep(1)
    two_devices.start()
    clocks = PipeClocks(two_devices.folder, 0.0, 0.0, 440.0)
    process.wait_for("recovered", RECOVERY_SECONDS)
    process.wait_for_sound(10)
    clocks.close()
