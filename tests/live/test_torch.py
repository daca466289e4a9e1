"""A model in LibTorch, on a thread of its own, between two devices."""

from __future__ import annotations

import needs
import pytest

import novasr

RATE = 48_000


def test_a_torchscript_model_runs_live(jack, peers, live) -> None:
    needs.libtorch()
    jack(RATE, 256, synchronous=False)
    peers(tone=True)
    process = live("-i", "mic", "-o", "spk", "--engine", "torch")
    process.wait_for("running", 60)
    process.wait_for_sound(10)
    stream = novasr.Stream(RATE, engine="torch", threaded=True)
    assert process.wait_for_stats()["our_ms"] == pytest.approx(1000 * stream.latency / RATE)
    assert process.stats[-1]["restarts"] == 0
