"""A stream that runs for long: nothing grows, nothing moves."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from duration import long_seconds
from processes import audio_process

SECONDS = long_seconds()
RATE = 48_000
INTERVAL_SECONDS = min(10.0, SECONDS / 6)  # several, so that growth shows
GROWTH_KB = 1_024


def resident_kb(pid: int) -> int:
    fields = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()
    return int(fields[0])


def delay_frames(pair, audio: np.ndarray) -> int:
    heard = pair.round_trip(audio, tail=RATE // 2)
    size = 1 << (len(heard) + len(audio)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(audio, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: len(heard)]))


@pytest.mark.timeout(SECONDS + 300)
def test_nothing_grows_and_nothing_moves(timing, jack, peers, live) -> None:
    if os.geteuid() != 0:
        pytest.skip("real-time priority needs root")
    jack(RATE, 256, synchronous=False, realtime=True)
    pair = peers(tone=True)
    process = live("-i", "mic", "-o", "spk")
    process.wait_for("running", 20)
    noise = 0.1 * np.random.default_rng(1).standard_normal(RATE)
    delay = delay_frames(pair, noise)
    audio = audio_process(process.pid)
    began = time.monotonic()
    sizes: list[tuple[int, int]] = []
    while (seconds := time.monotonic() - began) < SECONDS:
        stats = process.wait_for_stats()
        if seconds >= INTERVAL_SECONDS * (1 + len(sizes)):
            sizes.append((resident_kb(audio), resident_kb(process.pid)))
            counts = ("xruns_input", "xruns_output", "late_blocks", "restarts", "largest_load")
            report = {name: stats[name] for name in counts}
            sizes_kb = dict(zip(("audio_kb", "parent_kb"), sizes[-1]))
            print(json.dumps({"seconds": round(seconds), **sizes_kb, **report}), flush=True)
        process.forget()
    print(json.dumps({"delay_first": delay, "delay_last": delay_frames(pair, noise)}), flush=True)
    assert delay_frames(pair, noise) == delay
    assert stats["restarts"] == 0
    assert stats["late_blocks"] <= 1e-4 * SECONDS * RATE / 256  # a machine stands still for once
    assert max(size for size, _ in sizes) <= sizes[0][0] + GROWTH_KB
    assert max(size for _, size in sizes) <= sizes[0][1] + GROWTH_KB
