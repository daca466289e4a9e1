"""Inputs that a system was not made for, which it must not make worse."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import soundfile as sf
import soxr
from scipy.signal import firwin, oaconvolve

from novasr.evaluation.signals import fit

if TYPE_CHECKING:
    from novasr.evaluation.systems import System
    from novasr.families.task import Task
    from novasr.types import AnyFloatArray, DoubleArray

_HISS_DB = -40.0
_CLIPPED_AT = 0.25
_MP3_LEVEL = 0.8  # LAME writes 96 kb/s for it
_STEADY_LEVEL = 0.1
_EDGES_PER_SECOND = 100  # an edge is longer than any filter
_TELEPHONE_HZ = 8_000
_G711_BAND_HZ = (300.0, 3_400.0)
_G711_TAPS = 401  # 60 dB within 40 Hz


def telephone(recording: AnyFloatArray, rate_hz: int) -> DoubleArray:
    """Remove everything above 4 kHz."""
    narrow = soxr.resample(recording, rate_hz, _TELEPHONE_HZ, "VHQ")
    return fit(soxr.resample(narrow, _TELEPHONE_HZ, rate_hz, "VHQ"), len(recording))


def g711(recording: AnyFloatArray, rate_hz: int) -> DoubleArray:
    """Keep 300 to 3,400 Hz and code as a telephone line does: A-law at 8 kHz (ITU-T G.711, 1988)."""
    narrow = soxr.resample(recording, rate_hz, _TELEPHONE_HZ, "VHQ")
    taps = firwin(_G711_TAPS, _G711_BAND_HZ, fs=_TELEPHONE_HZ, pass_zero=False)
    sent = oaconvolve(np.pad(narrow, _G711_TAPS // 2), taps, mode="valid")
    coded = io.BytesIO()
    sf.write(coded, np.clip(sent, -1, 1), _TELEPHONE_HZ, "ALAW", format="WAV")
    coded.seek(0)
    received = sf.read(coded)[0]
    return fit(soxr.resample(received, _TELEPHONE_HZ, rate_hz, "VHQ"), len(recording))


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
    "g711": g711,
    "hiss": hiss,
    "clipped": clipped,
    "mp3": mp3,
}


#: Where scoring begins in Hz, for conditions that remove the lowest band.
SCORED_FROM_HZ = {"g711": _G711_BAND_HZ[0]}


def steady_levels(system: System, task: Task) -> dict[str, float]:
    """Measure the output for a second of silence, and for a second of DC at 0.1.

    Returns
    -------
    dict of str to float
        In dB of full scale, minus infinity for none: ``silence_peak`` with the edges,
        ``silence_dc`` the mean without them, ``dc_ripple`` the largest departure from 0.1 of the
        output for DC, without edges.
    """
    edge = task.high_hz // _EDGES_PER_SECOND
    inner = slice(edge, -edge)
    silence = system.extend(np.zeros(task.low_hz), task)
    steady = system.extend(np.full(task.low_hz, _STEADY_LEVEL), task)
    return {
        "silence_peak": _db(np.abs(silence).max()),
        "silence_dc": _db(abs(silence[inner].mean())),
        "dc_ripple": _db(np.abs(steady[inner] - _STEADY_LEVEL).max()),
    }


def _db(amplitude: float) -> float:
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(amplitude))
