"""How steadily F0 runs: a voice holds it, what the methods make of chords and noise jumps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novasr.f0.checking import PERIODS_MS, check_between, check_track

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from novasr.types import FloatArray

_WINDOW_MS = 200.0
_TOLERANCE_CENTS_PER_MS = 3.0  # vibrato of 6 Hz and a semitone to either side bends by 1.4


def stability(f0: ArrayLike, *, period_ms: float = 10.0) -> FloatArray:
    """Measure how steadily F0 runs around each value, to choose how tightly harmonics bind.

    A value counts as steady by how little its track bends there: b cents of second difference give
    1 / (1 + (b / c)^2), where c is 3 cents for each millisecond of the period, so that glides and vibrato are
    steady and jumps are not. That holds for periods of about 10 ms: with longer ones vibrato counts as less steady,
    with shorter ones jitter does. Without a voiced value on both sides it counts as 0. The result is the mean over a
    Hann window of 200 ms, and 0 where the value itself is unvoiced.

    Parameters
    ----------
    f0 : array_like of float, shape (frames,)
        In Hz, 0 where unvoiced, as `track` gives it.
    period_ms : float
        From one value to the next.

    Returns
    -------
    ndarray of float32, shape (frames,)
        From 0, no voice or a track that jumps, to 1, the middle of a long steady voice.

    Raises
    ------
    ParameterError
        If `f0` is no track, or the period is not from 1 to 50 ms.
    """
    hertz = check_track(f0)
    check_between("period_ms", period_ms, PERIODS_MS)
    steady = np.zeros(len(hertz))
    inner = (hertz[:-2] > 0) & (hertz[1:-1] > 0) & (hertz[2:] > 0)
    cents = 1200 * np.log2(np.where(hertz > 0, hertz, 1))
    bend = np.diff(cents, 2) / (_TOLERANCE_CENTS_PER_MS * period_ms)
    steady[1:-1] = inner / (1 + bend**2)
    window = np.hanning(2 * round(_WINDOW_MS / period_ms / 2) + 3)[1:-1]
    mean = np.convolve(steady, window / window.sum(), mode="full")
    half = len(window) // 2
    return np.where(hertz > 0, mean[half : half + len(hertz)], 0).astype(np.float32)
