"""Audio as the model studio sees it."""

from __future__ import annotations

import numpy as np
import torch

from novasr.families.studio.architecture import FRAME
from novasr.families.studio.conditions import Situation, situation
from novasr.families.studio.frames import Frames


def situation_of(audio: np.ndarray, cutoff_hz: float | np.ndarray) -> Situation:
    """Describe the whole frames of 48 kHz audio, one cut-off or one for each frame."""
    frames = len(audio) // (2 * FRAME) * 2
    with torch.no_grad():
        levels = Frames().levels(torch.from_numpy(audio[None, : frames * FRAME]))
    cutoffs = torch.from_numpy(np.broadcast_to(np.float32(cutoff_hz), (1, frames)).copy())
    return situation(levels, cutoffs, torch.zeros(1, 2, frames))


def part_of(known: Situation, frames: slice) -> Situation:
    return Situation(*(tensor[..., frames] for tensor in known))
