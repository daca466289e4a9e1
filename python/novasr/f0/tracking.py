"""F0 of a recording, by the method of one's choice."""

from __future__ import annotations

import math
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import soxr

from novasr.checks import check_choice
from novasr.errors import MissingPackageError, ParameterError, install_command
from novasr.f0.checking import PERIODS_MS, check_between
from novasr.f0.search import RATE_HZ, Search

if TYPE_CHECKING:
    from novasr.types import AnyFloatArray, DoubleArray

Method: TypeAlias = Literal["harvest", "dio", "crepe", "pyin", "praat", "hybrid"]
METHODS: tuple[Method, ...] = get_args(Method)

# Module of each method, the package that it needs, under which name that is imported, and the extra that brings it.
_HOMES = {
    "harvest": ("world", "pyworld", "pyworld", "f0"),
    "dio": ("world", "pyworld", "pyworld", "f0"),
    "crepe": ("crepe", "torchcrepe", "torchcrepe", "f0"),
    "pyin": ("pyin", "librosa", "librosa", "f0"),
    "praat": ("praat", "praat-parselmouth", "parselmouth", "praat"),
}
_VOTERS = ("harvest", "dio", "crepe", "pyin")  # of hybrid; Praat's licence has to be asked for

_RATES_HZ = (8_000, 192_000)
_RANGE_HZ = (40.0, 1600.0)
_SEGMENT_SECONDS = 60.0
_CONTEXT_SECONDS = 1.0


def track(
    audio: AnyFloatArray,
    rate_hz: float,
    *,
    method: Method = "dio",
    floor_hz: float = 60.0,
    ceiling_hz: float = 800.0,
    period_ms: float = 10.0,
) -> DoubleArray:
    """Track the fundamental frequency of a voice or of one instrument.

    The recording is read in segments of a minute with a second of context on both sides, so that the memory needed does
    not grow with its length. Within a segment it is converted to 16 kHz.

    Parameters
    ----------
    audio : ndarray of float, shape (frames,)
        One channel, of any level.
    rate_hz : float
        Sample rate of `audio`, from 8 to 192 kHz.
    method : {"harvest", "dio", "crepe", "pyin", "praat", "hybrid"}
        Who tracks; docs/f0.md compares them. ``"hybrid"`` takes the median of those of the first four that are
        installed, over those that find a voice, where at least half of them do.
    floor_hz, ceiling_hz : float
        Range in which F0 is looked for: from 40 to 1600 Hz, an octave at least. Refined values may lie a little
        outside.
    period_ms : float
        From one value to the next, from 1 to 50 ms.

    Returns
    -------
    ndarray of float64, shape (1 + floor(1000 * frames / rate_hz / period_ms),)
        F0 in Hz, 0 where there is no voice. Value k belongs to the time k * `period_ms`; the first sample has time 0.

    Raises
    ------
    ParameterError
        If an argument cannot be used; a sample that is not finite among them.
    MissingPackageError
        If the method's package is not installed, or does not load.
    """
    check_choice("method", method, METHODS)
    check_between("rate_hz", rate_hz, _RATES_HZ)
    check_between("floor_hz", floor_hz, _RANGE_HZ)
    check_between("ceiling_hz", ceiling_hz, _RANGE_HZ)
    check_between("period_ms", period_ms, PERIODS_MS)
    if ceiling_hz < 2 * floor_hz:
        msg = f"ceiling_hz must be twice floor_hz ({floor_hz}) at least, not {ceiling_hz}"
        raise ParameterError(msg)
    return _in_segments(_checked(audio), rate_hz, method, (floor_hz, ceiling_hz, period_ms))


def _in_segments(
    audio: AnyFloatArray, rate_hz: float, method: Method, wanted: tuple[float, float, float]
) -> DoubleArray:
    floor_hz, ceiling_hz, period_ms = wanted
    hop = period_ms * rate_hz / 1000
    count = 1 + math.floor(len(audio) / hop + 1e-9)
    length = round(1000 * _SEGMENT_SECONDS / period_ms)
    context = round(1000 * _CONTEXT_SECONDS / period_ms)
    f0 = np.zeros(count)
    for start in range(0, count, length):
        end = min(start + length, count)
        first, last = max(0, start - context), min(end + context, count)
        part = audio[round(first * hop) : math.ceil(last * hop)]
        low = soxr.resample(np.asarray(part, np.float64), rate_hz, RATE_HZ, "HQ")
        search = Search(floor_hz, ceiling_hz, period_ms, last - first)
        f0[start:end] = _segment(low, method, search)[start - first : end - first]
    return f0


def _segment(low: DoubleArray, method: Method, search: Search) -> DoubleArray:
    """Track what fits in memory: audio at 16 kHz, `search.count` values."""
    needed = max(1, math.ceil((search.count - 1) * search.hop))  # converting may round down
    low = np.pad(low, (0, max(0, needed - len(low))))
    return _hybrid(low, search) if method == "hybrid" else _single(low, method, search)


def _hybrid(low: DoubleArray, search: Search) -> DoubleArray:
    """Take the vote of all that are installed; one that is, but does not load, is an error."""
    voters = [method for method in _VOTERS if find_spec(_HOMES[method][2]) is not None]
    if not voters:
        msg = f"method 'hybrid' needs pyworld, torchcrepe or librosa: {install_command('f0')}"
        raise MissingPackageError(msg)
    return _median_of_votes(np.stack([_single(low, method, search) for method in voters]))


def _median_of_votes(found: DoubleArray) -> DoubleArray:
    """Combine tracks of shape (methods, count): of two in the middle the lower, as their mean is nobody's."""
    voiced = 2 * np.count_nonzero(found, axis=0) >= len(found)
    voiced &= found.any(axis=0)
    votes = np.sort(np.where(found > 0, found, np.inf), axis=0)
    middle = np.maximum(np.count_nonzero(found, axis=0) - 1, 0) // 2
    median = np.take_along_axis(votes, middle[np.newaxis], axis=0)[0]
    return np.where(voiced, median, 0.0)


def _single(low: DoubleArray, method: str, search: Search) -> DoubleArray:
    module, package, imported, extra = _HOMES[method]
    tracker = getattr(import_module(f"novasr.f0.{module}"), method)
    try:
        found = tracker(low, search)
    except ImportError as error:
        lost = find_spec(imported) is not None  # with the package, but not with what it imports
        reason = f", which does not load ({error})" if lost else ""
        msg = f"method {method!r} needs {package}{reason}: {install_command(extra)}"
        raise MissingPackageError(msg) from error
    fitted = np.zeros(search.count)
    fitted[: len(found)] = found[: search.count]
    return fitted


def _checked(audio: AnyFloatArray) -> AnyFloatArray:
    array = np.asarray(audio)
    if array.ndim != 1 or array.dtype.kind != "f":
        msg = (
            "audio must be floating-point samples of one channel, of shape (frames,), "
            f"not {array.dtype} of shape {array.shape}"
        )
        raise ParameterError(msg)
    if not np.isfinite(array).all():
        bad = int(np.argmin(np.isfinite(array)))
        msg = f"audio must be finite, but sample {bad} is {array[bad]}: replace such samples first"
        raise ParameterError(msg)
    return array
