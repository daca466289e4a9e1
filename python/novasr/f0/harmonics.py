"""Where the harmonics of a track lie: a condition for what generates the band above."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novasr.errors import ParameterError
from novasr.f0.checking import check_between, check_track
from novasr.f0.variation import stability as stability_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from novasr.types import FloatArray

_WIDTHS_HZ = (0.1, 1000.0)
_UNCERTAINTY = 2 ** (5 / 1200) - 1  # of F0, 5 cents, which the harmonics multiply


def harmonic_template(
    f0: ArrayLike,
    frequencies_hz: ArrayLike,
    *,
    stability: ArrayLike | None = None,
    width_hz: float = 20.0,
) -> FloatArray:
    """Tell for each time how close each frequency is to a harmonic, loosely where F0 is unstable.

    The closeness is exp(-(s d / w)^2 / 2), with d Hz to the nearest harmonic, stability s, and at the frequency f
    the width w = sqrt(a^2 + (0.0029 f)^2), where a is `width_hz`: 5 cents by which F0 may be off move high harmonics
    further. Where s is 0 nothing is known, and every frequency is as good: 1.

    Parameters
    ----------
    f0 : array_like of float, shape (frames,)
        In Hz, 0 where unvoiced, as `track` gives it.
    frequencies_hz : array_like of float, shape (bins,)
        Such as ``numpy.fft.rfftfreq(size, 1 / rate_hz)``; not negative.
    stability : array_like of float, shape (frames,), optional
        From 0 to 1; by default `novasr.f0.stability` of `f0` with a value every 10 ms.
    width_hz : float
        Standard deviation of a harmonic's place, from 0.1 to 1000 Hz; some half of an analysis window's resolution.

    Returns
    -------
    ndarray of float32, shape (frames, bins)
        From 0 to 1. It takes some 16 bytes for each frame and bin while it is computed, 4 from then on.

    Raises
    ------
    ParameterError
        If an argument cannot be used.
    """
    hertz = check_track(f0).astype(np.float32)[:, np.newaxis]
    check_between("width_hz", width_hz, _WIDTHS_HZ)
    bins = _checked("frequencies_hz", frequencies_hz, np.inf)
    steady = stability_of(f0) if stability is None else _checked("stability", stability, 1.0)
    if len(steady) != len(hertz):
        msg = f"stability must have as many values as f0 ({len(hertz)}), not {len(steady)}"
        raise ParameterError(msg)
    spacing = np.where(hertz > 0, hertz, 1)
    tight = np.where(hertz > 0, steady[:, np.newaxis], 0) / np.hypot(
        width_hz, _UNCERTAINTY * bins, dtype=np.float32
    )
    number = np.maximum(np.rint(bins / spacing), 1)
    distance = (bins - number * spacing) * tight
    return np.asarray(np.exp(-0.5 * distance**2), np.float32)


def _checked(name: str, values: ArrayLike, most: float) -> FloatArray:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        msg = f"{name} must be numbers of one dimension, not {array.dtype} of shape {array.shape}"
        raise ParameterError(msg)
    if not (np.isfinite(array) & (array >= 0) & (array <= most)).all():
        range_ = "not negative" if most == np.inf else f"from 0 to {most:g}"
        msg = f"{name} must be finite and {range_}"
        raise ParameterError(msg)
    return array.astype(np.float32)
