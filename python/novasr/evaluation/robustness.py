"""Inputs that a system was not made for, which it must not make worse."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import soundfile as sf
import soxr

from novasr.evaluation.signals import fit

if TYPE_CHECKING:
    from novasr.evaluation.systems import System
    from novasr.types import AnyFloatArray, DoubleArray

_HISS_DB = -40.0
_CLIPPED_AT = 0.25
_MP3_LEVEL = 0.8  # LAME writes 96 kb/s for it
_STEADY_LEVEL = 0.1
_EDGES_PER_SECOND = 100  # an edge is longer than any filter
_TELEPHONE_HZ = 8_000


def telephone(recording: AnyFloatArray, rate_hz: int) -> DoubleArray:
    """Remove everything above 4 kHz."""
    narrow = soxr.resample(recording, rate_hz, _TELEPHONE_HZ, "VHQ")
    return fit(soxr.resample(narrow, _TELEPHONE_HZ, rate_hz, "VHQ"), len(recording))


def hiss(recording: AnyFloatArray, rate_hz: int) -> DoubleArray:
    """Add white noise, 40 dB below the recording's RMS."""
    noise = np.random.default_rng(0).standard_normal(len(recording))
    return np.asarray(recording + 10 ** (_HISS_DB / 20) * np.sqrt(np.mean(recording**2)) * noise)


def clipped(recording: AnyFloatArray, rate_hz: int) -> DoubleArray:
    """Clip at a quarter of the peak."""
    limit = _CLIPPED_AT * np.abs(recording).max()
    return np.clip(recording, -limit, limit)


def mp3(recording: AnyFloatArray, rate_hz: int) -> DoubleArray:
    """Encode as MP3 at 96 kb/s and decode."""
    coded = io.BytesIO()
    sf.write(
        coded,
        recording,
        rate_hz,
        "MPEG_LAYER_III",
        format="MP3",
        bitrate_mode="CONSTANT",
        compression_level=_MP3_LEVEL,
    )
    coded.seek(0)
    return fit(sf.read(coded)[0], len(recording))


#: How a recording at some rate is degraded before it is downsampled.
CONDITIONS: dict[str, Callable[[AnyFloatArray, int], DoubleArray]] = {
    "telephone": telephone,
    "hiss": hiss,
    "clipped": clipped,
    "mp3": mp3,
}


def steady_levels(system: System) -> dict[str, float]:
    """Measure the output for a second of silence, and for a second of DC at 0.1.

    Returns
    -------
    dict of str to float
        In dB of full scale, minus infinity for none: ``silence_peak`` with the edges,
        ``silence_dc`` the mean without them, ``dc_ripple`` the largest departure from 0.1 of the
        output for DC, without edges.
    """
    task = system.task
    edge = task.high_hz // _EDGES_PER_SECOND
    inner = slice(edge, -edge)
    silence = system.extend(np.zeros(task.low_hz))
    steady = system.extend(np.full(task.low_hz, _STEADY_LEVEL))
    return {
        "silence_peak": _db(np.abs(silence).max()),
        "silence_dc": _db(abs(silence[inner].mean())),
        "dc_ripple": _db(np.abs(steady[inner] - _STEADY_LEVEL).max()),
    }


def _db(amplitude: float) -> float:
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(amplitude))
