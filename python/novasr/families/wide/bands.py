"""The bands, the window and the noise that the network and its engines share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from novasr.families.wide.architecture import (
    FFT,
    GAIN_BANDS,
    HIGHEST_GAIN_HZ,
    HIGHEST_INPUT_HZ,
    HOP,
    INPUT_BANDS,
    LINE_HZ,
    LINES,
    LOWEST_GAIN_HZ,
    LOWEST_INPUT_HZ,
    NOISE_FRAMES,
    WHITENING_FLOOR,
    WHITENING_LINES,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from novasr.types import FloatArray

    Doubles = NDArray[np.float64]


def window() -> FloatArray:
    """Give the window of analysis and of synthesis: their product adds up to 1 at half overlap."""
    return np.sin(math.pi * (np.arange(FFT) + 0.5) / FFT).astype(np.float32)


def erb_rate(hertz: float) -> float:
    """Give the number of equivalent rectangular bandwidths below a frequency (B. Glasberg, B. Moore, 1990)."""
    return 21.4 * math.log10(1 + 0.00437 * hertz)


def centres(lowest_hz: float, highest_hz: float, count: int) -> Doubles:
    """Space `count` frequencies evenly on the ERB-rate scale, in Hz."""
    places = np.linspace(erb_rate(lowest_hz), erb_rate(highest_hz), count)
    hertz: Doubles = (10 ** (places / 21.4) - 1) / 0.00437
    return hertz


def triangles(lowest_hz: float, highest_hz: float, count: int) -> Doubles:
    """Give the overlapping triangular bands between those centres: (count, LINES).

    A band that is narrower than the distance of two spectral lines has the nearest line alone.
    """
    middle = centres(lowest_hz, highest_hz, count)
    below = np.concatenate([2 * middle[:1] - middle[1:2], middle[:-1]])[:, None]
    above = np.concatenate([middle[1:], 2 * middle[-1:] - middle[-2:-1]])[:, None]
    hertz = np.arange(LINES) * LINE_HZ
    rising, falling = (
        (hertz - below) / (middle[:, None] - below),
        (above - hertz) / (above - middle[:, None]),
    )
    bands: Doubles = np.minimum(rising, falling).clip(min=0)
    nearest = np.rint(middle / LINE_HZ).astype(int)
    for band in np.flatnonzero(bands.sum(1) < 1e-3):
        bands[band, nearest[band]] = 1.0
    return bands


def input_bands() -> FloatArray:
    """Means over the lines of each input band: (INPUT_BANDS, LINES)."""
    bands = triangles(LOWEST_INPUT_HZ, HIGHEST_INPUT_HZ, INPUT_BANDS)
    means: Doubles = bands / bands.sum(1, keepdims=True)
    return means.astype(np.float32)


def input_centres_hz() -> FloatArray:
    """Centres of the input bands: (INPUT_BANDS,)."""
    return centres(LOWEST_INPUT_HZ, HIGHEST_INPUT_HZ, INPUT_BANDS).astype(np.float32)


def gain_curve() -> FloatArray:
    """Interpolation from gain bands to lines: (GAIN_BANDS, LINES); 0 outside them."""
    bands = triangles(LOWEST_GAIN_HZ, HIGHEST_GAIN_HZ, GAIN_BANDS)
    shares: Doubles = bands / bands.sum(0, keepdims=True).clip(min=1e-6)
    return shares.astype(np.float32)


def line_hz() -> FloatArray:
    """Frequencies of the lines: (LINES,)."""
    return (np.arange(LINES) * LINE_HZ).astype(np.float32)


def repeating_noise(frames: int) -> FloatArray:
    """Draw white noise of unit variance, the same everywhere: a linear congruential generator (D. Knuth)."""
    state, values = 1, np.empty(frames)
    for i in range(frames):
        state = (1_664_525 * state + 1_013_904_223) % 2**32
        values[i] = state
    return ((values / 2**31 - 1) * math.sqrt(3)).astype(np.float32)


def noise_spectra() -> FloatArray:
    """Give the whitened spectra of noise that repeats without a seam, real and imaginary: (NOISE_FRAMES, LINES, 2)."""
    audio = repeating_noise(HOP * NOISE_FRAMES)
    hops = np.concatenate([audio, audio[: FFT - HOP]]).reshape(-1, HOP)
    spectra = np.fft.rfft(np.concatenate([hops[:-1], hops[1:]], 1).astype(np.float64) * window())
    sides = WHITENING_LINES // 2
    power = np.pad(np.abs(spectra) ** 2, ((0, 0), (sides, sides)), mode="edge")
    smooth = np.lib.stride_tricks.sliding_window_view(power, WHITENING_LINES, 1).mean(-1)
    spectra /= np.sqrt(smooth + WHITENING_FLOOR)
    return np.stack([spectra.real, spectra.imag], -1).astype(np.float32)
