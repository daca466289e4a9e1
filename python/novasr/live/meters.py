"""Levels and spectra for people to look at."""

from __future__ import annotations

import math

import numpy as np

from novasr.live.stats import FLOOR_DB, SPECTRUM_BANDS
from novasr.types import FloatArray

WINDOW_FRAMES = 2048
LOWEST_HZ, HIGHEST_HZ = 50.0, 24_000.0


def decibels(peak: float) -> float:
    """Give an amplitude in dBFS, not below the floor."""
    return max(FLOOR_DB, 20 * math.log10(peak)) if peak > 0 else FLOOR_DB


class SpectrumMeter:
    """The newest audio in bands that are evenly spaced in pitch; a sine of full scale reads 0 dB.

    Parameters
    ----------
    rate : int
        Of the audio, in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._window = np.hanning(WINDOW_FRAMES).astype(np.float32)
        self._newest = np.zeros(WINDOW_FRAMES, np.float32)
        frequencies = np.fft.rfftfreq(WINDOW_FRAMES, 1 / rate)
        edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, SPECTRUM_BANDS + 1)
        self._first = np.searchsorted(frequencies, edges[:-1])
        self._last = np.maximum(np.searchsorted(frequencies, edges[1:]), self._first + 1)

    def levels(self, audio: FloatArray) -> tuple[float, ...]:
        """Take the audio since the last call; give the power of each band in dB."""
        self._newest = np.concatenate([self._newest, audio])[-WINDOW_FRAMES:]
        spectrum = np.abs(np.fft.rfft(self._window * self._newest)) ** 2
        full_scale = (
            1.5 * (WINDOW_FRAMES / 4) ** 2
        )  # a sine, summed over a Hann window's three lines
        return tuple(
            max(FLOOR_DB, 10 * math.log10(spectrum[first:last].sum() / full_scale + 1e-12))
            for first, last in zip(self._first, self._last, strict=True)
        )
