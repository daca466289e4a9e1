"""The model at work on tiles of a recording."""

from __future__ import annotations

import math
import threading
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


class _SingleThread:
    """PyTorch with one thread from the first user's entry to the last one's exit: the number is the process's."""

    def __init__(self) -> None:
        self._lock, self._users, self._before = threading.Lock(), 0, 1

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._before = torch.get_num_threads()
                torch.set_num_threads(1)
            self._users += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                torch.set_num_threads(self._before)


_SINGLE = _SingleThread()


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
        made = [self._channel(channel, tile) for channel in tile.audio.T]
        return np.stack(made, axis=1)

    def _channel(self, channel: FloatArray, tile: Tile) -> FloatArray:
        samples = len(channel)
        audio = F.pad(torch.from_numpy(channel.copy())[None], (0, whole_frames(samples) - samples))
        frames = audio.shape[-1] // FRAME
        cutoffs = torch.from_numpy(tile.cutoffs_hz)
        cutoffs = F.pad(cutoffs[None, None], (0, frames - len(cutoffs)), mode="replicate")[0]
        known = situation(self.network.frames.levels(audio), cutoffs, self._f0(audio, frames))
        latents = self.network.generate(known, noise(tile.first_frame, frames), self.steps)
        retrieved = None if self.bank is None else self.bank.levels(known)
        change = self.network.change(known, latents, retrieved, self.index_rate)
        change = change + self.gain * known.above
        made = self.network.frames.shaped(audio, change, cutoffs)
        kept: FloatArray = made[0, tile.before : tile.before + tile.length].numpy()
        return kept

    def _f0(self, audio: torch.Tensor, frames: int) -> torch.Tensor:
        if self.network.f0 == "none":
            return silent_f0(audio, frames)
        return torch.from_numpy(fundamental(audio[0].numpy(), frames, self.network.f0))[None]

    @contextmanager
    def one_thread_each(self) -> Iterator[None]:
        """Let PyTorch compute each tile with one thread: with others its sums have other roundings."""
        with _SINGLE:
            yield
