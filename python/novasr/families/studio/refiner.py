"""The model at work on tiles of a recording."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from novasr.families.studio.architecture import FRAME
from novasr.families.studio.conditions import situation
from novasr.families.studio.flow import noise
from novasr.families.studio.frames import whole_frames
from novasr.families.studio.network import silent_f0
from novasr.families.studio.pitch import fundamental

if TYPE_CHECKING:
    from novasr.families.studio.network import StudioNetwork
    from novasr.offline.refining import Tile
    from novasr.retrieval import Bank
    from novasr.types import FloatArray

_NEPERS_OF_POWER = math.log(10) / 10  # in a decibel


class Refiner:
    """A network with the settings of a call.

    Parameters
    ----------
    network : StudioNetwork
        In evaluation mode.
    steps : int
        Of the flow.
    gain_db : float
        On what is added above the cut-off.
    bank : Bank, optional
        Real high bands to take levels from.
    index_rate : float
        How far, from 0 to 1; where the bank has nothing near, less.
    """

    def __init__(
        self,
        network: StudioNetwork,
        *,
        steps: int,
        gain_db: float,
        bank: Bank | None = None,
        index_rate: float = 0.0,
    ) -> None:
        self.network, self.steps = network, steps
        self.bank, self.index_rate = bank, index_rate
        self.gain = gain_db * _NEPERS_OF_POWER

    @torch.inference_mode()
    def refined(self, tile: Tile) -> FloatArray:
        """Give the tile without its margins, shape (samples, channels).

        All channels get the same noise, so that what is in the middle stays there.
        """
        channels = torch.from_numpy(np.ascontiguousarray(tile.audio.T))
        samples = channels.shape[-1]
        audio = F.pad(channels, (0, whole_frames(samples) - samples))
        frames = audio.shape[-1] // FRAME
        cutoffs = torch.from_numpy(tile.cutoffs_hz)
        cutoffs = F.pad(cutoffs[None, None], (0, frames - len(cutoffs)), mode="replicate")[0]
        cutoffs = cutoffs.expand(len(audio), -1)
        known = situation(self.network.frames.levels(audio), cutoffs, self._f0(audio, frames))
        start = noise(tile.first_frame, frames).expand(len(audio), -1, -1)
        latents = self.network.generate(known, start, self.steps)
        retrieved = None if self.bank is None else self.bank.levels(known)
        change = self.network.change(known, latents, retrieved, self.index_rate)
        change = change + self.gain * known.above
        made = self.network.frames.shaped(audio, change, cutoffs)
        kept: FloatArray = made[:, tile.before : tile.before + tile.length].T.numpy()
        return np.ascontiguousarray(kept)

    def _f0(self, audio: torch.Tensor, frames: int) -> torch.Tensor:
        if self.network.f0 == "none":
            return silent_f0(audio, frames)
        tracks = [fundamental(channel.numpy(), frames, self.network.f0) for channel in audio]
        return torch.from_numpy(np.stack(tracks))

    @contextmanager
    def one_thread_each(self) -> Iterator[None]:
        """Let PyTorch compute each tile with one thread: with others its sums have other roundings."""
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
