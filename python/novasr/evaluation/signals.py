"""Types and helpers for the signals that evaluation compares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Audio = NDArray[np.floating[Any]]
    Array = NDArray[np.float64]


def fit(audio: Audio, frames: int) -> Array:
    """Cut to a length, or fill up with zeros."""
    kept = np.asarray(audio[:frames], np.float64)
    return np.pad(kept, (0, frames - len(kept)))
