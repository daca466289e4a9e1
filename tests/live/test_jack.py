"""What JACK plays is what Stream computes, bit for bit."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from command_line import novasr as novasr_command
from duration import long_seconds
from signals import speech_like

import novasr

SECONDS = long_seconds()
ANSWER_SECONDS = 1.0
each_rate = pytest.mark.parametrize("rate", [48_000, 44_100])
each_block = pytest.mark.parametrize("block", [64, 128, 256, 480, 1024, None])


@each_rate
@each_block
def test_live_audio_is_that_of_a_stream_bit_for_bit(
    jack, peers, live, tmp_path: Path, rate: int, block: int | None
) -> None:
    assert_exact(jack, peers, live, tmp_path, rate, block, seconds=3.0, freewheel=False)


@each_rate
def test_so_is_that_of_the_model_wide(jack, peers, live, tmp_path: Path, rate: int) -> None:
    assert_exact(jack, peers, live, tmp_path, rate, 128, seconds=3.0, freewheel=False, model="wide")


@pytest.mark.timeout(SECONDS + 240)
@each_rate
def test_so_is_a_long_talk_at_the_usual_block(jack, peers, live, tmp_path: Path, rate: int) -> None:
    assert_exact(jack, peers, live, tmp_path, rate, 128, seconds=SECONDS, freewheel=False)


@each_rate
@each_block
@pytest.mark.parametrize("freewheel", [False, True])
def test_so_is_a_minute_at_any_block_and_pace(
    timing, jack, peers, live, tmp_path: Path, rate: int, block: int | None, freewheel: bool
) -> None:
    """A recording follows the ten times real time of freewheel only on a machine that is not busy."""
    assert_exact(jack, peers, live, tmp_path, rate, block, seconds=60.0, freewheel=freewheel)


def test_the_server_is_left_in_order(jack, peers, live) -> None:
    """A synchronous server waits for each client that vanished, and all others with it."""
    jack(synchronous=True)
    pair = peers()
    process = live("-i", "mic", "-o", "spk")
    process.wait_for("running", 20)
    assert process.interrupt()[0] == 130
    assert seconds_to_answer() < ANSWER_SECONDS
    assert novasr_command("live", "--headless", "-i", "nobody").returncode == 2
    assert seconds_to_answer() < ANSWER_SECONDS
    began = time.monotonic()
    pair.close()
    assert time.monotonic() - began < ANSWER_SECONDS


def seconds_to_answer() -> float:
    """Come and go as another program does."""
    began = time.monotonic()
    subprocess.run(["jack_lsp"], check=True, capture_output=True)
    return time.monotonic() - began


def assert_exact(
    jack,
    peers,
    live,
    folder: Path,
    rate: int,
    block: int | None,
    *,
    seconds: float,
    freewheel: bool,
    model: str = "base",
) -> None:
    jack(rate, 256)
    pair = peers()
    record = folder / "both.wav"
    process = live(
        *("-i", "mic", "-o", "spk", "--record", record, "--model", model),
        *(["--block", block] if block else []),
    )
    process.wait_for("running", 20)
    speech = speech_like(seconds, rate)
    heard = pair.round_trip(speech, tail=rate // 2, freewheel=freewheel)
    stats = process.wait_for_stats()
    assert process.interrupt()[0] == 130

    assert stats["record_lost"] == 0
    tracks, recorded_rate = sf.read(record, dtype="float32")
    assert recorded_rate == rate
    before, after = tracks.T
    start = int(np.flatnonzero(before)[0]) - int(np.flatnonzero(speech)[0])
    assert np.array_equal(before[start : start + len(speech)], speech)

    stream = novasr.Stream(rate, model=model)
    expected = stream.process(before)
    assert np.array_equal(after[: len(before) - stream.latency], expected[stream.latency :])
    device = block or 0
    length = min(len(heard), len(expected) - start)
    assert length > len(speech)
    assert np.array_equal(heard[:length], expected[start - device : start - device + length])
    assert stats["latency_ms"] == pytest.approx(1000 * (device + stream.latency) / rate)
    assert stats["block"] == (block or 256)
    assert stats["model"] == model
