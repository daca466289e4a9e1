"""Another model takes over while a stream plays."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from scipy.signal import correlate
from signals import speech_like

import novasr
from novasr.live import LiveStream

RATE = 48_000
LONGEST_GAP = 64  # a lost callback is 256 frames


@pytest.mark.parametrize(("model", "other"), [("base", "wide"), ("wide", "base")])
def test_it_plays_on_without_a_gap_and_with_the_latency_that_it_reports(
    jack, peers, tmp_path: Path, model: str, other: str
) -> None:
    jack(RATE, 256)
    pair = peers()
    record = tmp_path / "both.wav"
    speech = speech_like(8.0, RATE)
    latency = {name: novasr.Stream(RATE, model=name).latency for name in (model, other)}
    with LiveStream("mic", "spk", model=model, record=record) as live:
        assert wait_for(live, lambda: live.stats.state == "running")
        assert live.stats.model == model
        assert live.stats.our_ms == pytest.approx(1000 * latency[model] / RATE)
        live.set(model=other)
        heard = pair.round_trip(speech, tail=RATE // 2)
        assert wait_for(live, lambda: live.stats.model == other)
        stats = live.stats
    assert stats.our_ms == pytest.approx(1000 * latency[other] / RATE)
    assert (stats.cutoff_hz > 0) == (other == "wide")
    assert (stats.restarts, stats.underruns) == (0, 0)
    settled = 4 * RATE
    assert delay(speech[settled:], heard[settled:]) == latency[other]
    assert longest_silence(heard[: len(speech)]) <= longest_silence(speech) + LONGEST_GAP

    tracks = sf.read(record, dtype="float32")[0]
    assert stats.record_lost == abs(latency[other] - latency[model])
    assert delay(*tracks[-4 * RATE :].T) == 0


def wait_for(live: LiveStream, ready) -> bool:
    until = time.monotonic() + 20
    while not ready() and time.monotonic() < until:
        time.sleep(0.05)
    return ready()


def delay(before: np.ndarray, after: np.ndarray) -> int:
    length = min(len(before), len(after))
    products = correlate(after[:length], before[:length])
    return int(products.argmax()) - (length - 1)


def longest_silence(audio: np.ndarray) -> int:
    """Longest run of zeros, in frames."""
    sounds = np.flatnonzero(audio)
    return int(np.diff(sounds).max())
