"""Optional discriminators: multi-resolution spectrograms, least squares, feature matching."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from novasr.families import in_torch
from novasr.training.losses import band_mask
from novasr.training.recipe import Recipe

_FFT_SIZES = (2048, 1024, 512)
_CHANNELS = 16


class Adversary:
    """The discriminators with their optimiser (UnivNet, W. Jang et al., arXiv:2106.07889)."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.weights = recipe.loss
        rate_hz = in_torch(recipe.family).TASK.high_hz
        state = torch.get_rng_state()
        torch.manual_seed(recipe.seed)
        self.network = nn.ModuleList(_Discriminator(size, rate_hz) for size in _FFT_SIZES).to(
            device
        )
        torch.set_rng_state(state)
        self.optimizer = torch.optim.Adam(self.network.parameters(), 2e-4, (0.8, 0.99))

    def learn(self, estimate: Tensor, target: Tensor, bandwidths_hz: Tensor) -> float:
        """One step of the discriminators; `estimate` is detached."""
        self.network.requires_grad_(True)
        loss = estimate.new_zeros(())
        for network in self.network:
            real = network(target, bandwidths_hz)[-1]
            fake = network(estimate, bandwidths_hz)[-1]
            loss = loss + (1 - real).square().mean() + fake.square().mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return float(loss.detach())

    def loss(self, estimate: Tensor, target: Tensor, bandwidths_hz: Tensor) -> Tensor:
        """Return the network's loss: how well the discriminators tell its output from a recording."""
        self.network.requires_grad_(False)
        total = estimate.new_zeros(())
        for network in self.network:
            with torch.no_grad():
                real = network(target, bandwidths_hz)
            fake = network(estimate, bandwidths_hz)
            matching = sum(
                (F.l1_loss(f, r) for f, r in zip(fake[:-1], real[:-1], strict=True)),
                start=estimate.new_zeros(()),
            )
            total = total + (1 - fake[-1]).square().mean()
            total = total + self.weights.feature_matching * matching / len(fake[:-1])
        return self.weights.adversarial * total / len(self.network)

    def state(self) -> dict[str, Any]:
        """Return what :meth:`restore` needs."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Load a saved state."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


class _Discriminator(nn.Module):
    """Judges one spectrogram, patch by patch."""

    def __init__(self, size: int, rate_hz: int) -> None:
        super().__init__()
        self.size, self.rate_hz = size, rate_hz
        widths = (1, _CHANNELS, _CHANNELS, _CHANNELS, _CHANNELS)
        strides = ((1, 1), (2, 1), (2, 1), (2, 1))
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(i, o, (5, 3), stride, (2, 1)))
            for i, o, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.last = nn.utils.parametrizations.weight_norm(nn.Conv2d(_CHANNELS, 1, 3, 1, 1))

    def forward(self, audio: Tensor, bandwidths_hz: Tensor) -> list[Tensor]:
        """(B, 1, frames) to the features of each layer and, last, the score."""
        window = torch.hann_window(self.size, device=audio.device)
        spectrum = torch.stft(
            audio[:, 0], self.size, self.size // 4, window=window, return_complex=True
        )
        mask = band_mask(bandwidths_hz, self.size, self.rate_hz)
        level = torch.log10(spectrum.abs() + 1e-4) * mask
        x = level[:, None]  # (B, 1, bins, frames)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return [*features, self.last(x)]
