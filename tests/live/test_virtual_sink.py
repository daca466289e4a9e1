"""Virtual sinks and microphones on a private PulseAudio, with programs that play and record."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_line import assert_one_error_line, novasr
from live_process import LiveProcess
from pulse_server import RATE, PulseServer

Live = Callable[..., LiveProcess]


def narrow_speech(seconds: float = 4.0) -> np.ndarray:
    """Noise in syllables with nothing above 7 kHz, as of a call; shape (frames, 2), seamless."""
    frames = round(seconds * RATE)
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * np.arange(frames) / RATE)
    spectrum = np.fft.rfft(0.2 * np.random.default_rng(3).standard_normal(frames) * syllables)
    spectrum[round(7_000 * seconds) :] = 0
    audio = np.fft.irfft(spectrum, frames)
    return np.stack([audio, audio], axis=1).astype(np.float32)


def band_db(audio: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Power between two frequencies in dB of full scale: the median of pieces, for some have slips."""
    pieces = audio[: len(audio) // 4096 * 4096, 0].reshape(-1, 4096) * np.hanning(4096)
    power = np.abs(np.fft.rfft(pieces)) ** 2 / (4096**2 / 8)
    frequencies = np.fft.rfftfreq(4096, 1 / RATE)
    band = (frequencies > low_hz) & (frequencies < high_hz)
    return float(10 * np.log10(np.median(power[:, band].sum(axis=1)) + 1e-20))


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def wait_to_hear(pulse: PulseServer, source: str, low_hz: float, high_hz: float, db: float) -> None:
    """Not at once: the length of the server's bursts is learnt, and a busy machine has gaps."""

    def heard() -> bool:
        return band_db(pulse.record(source, 2), low_hz, high_hz) > db

    wait_until(heard, 20, f"{source} is quieter than {db} dB")


def test_what_a_program_plays_into_the_sink_is_heard_enhanced(
    pulse: PulseServer, live: Live
) -> None:
    before = pulse.names("modules")
    process = live("--virtual-sink", "My call")
    process.wait_for("running", 20)
    with pulse.playing("My_call", narrow_speech()):
        time.sleep(5)  # the length of the server's bursts is learnt
        heard = pulse.record("speaker.monitor", 4)
        passed = pulse.record("My_call.monitor", 4)
    assert band_db(passed, 8_500, 16_000) < -90  # control: nothing there to begin with
    assert band_db(heard, 8_500, 16_000) > -70
    assert band_db(heard, 300, 6_000) > band_db(passed, 300, 6_000) - 10  # a busy machine has gaps
    assert process.interrupt()[0] == 130
    assert pulse.names("modules") == before


def test_a_program_records_the_enhanced_microphone(pulse: PulseServer, live: Live) -> None:
    process = live("--virtual-mic", "My mic", "--input", "phone.monitor")
    process.wait_for("running", 20)
    with pulse.playing("phone", narrow_speech()):  # the microphone's room
        wait_to_hear(pulse, "My_mic", 8_500, 16_000, -70)
        wait_to_hear(pulse, "My_mic", 300, 6_000, -40)
    process.interrupt()
    assert "My_mic" not in pulse.names("sources")


def test_the_output_of_a_virtual_sink_can_be_named(pulse: PulseServer, live: Live) -> None:
    process = live("--virtual-sink", "call", "--output", "Phone")
    event = process.wait_for("running", 20)
    assert "call to Phone" in event["message"]
    with pulse.playing("call", narrow_speech()):
        wait_to_hear(pulse, "phone.monitor", 300, 6_000, -40)
        assert band_db(pulse.record("speaker.monitor", 2), 300, 6_000) < -150


def test_the_next_start_removes_what_a_crash_left_and_nothing_else(
    pulse: PulseServer, live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    crashed = live("--virtual-mic", "left")
    crashed.wait_for("running", 20)
    (left,) = tmp_path.glob("novasr-live-*")
    os.kill(crashed.pid, signal.SIGKILL)
    clients = ("list", "short", "clients")
    wait_until(lambda: pulse.pactl(*clients).count("pactl") == 1, 3, "its pactl lives on")
    pulse.pactl("load-module", "module-null-sink", "sink_name=foreign")
    running = live("--virtual-sink", "first")
    running.wait_for("running", 20)
    wait_until(
        lambda: "left" not in pulse.names("sources"), 5, "the crashed one's microphone stays"
    )
    assert not left.exists()
    live("--virtual-sink", "second").wait_for("running", 20)
    assert len(list(tmp_path.glob("novasr-live-*"))) == 2
    assert set(pulse.names("sinks")) == {"speaker", "phone", "foreign", "first", "second"}


def test_a_server_that_comes_back_has_its_sink_again(pulse: PulseServer, live: Live) -> None:
    process = live("--virtual-sink", "call")
    process.wait_for("running", 20)
    pulse.kill()
    process.wait_for("lost", 10)
    time.sleep(2)
    pulse.start()
    process.wait_for("recovered", 10)
    with pulse.playing("call", narrow_speech()):
        wait_to_hear(pulse, "speaker.monitor", 8_500, 16_000, -70)
    assert process.interrupt()[0] == 130
    assert "call" not in pulse.names("sinks")


def places(pulse: PulseServer, kind: str = "sink") -> list[str]:
    """The sinks that programs play to, or the sources that they record."""
    devices, streams = {"sink": ("sinks", "sink-inputs"), "source": ("sources", "source-outputs")}[
        kind
    ]
    names = dict(
        line.split("\t")[:2] for line in pulse.pactl("list", "short", devices).splitlines()
    )
    listed = [line.split("\t") for line in pulse.pactl("list", "short", streams).splitlines()]
    return [names[device] for _, device, program, *_ in listed if program != "-"]


def unload_sink(pulse: PulseServer, name: str) -> None:
    for line in pulse.pactl("list", "short", "modules").splitlines():
        if f"sink_name={name}" in line:
            pulse.pactl("unload-module", line.split("\t")[0])


def test_our_sink_as_the_default_is_no_loop_and_a_new_default_is_followed(
    pulse: PulseServer, live: Live
) -> None:
    process = live("--virtual-sink", "call")
    process.wait_for("running", 20)
    with pulse.playing("@DEFAULT_SINK@", narrow_speech()):  # control: it moves along
        pulse.pactl("set-default-sink", "call")  # as people do
        wait_until(lambda: sorted(places(pulse)) == ["call", "speaker"], 3, "ours is not put back")
    pulse.pactl("set-default-sink", "speaker")  # moves whoever records a monitor of the default
    wait_until(lambda: places(pulse, "source") == ["call.monitor"], 3, "it hears itself")
    assert places(pulse) == ["speaker"]
    assert not [event for event in process.events if event["kind"] == "lost"]
    pulse.pactl("set-default-sink", "phone")
    wait_until(lambda: places(pulse) == ["phone"], 5, "the new default is not followed")
    assert places(pulse, "source") == ["call.monitor"]


def test_our_microphone_as_the_default_is_no_loop(pulse: PulseServer, live: Live) -> None:
    remap = "source_name=headset master=phone.monitor"  # no monitor, so it can be the default
    pulse.pactl("load-module", "module-remap-source", *remap.split())
    pulse.pactl("set-default-source", "headset")
    process = live("--virtual-mic", "mic")
    process.wait_for("running", 20)
    recorder = subprocess.Popen(["parec"], stdout=subprocess.DEVNULL)  # control: it moves along
    try:
        wait_until(lambda: places(pulse, "source") == ["headset"] * 2, 3, "not on the headset")
        pulse.pactl("set-default-source", "mic")
        moved = ["headset", "mic"]
        wait_until(lambda: sorted(places(pulse, "source")) == moved, 3, "ours is not put back")
    finally:
        recorder.kill()
        recorder.wait()
    assert places(pulse) == ["mic.feed"]


def test_a_sink_is_not_played_into_itself_when_the_loudspeakers_vanish(
    pulse: PulseServer, live: Live
) -> None:
    unload_sink(pulse, "phone")
    process = live("--virtual-sink", "call")
    process.wait_for("running", 20)
    pulse.pactl("set-default-sink", "call")
    unload_sink(pulse, "speaker")
    process.wait_for("lost", 5)
    time.sleep(2)
    assert places(pulse) == []
    pulse.pactl("load-module", "module-null-sink", "sink_name=speaker")
    process.wait_for("recovered", 10)
    with pulse.playing("call", narrow_speech()):
        wait_to_hear(pulse, "speaker.monitor", 300, 6_000, -40)
    assert process.interrupt()[0] == 130


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--virtual-sink", "speaker"], "choose another name"),
        (["--virtual-sink", "call", "-o", "nowhere"], "no sink 'nowhere'; there are: "),
        (["--virtual-mic", "mic", "-i", "monitor"], "several sources match 'monitor'"),
        (["--virtual-sink", "a", "--virtual-mic", "b"], "no virtual_mic beside it"),
        (["--virtual-sink", "'; drop"], "begins with a letter"),
    ],
)
def test_wrong_names_are_one_clear_line(pulse: PulseServer, words: list[str], part: str) -> None:
    before = pulse.names("modules")
    assert_one_error_line(novasr("live", *words), part)
    assert pulse.names("modules") == before


def test_no_server_and_no_pactl_are_one_clear_line(
    pulse: PulseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse.kill()
    assert_one_error_line(
        novasr("live", "--virtual-sink", "call"),
        "a PulseAudio or PipeWire server, and none answers",
    )
    monkeypatch.setenv("PATH", "/nowhere")
    assert_one_error_line(
        novasr("live", "--virtual-sink", "call"), "apt-get install pulseaudio-utils"
    )
