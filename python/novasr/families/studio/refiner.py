"""The model at work on tiles of a recording."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from novasr.families.studio.architecture import FRAME, SCALE
from novasr.families.studio.conditions import Situation, situation
from novasr.families.studio.flow import noise
from novasr.families.studio.frames import Frames, whole_frames
from novasr.families.studio.local import smoothed
from novasr.families.studio.network import silent_f0
from novasr.families.studio.pitch import fundamental

if TYPE_CHECKING:
    from novasr.families.studio.network import StudioNetwork
    from novasr.offline.refining import Tile
    from novasr.retrieval import Bank, Retrieved
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


def blended(change: Tensor, known: Situation, retrieved: Retrieved, index_rate: float) -> Tensor:
    """Move a change of levels towards the one that makes them a bank's, as far as the bank is to be trusted.

    Parameters
    ----------
    change : Tensor, shape (batch, HIGH_BANDS, frames)
        Natural logarithms of power to add.
    known : Situation
        The stretch.
    retrieved : Retrieved
        What the bank has for it.
    index_rate : float
        From 0, no share of the bank, to 1.

    Returns
    -------
    Tensor, shape (batch, HIGH_BANDS, frames)
        The change between the two.
    """
    other = SCALE * (retrieved.levels - smoothed(known.guess)) * known.above
    return torch.lerp(change, other, index_rate * retrieved.trust)


class Refiner:
    """A network with the settings of a call.

    Parameters
    ----------
    network : StudioNetwork, optional
        In evaluation mode; without one the guess's levels stay but for the bank's.
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
        network: StudioNetwork | None,
        *,
        steps: int,
        gain_db: float,
        bank: Bank | None = None,
        index_rate: float = 0.0,
    ) -> None:
        self.network, self.steps = network, steps
        self.bank, self.index_rate = bank, index_rate
        self.frames = Frames()
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
        known = situation(self.frames.levels(audio), cutoffs, self._f0(audio, frames))
        change = self._change(known, tile.first_frame) + self.gain * known.above
        made = self.frames.shaped(audio, change, cutoffs)
        kept: FloatArray = made[0, tile.before : tile.before + tile.length].numpy()
        return kept

    def _change(self, known: Situation, first_frame: int) -> Tensor:
        """Tell by how much levels are to differ from the guess's: (batch, HIGH_BANDS, frames), as `Frames.shaped`."""
        if self.network is None:
            change = torch.zeros_like(known.guess)
        else:
            start = noise(first_frame, known.guess.shape[-1])
            change = self.network.change(known, self.network.generate(known, start, self.steps))
        if self.bank is None:
            return change
        return blended(change, known, self.bank.levels(known), self.index_rate)

    def _f0(self, audio: Tensor, frames: int) -> Tensor:
        if self.network is None or self.network.f0 == "none":
            return silent_f0(audio, frames)
        return torch.from_numpy(fundamental(audio[0].numpy(), frames, self.network.f0))[None]

    @contextmanager
    def one_thread_each(self) -> Iterator[None]:
        """Let PyTorch compute each tile with one thread: with others its sums have other roundings."""
        with _SINGLE:
            yield
