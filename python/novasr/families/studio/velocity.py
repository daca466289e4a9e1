"""The velocity network of the flow: where a latent on its way from noise to sound moves next."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from novasr.families.studio.architecture import CONDITIONS, LATENT
from novasr.families.studio.layers import Attention, Block

_CHANNELS, _KERNEL, _HEADS, _REACH = 160, 7, 4, 16
_OUTER_BLOCKS, _INNER_BLOCKS = 2, 3
_WAVES, _STEERING = 32, 128
_FASTEST_WAVE = 1000.0


class VelocityNetwork(nn.Module):
    """A U-Net of one level: residual blocks at the frame rate, these and attention at half of it."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(
            nn.Linear(2 * _WAVES, _STEERING), nn.SiLU(), nn.Linear(_STEERING, _STEERING), nn.SiLU()
        )
        self.enter = nn.Conv1d(LATENT + CONDITIONS, _CHANNELS, 1)
        self.first = nn.ModuleList(_block() for _ in range(_OUTER_BLOCKS))
        self.down = nn.Conv1d(_CHANNELS, _CHANNELS, 4, 2, 1)
        self.inner = nn.ModuleList(_block() for _ in range(_INNER_BLOCKS))
        self.attention = nn.ModuleList(
            Attention(_CHANNELS, _HEADS, _REACH) for _ in range(_INNER_BLOCKS)
        )
        self.up = nn.ConvTranspose1d(_CHANNELS, _CHANNELS, 4, 2, 1)
        self.join = nn.Conv1d(2 * _CHANNELS, _CHANNELS, 1)
        self.last = nn.ModuleList(_block() for _ in range(_OUTER_BLOCKS))
        self.norm = nn.LayerNorm(_CHANNELS)
        self.leave = nn.Linear(_CHANNELS, LATENT)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, latents: Tensor, time: Tensor, conditions: Tensor) -> Tensor:
        """Give the velocity of each latent.

        Parameters
        ----------
        latents : Tensor, shape (batch, LATENT, frames)
            Between noise and sound; an even number of frames.
        time : Tensor, shape (batch,)
            0 for noise, 1 for sound.
        conditions : Tensor, shape (batch, CONDITIONS, frames)
            See :mod:`novasr.families.studio.conditions`.

        Returns
        -------
        Tensor, shape (batch, LATENT, frames)
            Change of the latents per unit of time.
        """
        embedding = self.time(_waves(time))
        x = self.enter(torch.cat([latents, conditions], 1))
        for block in self.first:
            x = block(x, embedding)
        y = self.down(x)
        for block, attention in zip(self.inner, self.attention, strict=True):
            y = attention(block(y, embedding))
        x = self.join(torch.cat([x, self.up(y)], 1))
        for block in self.last:
            x = block(x, embedding)
        velocity: Tensor = self.leave(self.norm(x.transpose(1, 2)))
        return velocity.transpose(1, 2)


def _block() -> Block:
    return Block(_CHANNELS, _KERNEL, _STEERING)


def _waves(time: Tensor) -> Tensor:
    """Embed times as sines and cosines (A. Vaswani et al., NeurIPS 2017)."""
    rates = torch.exp(torch.linspace(0, math.log(_FASTEST_WAVE), _WAVES, device=time.device))
    angles = time[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)
