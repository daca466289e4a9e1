"""Levels of the bands above a cut-off to a few values for each frame, and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from novasr.families.studio.architecture import HIGH_BANDS, LATENT
from novasr.families.studio.layers import Block

_CHANNELS, _BLOCKS, _KERNEL = 128, 2, 5


class Autoencoder(nn.Module):
    """A noise-robust autoencoder: its decoder is trained on latents with noise, so that it forgives a generator.

    Latents have a root mean square of 1 in each frame: they cannot grow to drown the noise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(2 * HIGH_BANDS, _CHANNELS, 3, padding=1),
            *(Block(_CHANNELS, _KERNEL) for _ in range(_BLOCKS)),
            nn.Conv1d(_CHANNELS, LATENT, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv1d(LATENT + 2 * HIGH_BANDS, _CHANNELS, 3, padding=1),
            *(Block(_CHANNELS, _KERNEL) for _ in range(_BLOCKS)),
            nn.Conv1d(_CHANNELS, HIGH_BANDS, 1),
        )

    def encode(self, levels: Tensor, above: Tensor) -> Tensor:
        """Describe bands.

        Parameters
        ----------
        levels : Tensor, shape (batch, HIGH_BANDS, frames)
            Of the bands, relative to the input's, divided by SCALE.
        above : Tensor, shape (batch, HIGH_BANDS, frames)
            1 for bands above the cut-off, 0 for the others, which are not looked at.

        Returns
        -------
        Tensor, shape (batch, LATENT, frames)
            The latents.
        """
        return normalised(self.encoder(torch.cat([levels * above, above], 1)))

    def decode(self, latents: Tensor, above: Tensor, guess: Tensor) -> Tensor:
        """Give the levels that latents stand for, with meaning for the bands above; shapes as for :meth:`encode`.

        `guess` are the first guess's levels: what the latents leave open comes from there.
        """
        change: Tensor = self.decoder(torch.cat([latents, above, guess * above], 1))
        return guess + change


def normalised(latents: Tensor) -> Tensor:
    """Give each frame's latents a root mean square of 1."""
    return latents * torch.rsqrt(latents.square().mean(1, keepdim=True) + 1e-6)
