"""Bands of a spectrum, and the curve over its lines that gains of the bands stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novasr.families.studio.architecture import (
    FFT,
    HIGH_BANDS,
    HIGHEST_HIGH_HZ,
    HIGHEST_LOW_HZ,
    LINE_HZ,
    LINES,
    LOW_BANDS,
    LOWEST_HIGH_HZ,
    LOWEST_LOW_HZ,
    SMOOTHED_BANDS,
)

if TYPE_CHECKING:
    from novasr.types import AnyFloatArray, DoubleArray, FloatArray


def high_centres_hz() -> DoubleArray:
    """Give the centres of the bands that the model makes."""
    return _centres(LOWEST_HIGH_HZ, HIGHEST_HIGH_HZ, HIGH_BANDS)


def low_centres_hz() -> DoubleArray:
    """Give the centres of the bands that it hears."""
    return _centres(LOWEST_LOW_HZ, HIGHEST_LOW_HZ, LOW_BANDS)


def high_bands() -> FloatArray:
    """Give the weights of the lines in the mean of each band that the model makes: (HIGH_BANDS, LINES)."""
    return _means(_triangles(high_centres_hz()))


def low_bands() -> FloatArray:
    """Give the weights of the lines in the mean of each band that it hears: (LOW_BANDS, LINES)."""
    return _means(_triangles(low_centres_hz()))


def gain_curve() -> FloatArray:
    """Give the weights of the bands in the gain of each line, held beyond the outermost: (HIGH_BANDS, LINES)."""
    centres = high_centres_hz()
    places = _erb_rate(np.clip(np.arange(LINES) * LINE_HZ, centres[0], centres[-1]))
    step = (_erb_rate(centres[-1:]) - _erb_rate(centres[:1])) / (HIGH_BANDS - 1)
    distance = np.abs(places - _erb_rate(centres)[:, None]) / step
    return np.maximum(0, 1 - distance).astype(np.float32)


def analysis_window() -> FloatArray:
    """Give the periodic Hann window of analysis and synthesis."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)


def smoothing() -> FloatArray:
    """Give the weights of neighbours in a smoothed level: (SMOOTHED_BANDS,), adding up to 1."""
    weights = np.hanning(SMOOTHED_BANDS + 2)[1:-1]
    return np.asarray(weights / weights.sum(), np.float32)


def cosines(count: int) -> FloatArray:
    """Give the slowest waves over the bands, orthonormal: (count, HIGH_BANDS), the discrete cosine transform."""
    angles = np.pi / HIGH_BANDS * np.outer(np.arange(count), np.arange(HIGH_BANDS) + 0.5)
    waves = np.cos(angles) * np.sqrt(2 / HIGH_BANDS)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves, np.float32)


def _erb_rate(hertz: AnyFloatArray) -> DoubleArray:
    """Count equivalent rectangular bandwidths (B. Glasberg, B. Moore, Hearing Research 47, 1990)."""
    return np.asarray(21.4 * np.log10(1 + 0.00437 * hertz))


def _centres(lowest_hz: float, highest_hz: float, count: int) -> DoubleArray:
    lowest, highest = _erb_rate(np.array([lowest_hz, highest_hz]))
    return np.asarray((10 ** (np.linspace(lowest, highest, count) / 21.4) - 1) / 0.00437)


def _triangles(centres_hz: DoubleArray) -> DoubleArray:
    """Overlap neighbours evenly; a band narrower than two lines are apart has the nearest line alone."""
    places = _erb_rate(centres_hz)
    lines = np.arange(LINES) * LINE_HZ
    width = places[1] - places[0]
    weights = np.maximum(0, 1 - np.abs(_erb_rate(lines) - places[:, None]) / width)
    for band in np.flatnonzero(weights.sum(1) < 0.5):
        weights[band] = np.arange(LINES) == round(centres_hz[band] / LINE_HZ)
    return np.asarray(weights, np.float64)


def _means(weights: DoubleArray) -> FloatArray:
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)
