"""What JACK plays is what Stream computes, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from signals import speech_like

import novasr


@pytest.mark.parametrize("rate", [48_000, 44_100])
@pytest.mark.parametrize("block", [64, 128, 256, 480, 1024, None])
def test_live_audio_is_that_of_a_stream_bit_for_bit(
    jack, peers, live, tmp_path: Path, rate: int, block: int | None
) -> None:
    jack(rate, 256)
    pair = peers()
    record = tmp_path / "both.wav"
    process = live(
        "-i", "mic", "-o", "spk", "--record", record, *(["--block", block] if block else [])
    )
    process.wait_for("running", 20)
    speech = speech_like(60.0, rate)
    trips = [  # at the pace of the clock, and ten times as fast
        (piece, pair.round_trip(piece, tail=rate // 2, freewheel=freewheel))
        for piece, freewheel in ((speech[: 3 * rate], False), (speech, True))
    ]
    stats = process.wait_for_stats()
    assert process.interrupt()[0] == 130

    assert stats["record_lost"] == 0
    tracks, recorded_rate = sf.read(record, dtype="float32")
    assert recorded_rate == rate
    before, after = tracks.T
    stream = novasr.Stream(rate)
    expected = stream.process(before)[:, 0]
    assert np.array_equal(after[: len(before) - stream.latency], expected[stream.latency :])
    device = block or 0
    end = 0  # of the trip before
    for sent, heard in trips:
        start = end + int(np.flatnonzero(before[end:])[0]) - int(np.flatnonzero(sent)[0])
        end = start + len(sent)
        assert np.array_equal(before[start:end], sent)
        length = min(len(heard), len(expected) - start)
        assert length > len(sent)
        assert np.array_equal(heard[:length], expected[start - device : start - device + length])
    assert stats["latency_ms"] == pytest.approx(1000 * (device + stream.latency) / rate)
    assert stats["block"] == (block or 256)
