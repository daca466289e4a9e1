"""Probabilistic YIN, as librosa computes it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import soxr

from novasr.f0.search import RATE_HZ

if TYPE_CHECKING:
    from novasr.f0.search import Search
    from novasr.types import DoubleArray


def pyin(audio: DoubleArray, search: Search) -> DoubleArray:
    """Track with pYIN (Mauch and Dixon, ICASSP 2014); unvoiced where its Viterbi path is."""
    import librosa

    hop = round(search.hop)
    rate = hop * 1000 / search.period_ms  # at which the period is a whole number of samples
    if rate != RATE_HZ:
        audio = soxr.resample(audio, RATE_HZ, rate, "HQ")
    audio = audio - audio.mean()  # else an offset in silence passes for a voice
    needed = (search.count - 1) * hop
    found, _, _ = librosa.pyin(
        np.pad(audio, (0, max(0, needed - len(audio)))),
        fmin=search.floor_hz,
        fmax=search.ceiling_hz,
        sr=rate,
        frame_length=2 * math.ceil(rate / search.floor_hz)
        + 2,  # the least: longer ones blur what moves
        hop_length=hop,
        max_transition_rate=_octaves_per_second(search),
        fill_na=0.0,
    )
    return np.asarray(found)


def _octaves_per_second(search: Search) -> float:
    """Give librosa's 35.92, as far as its transitions hold a semitone a period and fit in the range."""
    scale = 12 * search.period_ms / 1000
    widest = math.floor(12 * math.log2(search.ceiling_hz / search.floor_hz) - 0.1)
    semitones = min(max(1, round(35.92 * scale)), widest)
    return semitones / scale
