"""Full-band clips to clips whose band ends somewhere, at the same rate."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import soxr
from scipy import signal

from novasr.training.codecs import through_codec
from novasr.training.filters import analogue_low_pass, zero_phase_low_pass

if TYPE_CHECKING:
    from novasr.families.task import Task
    from novasr.training.recipe import Degradation
    from novasr.types import FloatArray

_EDGE = 0.97  # of half a rate: where what soxr leaves has fallen by some 40 dB
_ORDERS = {"butterworth": (4, 12), "chebyshev": (3, 9), "elliptic": (3, 8), "bessel": (6, 12)}
_END_DB = 30.0  # a filter's band ends where it has fallen by so much
_CODEC_RATES_HZ = {
    "ulaw": (8_000, 16_000),
    "gsm": (8_000,),
    "opus": (8_000, 12_000, 16_000, 24_000),
    "mp3": (16_000, 22_050, 24_000),
}


def draw_cutoff(chances: Degradation, task: Task, rng: np.random.Generator) -> float:
    """Draw where a band ends: near a common place, or anywhere, evenly by octaves."""
    if rng.random() < chances.common_band_chance:
        return float(rng.choice(chances.common_bands_hz)) * rng.uniform(0.9, 1.0)
    low, high = np.log2([task.lowest_band_hz, task.band_hz])
    return float(2 ** rng.uniform(low, high))


def narrow(
    audio: FloatArray, chances: Degradation, task: Task, rng: np.random.Generator
) -> tuple[FloatArray, float]:
    """Take the upper band away: by a lower sample rate, a filter, or a codec at a lower rate.

    Parameters
    ----------
    audio : ndarray of float32, shape (frames,)
        At the high rate.
    chances : Degradation
        Probabilities and ranges.
    task : Task
        Rates and the range of bands.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    narrowed : ndarray of float32, shape (frames,)
        At the high rate, aligned with `audio`.
    cutoff_hz : float
        Where its band ends.
    """
    cutoff_hz = draw_cutoff(chances, task, rng)
    kind = rng.random()
    if kind < chances.codec_chance:
        return _through_codec(audio, chances, task, rng)
    if kind < chances.codec_chance + chances.filter_chance:
        return _filtered(audio, cutoff_hz, chances, task, rng)
    low_hz = round(2 * cutoff_hz / _EDGE)
    quality = ("VHQ", "HQ", "MQ")[int(rng.choice(3, p=(0.5, 0.35, 0.15)))]
    low = soxr.resample(audio, task.high_hz, low_hz, quality=quality)
    return _restored(low, low_hz, task, len(audio)), cutoff_hz


def _filtered(
    audio: FloatArray,
    cutoff_hz: float,
    chances: Degradation,
    task: Task,
    rng: np.random.Generator,
) -> tuple[FloatArray, float]:
    design = chances.filters[int(rng.integers(len(chances.filters)))]
    order = int(rng.integers(*_ORDERS[design]))
    edge_hz = cutoff_hz / _band_in_edges(design, order)
    return zero_phase_low_pass(audio, design, order, edge_hz, task.high_hz), cutoff_hz


def _through_codec(
    audio: FloatArray, chances: Degradation, task: Task, rng: np.random.Generator
) -> tuple[FloatArray, float]:
    codec = chances.codecs[int(rng.integers(len(chances.codecs)))]
    rates = _CODEC_RATES_HZ[codec]
    low_hz = rates[int(rng.integers(len(rates)))]
    low = soxr.resample(audio, task.high_hz, low_hz, quality="HQ")
    decoded = through_codec(low, codec, low_hz, rng)
    return _restored(decoded, low_hz, task, len(audio)), _EDGE * low_hz / 2


@lru_cache(maxsize=64)
def _band_in_edges(design: str, order: int) -> float:
    """Tell where a filter's band ends, as a multiple of its nominal edge."""
    multiples = np.geomspace(0.5, 10.0, 500)
    gain = np.abs(signal.freqs_zpk(*analogue_low_pass(design, order, 1.0), worN=multiples)[1])
    return float(multiples[np.flatnonzero(gain > 10 ** (-_END_DB / 20))[-1]])


def _restored(low: FloatArray, low_hz: int, task: Task, frames: int) -> FloatArray:
    high = soxr.resample(low, low_hz, task.high_hz, quality="VHQ")[:frames]
    return np.pad(high, (0, frames - len(high)))
