"""What a bank holds of a recording: for each frame the levels of its low and of its high bands, a byte each.

Levels and not latents: they stay what they are when the model is trained anew, and serve any cut-off.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from novasr.families.studio.architecture import FRAME, HIGH_BANDS, RATE_HZ, SCALE
from novasr.families.studio.bands import high_centres_hz
from novasr.families.studio.conditions import situation
from novasr.families.studio.frames import Frames, Levels, whole_frames
from novasr.families.studio.local import smoothed
from novasr.retrieval.keys import STORED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from novasr.types import AnyFloatArray, FloatArray

    Bytes = NDArray[np.uint8]

STEP_DB, LOWEST_DB = 0.5, -100.0
HIGHEST_DB = LOWEST_DB + 255 * STEP_DB
DB = SCALE * 10 / math.log(10)  # in one unit of the model's relative levels
_BAND_MARGIN_HZ = 300.0  # a codec's slope below the measured end of a recording's band
_PIECE_FRAMES, _OVERLAP_FRAMES = 1024, 2  # of the model, in one transform


class Entries(NamedTuple):
    """Frames of recordings, in steps of STEP_DB above LOWEST_DB relative to the low band's level.

    Attributes
    ----------
    low : ndarray of uint8, shape (frames, LOW_KEYS)
        Of the low bands that keys are made of.
    high : ndarray of uint8, shape (frames, HIGH_BANDS)
        Of the high bands, averaged with the frames beside.
    """

    low: Bytes
    high: Bytes


def entries(audio: FloatArray) -> Entries:
    """Describe a recording.

    Parameters
    ----------
    audio : ndarray of float32, shape (samples,)
        48 kHz, full scale at 1.0.

    Returns
    -------
    Entries
        One for each whole frame.
    """
    count = len(audio) // FRAME
    if count == 0:
        return Entries(
            np.empty((0, STORED.stop - STORED.start), np.uint8), np.empty((0, HIGH_BANDS), np.uint8)
        )
    levels = _levels(audio)
    known = situation(levels, torch.full((1, count), RATE_HZ / 2), torch.zeros((1, 2, count)))
    parts = known.low[:, STORED], smoothed(known.guess)
    return Entries(*(_bytes(part[0].numpy().T * DB) for part in parts))


def decibels(stored: Bytes) -> FloatArray:
    """Give the levels that bytes stand for, in dB."""
    return stored.astype(np.float32) * np.float32(STEP_DB) + np.float32(LOWEST_DB)


def bands_inside(bandwidth_hz: float) -> int:
    """Count the high bands that a recording fills."""
    return int(np.sum(high_centres_hz() < bandwidth_hz - _BAND_MARGIN_HZ))


def _bytes(levels_db: AnyFloatArray) -> Bytes:
    steps = np.round((levels_db - LOWEST_DB) / STEP_DB)
    return np.ascontiguousarray(np.clip(steps, 0, 255).astype(np.uint8))


def _levels(audio: FloatArray) -> Levels:
    """Give the band levels of the whole frames, piece by piece: spectra take some 20 times the audio's memory."""
    frames, count = _frames(), len(audio) // FRAME
    padded = F.pad(torch.from_numpy(audio), (0, whole_frames(len(audio)) - len(audio)))[None]
    pieces = []
    for first in range(0, count, _PIECE_FRAMES):
        begin = max(0, first - _OVERLAP_FRAMES)
        end = min(count, first + _PIECE_FRAMES)
        with torch.no_grad():
            piece = frames.levels(padded[:, begin * FRAME : (end + _OVERLAP_FRAMES) * FRAME])
        kept = slice(first - begin, end - begin)
        pieces.append(Levels(piece.high[..., kept], piece.low[..., kept]))
    return Levels(*(torch.cat(part, -1) for part in zip(*pieces, strict=True)))


@lru_cache(maxsize=1)
def _frames() -> Frames:
    return Frames()
