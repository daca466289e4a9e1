"""The bands and windows that the network and its engines share."""

from __future__ import annotations

import math

import torch
from torch import Tensor

RATE_HZ = 48_000
FFT, HOP = 512, 256
LINES = FFT // 2 + 1
LINE_HZ = RATE_HZ / FFT

INPUT_BANDS, LOWEST_INPUT_HZ, HIGHEST_INPUT_HZ = 44, 60.0, 23_500.0
GAIN_BANDS, LOWEST_GAIN_HZ, HIGHEST_GAIN_HZ = 64, 1_900.0, 23_900.0


def window() -> Tensor:
    """Give the window of analysis and of synthesis: their product adds up to 1 at half overlap."""
    return torch.sin(math.pi * (torch.arange(FFT) + 0.5) / FFT)


def erb_rate(hertz: float) -> float:
    """Give the number of equivalent rectangular bandwidths below a frequency (B. Glasberg, B. Moore, 1990)."""
    return 21.4 * math.log10(1 + 0.00437 * hertz)


def centres(lowest_hz: float, highest_hz: float, count: int) -> Tensor:
    """Space `count` frequencies evenly on the ERB-rate scale, in Hz."""
    places = torch.linspace(erb_rate(lowest_hz), erb_rate(highest_hz), count, dtype=torch.float64)
    return (10 ** (places / 21.4) - 1) / 0.00437


def triangles(lowest_hz: float, highest_hz: float, count: int) -> Tensor:
    """Give the overlapping triangular bands between those centres: (count, LINES).

    A band that is narrower than the distance of two spectral lines has the nearest line alone.
    """
    middle = centres(lowest_hz, highest_hz, count)
    below = torch.cat([2 * middle[:1] - middle[1:2], middle[:-1]])[:, None]
    above = torch.cat([middle[1:], 2 * middle[-1:] - middle[-2:-1]])[:, None]
    hertz = torch.arange(LINES, dtype=torch.float64) * LINE_HZ
    rising, falling = (
        (hertz - below) / (middle[:, None] - below),
        (above - hertz) / (above - middle[:, None]),
    )
    bands = torch.minimum(rising, falling).clamp(min=0)
    nearest = torch.round(middle / LINE_HZ).long()
    for band in torch.nonzero(bands.sum(1) < 1e-3)[:, 0]:
        bands[band, nearest[band]] = 1.0
    return bands


def input_bands() -> Tensor:
    """Means over the lines of each input band: (INPUT_BANDS, LINES)."""
    bands = triangles(LOWEST_INPUT_HZ, HIGHEST_INPUT_HZ, INPUT_BANDS)
    return (bands / bands.sum(1, keepdim=True)).float()


def input_centres_hz() -> Tensor:
    """Centres of the input bands: (INPUT_BANDS,)."""
    return centres(LOWEST_INPUT_HZ, HIGHEST_INPUT_HZ, INPUT_BANDS).float()


def gain_curve() -> Tensor:
    """Interpolation from gain bands to lines: (GAIN_BANDS, LINES); 0 outside them."""
    bands = triangles(LOWEST_GAIN_HZ, HIGHEST_GAIN_HZ, GAIN_BANDS)
    return (bands / bands.sum(0, keepdim=True).clamp(min=1e-6)).float()
