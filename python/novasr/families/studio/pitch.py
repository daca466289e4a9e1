"""The fundamental frequency at the model's frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from novasr.f0 import stability, track
from novasr.families.studio.architecture import FRAME, RATE_HZ

if TYPE_CHECKING:
    from novasr.f0 import Method
    from novasr.types import FloatArray

_PERIOD_MS = 1000 * FRAME / RATE_HZ


def fundamental(audio: FloatArray, frames: int, method: str) -> FloatArray:
    """Track the fundamental of a voice or an instrument.

    Parameters
    ----------
    audio : ndarray of float32, shape (samples,)
        48 kHz.
    frames : int
        How many values to give.
    method : str
        One of :func:`novasr.f0.track`.

    Returns
    -------
    ndarray of float32, shape (2, frames)
        In Hz, 0 where there is none, and its stability from 0 to 1.
    """
    f0 = track(audio, RATE_HZ, method=cast("Method", method), period_ms=_PERIOD_MS)
    both = np.stack([f0, stability(f0, period_ms=_PERIOD_MS)]).astype(np.float32)
    missing = max(0, frames - both.shape[1])
    return np.pad(both, ((0, 0), (0, missing)))[:, :frames]
