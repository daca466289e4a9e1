"""Floating-point samples as whole numbers of a given width."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: What a sample takes in a file, by libsndfile's names.
SAMPLE_BYTES = {
    "PCM_S8": 1,
    "PCM_U8": 1,
    "ULAW": 1,
    "ALAW": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
}
_BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


class Quantizer:
    """Rounds samples to the nearest step of a PCM format, in place of libsndfile, which rounds down.

    Parameters
    ----------
    subtype : str
        As libsndfile names it; other formats than PCM of 16, 24 or 32 bits are passed through.
    dither : bool
        Add noise of a triangular density, two steps wide, before rounding: the error is then noise
        independent of the sound (Lipshitz, Wannamaker and Vanderkooy, JAES 40, 1992).
    """

    def __init__(self, subtype: str, *, dither: bool = False) -> None:
        self._bits = _BITS.get(subtype)
        self._noise = np.random.default_rng(0) if dither else None

    def __call__(self, audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32 | np.int32]:
        """Return what to hand to libsndfile for `audio`, full scale at 1.0."""
        if self._bits is None:
            return audio
        largest = 1 << self._bits - 1
        steps = audio.astype(np.float64) * largest
        if self._noise is not None:
            pairs = self._noise.random((*audio.shape, 2))  # the same for any cut into blocks
            steps += pairs[..., 0] - pairs[..., 1]
        whole = np.clip(np.rint(steps), -largest, largest - 1).astype(np.int32)
        return np.asarray(whole << 32 - self._bits, np.int32)
