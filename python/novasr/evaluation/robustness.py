"""Inputs that a system was not made for: what it must not make worse."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import soundfile as sf
import soxr

from novasr.evaluation.signals import fit
from novasr.rates import MODEL_INPUT_HZ, MODEL_OUTPUT_HZ

if TYPE_CHECKING:
    from novasr.evaluation.signals import Array, Audio
    from novasr.evaluation.systems import System

_HISS_DB = -40.0
_CLIPPED_AT = 0.25
_MP3_LEVEL = 0.8  # LAME writes 96 kb/s for it
_STEADY_LEVEL = 0.1
_EDGE_FRAMES = MODEL_OUTPUT_HZ // 100  # longer than any filter reaches


def telephone(recording: Audio) -> Array:
    """Take away all above 4 kHz."""
    narrow = soxr.resample(recording, MODEL_OUTPUT_HZ, 8_000, "VHQ")
    return fit(soxr.resample(narrow, 8_000, MODEL_OUTPUT_HZ, "VHQ"), len(recording))


def hiss(recording: Audio) -> Array:
    """Add white noise, 40 dB below the recording's RMS."""
    noise = np.random.default_rng(0).standard_normal(len(recording))
    return np.asarray(recording + 10 ** (_HISS_DB / 20) * np.sqrt(np.mean(recording**2)) * noise)


def clipped(recording: Audio) -> Array:
    """Clip at a quarter of the peak."""
    limit = _CLIPPED_AT * np.abs(recording).max()
    return np.clip(recording, -limit, limit)


def mp3(recording: Audio) -> Array:
    """Code as MP3 at 96 kb/s and back."""
    coded = io.BytesIO()
    sf.write(
        coded,
        recording,
        MODEL_OUTPUT_HZ,
        "MPEG_LAYER_III",
        format="MP3",
        bitrate_mode="CONSTANT",
        compression_level=_MP3_LEVEL,
    )
    coded.seek(0)
    return fit(sf.read(coded)[0], len(recording))


#: What is done to a recording before it goes to 16 kHz.
CONDITIONS: dict[str, Callable[[Audio], Array]] = {
    "telephone": telephone,
    "hiss": hiss,
    "clipped": clipped,
    "mp3": mp3,
}


def steady_levels(system: System) -> dict[str, float]:
    """Measure what a system makes of a second of silence, and of a second of DC at 0.1.

    Returns
    -------
    dict of str to float
        In dB of full scale, minus infinity for none: ``silence_peak`` with the edges,
        ``silence_dc`` the mean without them, ``dc_ripple`` the largest departure from 0.1 of the
        output for DC, without edges.
    """
    silence = system.extend(np.zeros(MODEL_INPUT_HZ))
    inner = slice(_EDGE_FRAMES, -_EDGE_FRAMES)
    steady = system.extend(np.full(MODEL_INPUT_HZ, _STEADY_LEVEL))
    return {
        "silence_peak": _db(np.abs(silence).max()),
        "silence_dc": _db(abs(silence[inner].mean())),
        "dc_ripple": _db(np.abs(steady[inner] - _STEADY_LEVEL).max()),
    }


def _db(amplitude: float) -> float:
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(amplitude))
