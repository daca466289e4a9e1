"""What the model is told of each frame: what the input holds, and what the first guess adds."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from novasr.families.studio import bands
from novasr.families.studio.architecture import (
    CROSSOVER_START,
    KNOWN_SHARE,
    LEVEL_BANDS,
    LEVEL_FLOOR,
    SCALE,
)
from novasr.families.studio.frames import Levels
from novasr.families.studio.local import local_mean

_MIDDLE_HZ = 8_000.0
_MIDDLE_F0_HZ = 150.0


class Situation(NamedTuple):
    """A stretch of a recording as the model sees it.

    Attributes
    ----------
    level : Tensor, shape (batch, 1, frames)
        Of the input's low bands, averaged over a second: what levels are relative to.
    above : Tensor, shape (batch, HIGH_BANDS, frames)
        1 for bands above the cut-off, else 0.
    guess : Tensor, shape (batch, HIGH_BANDS, frames)
        Relative levels of the first guess.
    low, known : Tensor, shape (batch, LOW_BANDS, frames)
        Relative levels of the input's low bands, and 1 for those below the cut-off, else 0 for both.
    rest : Tensor, shape (batch, CONDITIONS, frames)
        What the velocity network is told.
    """

    level: Tensor
    above: Tensor
    guess: Tensor
    low: Tensor
    known: Tensor
    rest: Tensor

    def part(self, first: int) -> Situation:
        """Give every second recording of a batch, from this one on."""
        return Situation(*(part[first::2] for part in self))

    def relative(self, levels: Tensor) -> Tensor:
        """Express levels as the model does."""
        return (levels - self.level) / SCALE


def situation(levels: Levels, cutoffs_hz: Tensor, f0: Tensor) -> Situation:
    """Describe a stretch.

    Parameters
    ----------
    levels : Levels
        Of the first guess, whose low bands are the input's own.
    cutoffs_hz : Tensor, shape (batch, frames)
        Where the input's band ends.
    f0 : Tensor, shape (batch, 2, frames)
        Fundamental frequency in Hz, 0 where there is none, and its stability from 0 to 1.

    Returns
    -------
    Situation
        Of the same frames.
    """
    high_hz = torch.from_numpy(bands.high_centres_hz()).to(levels.high)[:, None]
    low_hz = torch.from_numpy(bands.low_centres_hz()).to(levels.low)[:, None]
    cutoffs = cutoffs_hz[:, None]
    above = (high_hz > CROSSOVER_START * cutoffs).to(levels.high)
    known = (low_hz < KNOWN_SHARE * cutoffs).to(levels.low)
    level = _level(levels.low)
    guess = (levels.high - level) / SCALE
    pitch, stability = f0[:, :1], f0[:, 1:]
    relative_low = known * (levels.low - level) / SCALE
    voiced = (pitch > 0).to(pitch)
    octave = voiced * torch.log2(pitch.clamp(min=1.0) / _MIDDLE_F0_HZ)
    rest = (
        guess,
        above,
        relative_low,
        known,
        level / 6,
        torch.log(cutoffs / _MIDDLE_HZ),
        octave,
        voiced,
        stability,
    )
    return Situation(level, above, guess, relative_low, known, torch.cat(rest, 1))


def _level(low: Tensor) -> Tensor:
    power = torch.exp(low[:, :LEVEL_BANDS]).mean(1, keepdim=True)
    return torch.log(local_mean(power) + LEVEL_FLOOR)
