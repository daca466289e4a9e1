"""Servers that die, devices that go, processes that are killed: the stream says so, and goes on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import soundfile as sf
from processes import audio_process, busyness, has_ended

from novasr.live import LiveStream

RECOVERY_SECONDS = 3.0
STOP_SECONDS = 0.5


@pytest.fixture
def running(jack, peers, live):
    """Give a stream with a tone in it, a server that waits for nobody, and its two devices."""
    server = jack(48_000, 256, synchronous=False)
    devices = peers(tone=True)
    process = live("-i", "mic", "-o", "spk")
    process.wait_for("running", 20)
    process.wait_for_sound(2)
    return process, server, devices


def test_a_server_that_dies_is_waited_for(running, peers) -> None:
    process, server, devices = running
    server.kill()
    assert "spk" in process.wait_for("lost", 3)["message"]
    devices.kill()
    time.sleep(1.5)
    server.start()
    peers(tone=True)
    process.wait_for("recovered", RECOVERY_SECONDS)
    process.wait_for_sound(1)
    assert process.stats[-1]["restarts"] == 1


def test_a_device_that_is_removed_is_waited_for(running, peers) -> None:
    process, _, devices = running
    devices.kill()
    assert process.wait_for("lost", 3)["message"].endswith("the device is gone")
    report = process.wait_for_stats()
    assert report["state"] == "recovering"
    assert report["output_peak_db"] < -100  # no meter stands still at what was heard last
    time.sleep(1.5)
    peers(tone=True)
    process.wait_for("recovered", RECOVERY_SECONDS)
    process.wait_for_sound(1)


def test_a_server_that_stands_still_is_noticed(running) -> None:
    process, server, _ = running
    server.signal(signal.SIGSTOP)
    try:
        process.wait_for("lost", 4)
    finally:
        server.signal(signal.SIGCONT)
    process.wait_for("recovered", 10)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_an_audio_process_that_fails_is_replaced(running, how: signal.Signals) -> None:
    process, _, _ = running
    os.kill(audio_process(process.pid), how)
    process.wait_for("lost", 4)
    process.wait_for("recovered", RECOVERY_SECONDS)
    process.wait_for_sound(1)


def test_a_recording_outlives_its_process(jack, peers, live, tmp_path: Path) -> None:
    jack(48_000, 256, synchronous=False)
    peers(tone=True)
    record = tmp_path / "talk.wav"
    process = live("-i", "mic", "-o", "spk", "--record", record)
    process.wait_for("running", 20)
    time.sleep(3.0)
    os.kill(audio_process(process.pid), signal.SIGKILL)
    process.wait_for("lost", 4)
    partial = tmp_path / "talk.part.wav"
    assert sf.info(partial).frames > 48_000
    process.wait_for("recovered", RECOVERY_SECONDS)
    saved = sf.info(partial).frames
    time.sleep(3.0)
    assert not record.exists()
    process.interrupt()
    assert not partial.exists()
    assert sf.info(record).frames > saved + 48_000


def test_settings_outlive_the_process(jack, peers) -> None:
    jack(48_000, 256, synchronous=False)
    peers(tone=True)
    with LiveStream("mic", "spk") as stream:
        stream.set(mix=0.25, mode="full")
        killed = False
        for update in stream.updates(timeout=10):
            if not killed:
                os.kill(audio_process(os.getpid()), signal.SIGKILL)
                killed = True
            if getattr(update, "kind", "") == "recovered":
                break
        seen = next(update for update in stream.updates() if hasattr(update, "mix"))
        assert (seen.mix, seen.mode, seen.restarts) == (0.25, "full", 1)


def test_ctrl_c_ends_at_once(running) -> None:
    process, _, _ = running
    code, seconds = process.interrupt()
    assert code == 130
    assert seconds < STOP_SECONDS * busyness()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_stopping_does_not_wait_for_a_server(jack, peers, how: signal.Signals) -> None:
    server = jack(48_000, 256, synchronous=False)
    peers(tone=True)
    stream = LiveStream("mic", "spk")
    stream.start()
    server.signal(how)
    time.sleep(0.5)
    began = time.monotonic()
    stream.stop()
    seconds = time.monotonic() - began
    server.signal(signal.SIGCONT)
    assert seconds < STOP_SECONDS * busyness()
    assert stream.stats.state == "stopped"


def test_the_audio_process_does_not_outlive_its_parent(running) -> None:
    process, _, _ = running
    audio = audio_process(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    until = time.monotonic() + 2
    while not has_ended(audio):
        assert time.monotonic() < until
        time.sleep(0.02)
