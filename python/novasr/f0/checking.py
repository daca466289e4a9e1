"""Whether arguments that several modules share can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novasr.checks import is_number
from novasr.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from novasr.types import DoubleArray

PERIODS_MS = (1.0, 50.0)


def check_between(name: str, value: object, ends: tuple[float, float]) -> None:
    """Raise ParameterError unless `value` is a number between the two, these included."""
    if not is_number(value) or not ends[0] <= value <= ends[1]:  # type: ignore[operator]
        msg = f"{name} must be a number from {ends[0]:g} to {ends[1]:g}, not {value!r}"
        raise ParameterError(msg)


def check_track(f0: ArrayLike) -> DoubleArray:
    """Give `f0` as float64 of shape (frames,), or raise ParameterError."""
    track = np.asarray(f0)
    if track.ndim != 1 or len(track) == 0 or track.dtype.kind not in "fiu":
        msg = f"f0 must be numbers of shape (frames,), not {track.dtype} of shape {track.shape}"
        raise ParameterError(msg)
    if not np.isfinite(track).all() or (track < 0).any():
        msg = "f0 must be finite and not negative; 0 stands for unvoiced"
        raise ParameterError(msg)
    return track.astype(np.float64)
