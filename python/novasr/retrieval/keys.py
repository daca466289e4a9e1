"""What frames are looked up by: levels of low bands, alone and averaged with their neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novasr.families.studio.architecture import KNOWN_SHARE
from novasr.families.studio.bands import low_centres_hz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from novasr.types import FloatArray

# Low bands by number, from 215 Hz on: below, rooms, microphones and telephones differ more than sounds.
STORED = slice(5, 37)
LOW_KEYS = 32
#: Within what is stored, the widest first. The first needs a cut-off of 6.6 kHz, the second one of 3.2 kHz; below that
#: nothing is looked up.
RANGES = {"wide": slice(0, 32), "narrow": slice(0, 24)}
LOWEST_CUTOFF_HZ = float(low_centres_hz()[STORED][RANGES["narrow"]][-1] / KNOWN_SHARE)
#: For each number of frames averaged, which ones, counted from the frame itself.
SCALES = {1: range(0, 1), 2: range(-1, 1), 4: range(-2, 2)}
REACH_FRAMES = 2  # on either side: what a result depends on


def averaged(values: FloatArray, valid: NDArray[np.bool_], scale: int) -> FloatArray:
    """Average each frame with its neighbours, as far as these are valid.

    Parameters
    ----------
    values : ndarray of float32, shape (frames, bands)
        Of one recording.
    valid : ndarray of bool, shape (frames,)
        Which frames count.
    scale : int
        Of SCALES.

    Returns
    -------
    ndarray of float32, shape (frames, bands)
        0 where no frame counts.
    """
    frames = len(values)
    total = np.zeros_like(values)
    count = np.zeros((frames, 1), np.float32)
    for offset in SCALES[scale]:
        here = slice(max(0, -offset), frames - max(0, offset))
        there = slice(max(0, offset), frames - max(0, -offset))
        total[here] += np.where(valid[there, None], values[there], 0)
        count[here] += valid[there, None]
    return (total / np.maximum(count, 1)).astype(np.float32)
