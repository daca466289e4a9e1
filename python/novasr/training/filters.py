"""Low-pass filters that change the level of a band and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal

from novasr.types import FloatArray

FILTERS = {  # scipy's names of them
    "butterworth": "butter",
    "chebyshev": "cheby1",
    "elliptic": "ellip",
    "bessel": "bessel_mag",
}


def analogue_low_pass(design: str, order: int, cutoff_hz: float) -> tuple[Any, Any, float]:
    """Design an analogue filter, one of :data:`FILTERS`: zeros, poles, gain."""
    zpk: tuple[Any, Any, float] = signal.iirfilter(
        order,
        cutoff_hz,
        rp=0.5,
        rs=60.0,
        btype="low",
        analog=True,
        ftype=FILTERS[design],
        output="zpk",
    )
    return zpk


def zero_phase_low_pass(
    audio: FloatArray, design: str, order: int, cutoff_hz: float, rate_hz: int
) -> FloatArray:
    """Apply the magnitude response of an analogue filter, one of :data:`FILTERS`, without its phase."""
    hertz = np.fft.rfftfreq(len(audio), 1 / rate_hz)
    gain = np.abs(signal.freqs_zpk(*analogue_low_pass(design, order, cutoff_hz), worN=hertz)[1])
    return np.asarray(np.fft.irfft(np.fft.rfft(audio) * gain, len(audio)), np.float32)
