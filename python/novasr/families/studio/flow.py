"""From noise to latents, in one step or several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from novasr.families.studio.architecture import LATENT

_BLOCK_FRAMES = 64


def noise(first_frame: int, frames: int, seed: int = 0) -> Tensor:
    """Draw the noise that latents begin as, the same for a frame wherever a stretch begins.

    Parameters
    ----------
    first_frame, frames : int
        The stretch, counted from the start of the recording.
    seed : int
        For another draw.

    Returns
    -------
    Tensor, shape (1, LATENT, frames)
        Normally distributed.
    """
    first = first_frame // _BLOCK_FRAMES
    last = -(-(first_frame + frames) // _BLOCK_FRAMES)
    blocks = [_block(block, seed) for block in range(first, last)]
    start = first_frame - first * _BLOCK_FRAMES
    return torch.from_numpy(np.concatenate(blocks)[start : start + frames].T.copy())[None]


def integrate(velocity: Callable[[Tensor, Tensor], Tensor], start: Tensor, steps: int) -> Tensor:
    """Follow a velocity from time 0 to 1 by Euler's method.

    Parameters
    ----------
    velocity : callable
        Maps (batch, LATENT, frames) and the time, (batch,), to the change per unit of time.
    start : Tensor, shape (batch, LATENT, frames)
        At time 0.
    steps : int
        Steps of equal length.

    Returns
    -------
    Tensor, shape (batch, LATENT, frames)
        At time 1.
    """
    place = start
    for step in range(steps):
        time = torch.full((len(start),), step / steps, device=start.device)
        place = place + velocity(place, time) / steps
    return place


def _block(block: int, seed: int) -> np.ndarray:
    """Draw from a generator that counts (J. Salmon et al., SC 2011), so that no block depends on the others."""
    generator = np.random.Generator(np.random.Philox(key=[seed, block]))
    return generator.standard_normal((_BLOCK_FRAMES, LATENT), np.float32)
