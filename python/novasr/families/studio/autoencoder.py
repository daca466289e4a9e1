"""How levels depart from a first guess's, to a few values for each frame, and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from novasr.families.studio.architecture import HIGH_BANDS, LATENT
from novasr.families.studio.bands import cosines
from novasr.families.studio.layers import Block

_CHANNELS, _BLOCKS, _KERNEL = 128, 2, 5
_USUAL = 4.0  # makes the latents' root mean square about 1
_FIRST_SHARE = 0.3  # of PyTorch's initial weights, beside the cosine transform


class Autoencoder(nn.Module):
    """A noise-robust autoencoder: its decoder is trained on latents with noise, so that it forgives a generator.

    Both ways begin as the cosine transform over the bands, which networks refine.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _network(2 * HIGH_BANDS, LATENT)
        self.decoder = _network(LATENT + 2 * HIGH_BANDS, HIGH_BANDS)
        self.transform = nn.Conv1d(HIGH_BANDS, LATENT, 1, bias=False)
        self.inverse = nn.Conv1d(LATENT, HIGH_BANDS, 1, bias=False)
        waves = torch.from_numpy(cosines(LATENT))
        with torch.no_grad():
            self.transform.weight[..., 0] = _USUAL * waves
            self.inverse.weight[..., 0] = waves.T / _USUAL

    def encode(self, departure: Tensor, above: Tensor) -> Tensor:
        """Describe bands.

        Parameters
        ----------
        departure : Tensor, shape (batch, HIGH_BANDS, frames)
            Of their levels from the first guess's, divided by SCALE.
        above : Tensor, shape (batch, HIGH_BANDS, frames)
            1 for bands above the cut-off, 0 for the others, which are not looked at.

        Returns
        -------
        Tensor, shape (batch, LATENT, frames)
            The latents.
        """
        seen = departure * above
        latents: Tensor = self.transform(seen) + self.encoder(torch.cat([seen, above], 1))
        return latents

    def decode(self, latents: Tensor, above: Tensor, guess: Tensor) -> Tensor:
        """Give the departure that latents stand for, with meaning for the bands above; shapes as for :meth:`encode`.

        `guess` are the first guess's levels.
        """
        seen = torch.cat([latents, above, guess * above], 1)
        departure: Tensor = self.inverse(latents) + self.decoder(seen)
        return departure


def _network(inputs: int, outputs: int) -> nn.Sequential:
    last = nn.Conv1d(_CHANNELS, outputs, 1)
    with torch.no_grad():
        last.weight.mul_(_FIRST_SHARE)
    return nn.Sequential(
        nn.Conv1d(inputs, _CHANNELS, 3, padding=1),
        *(Block(_CHANNELS, _KERNEL) for _ in range(_BLOCKS)),
        last,
    )
