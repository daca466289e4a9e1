"""Follow where the band of a signal ends."""

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
_TOP_LINES = 4  # go on above half a lower rate, where there would be a cliff otherwise
_PIECE_HOPS = 16  # 85 ms
_DENSE_PIECES = 120  # 10 s
_SPARSE = 4


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


class CutoffMeter:
    """Finds the highest cut-off frequency that the running estimator has held in a recording of any rate.

    Frames are as long as the estimator's, so that their lines are as far apart to within 0.6 %, which is
    corrected. After ten seconds it looks at every fourth piece of 85 ms: parts of less than some three seconds may
    escape it then.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._hop = max(1, round(_HOP * sample_rate / CutoffEstimator.sample_rate))
        line_hz = sample_rate / (2 * self._hop)
        self._scale = line_hz * _FRAME / CutoffEstimator.sample_rate
        band_hz = min(sample_rate, CutoffEstimator.sample_rate) / 2
        self._most_hz = band_hz - 2 * line_hz
        self._estimator = CutoffEstimator(prior_hz=band_hz)
        self._rest: FloatArray | None = None
        self._pieces = 0
        self._highest = 0.0

    def add(self, block: FloatArray) -> None:
        """Take in the next block, shape (frames, channels), of any length and finite."""
        rest = block if self._rest is None else np.concatenate([self._rest, block])
        advance = _PIECE_HOPS * self._hop
        while len(rest) >= advance + self._hop:
            if self._pieces < _DENSE_PIECES or self._pieces % _SPARSE == 0:
                self._push(rest[: advance + self._hop])
            self._pieces += 1
            rest = rest[advance:]
        self._rest = rest.copy()

    @property
    def highest_hz(self) -> float | None:
        """In Hz; None without evidence, and for a full band: half the sample rate, or 24 kHz."""
        return self._highest if 0.0 < self._highest < self._most_hz else None

    def _push(self, piece: FloatArray) -> None:
        power = np.zeros((_PIECE_HOPS, _FRAME // 2 + 1), np.float32)
        lines = min(self._hop, _FRAME // 2) + 1
        for channel in piece.astype(np.float32).T:
            power[:, :lines] += _spectra(channel, self._hop)[:, :lines]
        power[:, lines:] = power[:, lines - _TOP_LINES : lines].mean(1, keepdims=True)
        published = self._estimator.push(power * np.float32(_HOP / self._hop))
        known = published[published[:, 1] > 0, 0]
        if len(known):
            self._highest = max(self._highest, float(known.max()) * self._scale)


def _powers(channel: FloatArray) -> Iterator[FloatArray]:
    """Yield the power spectra of a block of hops, shape (hops, 257); zeros precede the first hop."""
    padded = np.concatenate([np.zeros(_FRAME - _HOP, np.float32), channel])
    hops = len(channel) // _HOP
    for first in range(0, hops, _BLOCK_HOPS):
        count = min(_BLOCK_HOPS, hops - first)
        yield _spectra(padded[first * _HOP : (first + count + 1) * _HOP], _HOP)


def _spectra(channel: FloatArray, hop: int) -> FloatArray:
    """Give the power spectra of frames of two hops, shape (hops, hop + 1)."""
    window = np.sin(np.pi * np.arange(2 * hop) / (2 * hop)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(channel, 2 * hop)[::hop]
    spectra = np.fft.rfft(frames * window)
    return (spectra.real**2 + spectra.imag**2).astype(np.float32)
