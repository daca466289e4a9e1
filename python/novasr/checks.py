"""Whether arguments can be used, before work begins or memory is taken."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from novasr.errors import AudioFileError, AudioFormatError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from novasr.types import FloatArray

MAX_CHANNELS = 256


def check_audio(audio: ArrayLike, channels: int | None = None) -> FloatArray:
    """Give `audio` as C-ordered float32 of shape (frames, channels), or raise AudioFormatError.

    Without `channels` it has as many as there may be, and no more than frames: else it is taken for
    the (channels, frames) of other libraries.
    """
    array = check_block(audio)
    frames, found = array.shape
    sideways = 0 < frames < found
    if found != channels if channels is not None else sideways or found > MAX_CHANNELS:
        expected = f"1 to {MAX_CHANNELS}" if channels is None else channels
        hint = "; transpose it (audio.T): frames come first" if sideways else ""
        msg = f"expected {expected} channel(s), got an array of shape {array.shape}{hint}"
        raise AudioFormatError(msg)
    return np.ascontiguousarray(array, dtype=np.float32)


def check_block(block: ArrayLike) -> NDArray[np.floating[Any]]:
    """Give a block of any length with the shape (frames, channels), or raise AudioFormatError."""
    try:
        array = np.asarray(block)
    except ValueError as error:
        msg = (
            "expected an array of shape (frames,) or (frames, channels), got rows of unequal length"
        )
        raise AudioFormatError(msg) from error
    if array.dtype.kind != "f":
        msg = (
            f"expected floating-point samples with full scale at 1.0, got {array.dtype}; "
            "divide integers by their full scale first"
        )
        raise AudioFormatError(msg)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] == 0:
        msg = f"expected an array of shape (frames,) or (frames, channels), got {array.shape}"
        raise AudioFormatError(msg)
    return array


def check_count(name: str, value: object, most: int = 1_000_000) -> None:
    """Raise ParameterError unless `value` is a whole number from 1 to `most`."""
    if not is_whole(value) or value < 1:  # type: ignore[operator]
        raise ParameterError(f"{name} must be a positive whole number, not {value!r}")
    if value > most:  # type: ignore[operator]
        raise ParameterError(f"{name} must be {most} at most, not {value}")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ParameterError unless `value` is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ParameterError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def is_whole(value: object) -> bool:
    """Tell a whole number of Python or numpy."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Tell a finite number of Python or numpy."""
    return isinstance(value, int | float | np.number) and not (
        isinstance(value, bool) or np.iscomplexobj(value) or not math.isfinite(value)
    )


def usable_path(name: str | Path) -> Path:
    """Give `name` as a path, or raise AudioFileError if no file can have it."""
    if "\0" in str(name):
        raise AudioFileError(f"{str(name)!r}: no file name holds a NUL character")
    return Path(name)
