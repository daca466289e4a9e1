"""Follow where the band of a signal ends, while it plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novasr._native import CutoffEstimator
from novasr.checks import check_audio
from novasr.native_errors import NativeErrors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from novasr.types import FloatArray

_FRAME = CutoffEstimator.frame_length
_HOP = CutoffEstimator.hop
_BLOCK_HOPS = 2_048  # bounds the memory


def cutoffs(audio: ArrayLike, *, prior_hz: float | None = None) -> FloatArray:
    """Estimate the cut-off frequency of a signal at 48 kHz, hop by hop, as the running estimator does.

    The value is held until there is evidence of another one; it follows a new band within about half
    a second of active signal. See ``cpp/src/dsp/cutoff_estimator.hpp``.

    Parameters
    ----------
    audio : array_like of float, shape (frames,) or (frames, 1)
        One channel at 48 kHz, full scale at 1.0. Frames with NaN or infinity count as silence.
    prior_hz : float, optional
        Assumed until there is evidence: half the sample rate of the source; default 24 kHz.

    Returns
    -------
    ndarray of float32, shape (frames // 256, 2)
        In Hz, and the confidence from 0 (the prior) to 1, once each hop of 256 frames is complete.

    Raises
    ------
    AudioFormatError
        If the audio is of another shape or type.
    ParameterError
        If the prior is no frequency up to 24 kHz.
    """
    channel = check_audio(audio, channels=1)[:, 0]
    with NativeErrors():
        estimator = CutoffEstimator() if prior_hz is None else CutoffEstimator(prior_hz=prior_hz)
    published = [estimator.push(power) for power in _powers(channel)]
    return np.concatenate([np.zeros((0, 2), np.float32), *published])


def _powers(channel: FloatArray) -> Iterator[FloatArray]:
    """Yield the power spectra of a block of hops, shape (hops, 257); zeros precede the first hop."""
    window = np.sin(np.pi * np.arange(_FRAME) / _FRAME).astype(np.float32)
    padded = np.concatenate([np.zeros(_FRAME - _HOP, np.float32), channel])
    hops = len(channel) // _HOP
    for first in range(0, hops, _BLOCK_HOPS):
        count = min(_BLOCK_HOPS, hops - first)
        block = padded[first * _HOP : (first + count - 1) * _HOP + _FRAME]
        frames = np.lib.stride_tricks.sliding_window_view(block, _FRAME)[::_HOP]
        spectra = np.fft.rfft(frames * window)
        yield (spectra.real**2 + spectra.imag**2).astype(np.float32)
