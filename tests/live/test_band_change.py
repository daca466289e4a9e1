"""A call whose band changes while it lasts: a codec gives way, a headset comes and goes."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from scipy import signal
from stalls import stalls_of_the_machine

import novasr
from novasr.live import LiveStream

RATE = 48_000
SECONDS = 4  # of each band
BANDS_HZ = (8_000, 4_000, 24_000)
SETTLING = RATE // 2
ADDED_HZ = (10_000, 14_000)  # above both narrow bands


@pytest.fixture(scope="module")
def call() -> np.ndarray:
    """Noise with the slope of speech and its syllables, one band after another."""
    random = np.random.default_rng(11)
    frames = SECONDS * len(BANDS_HZ) * RATE
    slope = signal.butter(1, 500, fs=RATE, output="sos")
    voice = signal.sosfilt(slope, random.standard_normal(frames))
    time_s = np.arange(frames) / RATE
    voice *= 0.1 * (1.1 + np.sin(2 * np.pi * 3 * time_s)) / np.sqrt(np.mean(voice**2))
    bands = {hz: narrowed(voice, hz)[:frames] for hz in BANDS_HZ}
    length = SECONDS * RATE
    parts = [bands[hz][i * length : (i + 1) * length] for i, hz in enumerate(BANDS_HZ)]
    return np.concatenate(parts).astype(np.float32)


def narrowed(audio: np.ndarray, band_hz: int) -> np.ndarray:
    if 2 * band_hz == RATE:
        return audio
    return soxr.resample(soxr.resample(audio, RATE, 2 * band_hz), 2 * band_hz, RATE)


def powers(audio: np.ndarray, frames: int) -> np.ndarray:
    """Mean power of what lies above both narrow bands, by pieces of so many frames."""
    high = signal.sosfilt(signal.butter(6, ADDED_HZ, "bandpass", fs=RATE, output="sos"), audio)
    return np.mean(high[: len(high) // frames * frames].reshape(-1, frames) ** 2, axis=1)


def test_it_is_followed_within_half_a_second_and_without_a_click(jack, peers, call) -> None:
    jack(RATE, 256)
    pair = peers()
    latency = novasr.Stream(RATE, model="wide").latency
    with LiveStream("mic", "spk", model="wide") as live:
        heard = pair.round_trip(call, tail=latency)[latency:]
        assert live.stats.cutoff_hz == 24_000
    length = SECONDS * RATE
    for i, band_hz in enumerate(BANDS_HZ[:2]):
        part = heard[i * length : (i + 1) * length]
        third = RATE // 3  # a syllable
        level_db = 10 * np.log10(powers(part, third))
        steady = level_db[-5:].mean()
        settled = level_db[-(-SETTLING // third) : -1]
        assert np.abs(settled - steady).max() < 3, band_hz
        added = powers(part, third)[-1] / powers(call[i * length : (i + 1) * length], third)[-1]
        assert added > 100, band_hz
    full = slice(2 * length + SETTLING, 3 * length)
    assert np.array_equal(heard[full], call[full])  # nothing is added

    # A click is a burst within a millisecond or two.
    piece = RATE // 500
    bursts = powers(heard, piece)
    steady = [
        bursts[(i * length + SETTLING) // piece : (i + 1) * length // piece] for i in range(3)
    ]
    largest = np.concatenate(steady).max()
    assert bursts[SETTLING // piece :].max() <= 2 * largest


def test_no_block_is_late(realtime_peers, call) -> None:
    with stalls_of_the_machine() as stalls, LiveStream("mic", "spk", model="wide") as live:
        heard = realtime_peers.round_trip(call, tail=0)
        late_blocks = live.stats.late_blocks
    assert np.abs(heard).max() > 0.1
    assert late_blocks <= sum(stalls)
