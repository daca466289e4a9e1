"""Helpers for the signals that evaluation compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from novasr.types import AnyFloatArray, DoubleArray


def fit(audio: AnyFloatArray, frames: int) -> DoubleArray:
    """Truncate to a length, or pad with zeros."""
    kept = np.asarray(audio[:frames], np.float64)
    return np.pad(kept, (0, frames - len(kept)))
