"""A discriminator of band levels over time, beside the first guess's."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from novasr.families.studio.conditions import Situation
    from novasr.training.recipe import Recipe

_CHANNELS, _LAYERS = 32, 3  # a patch is 40 bands by half a second
_RATE, _BETAS = 1e-3, (0.5, 0.98)


class LevelAdversary:
    """The discriminator with its optimiser; least squares and feature matching (UnivNet, arXiv:2106.07889)."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.weights = recipe.loss
        state = torch.get_rng_state()
        torch.manual_seed(recipe.seed)
        self.network = _Discriminator().to(device)
        torch.set_rng_state(state)
        self.optimizer = torch.optim.Adam(self.network.parameters(), _RATE, _BETAS)

    def learn(self, made: Tensor, target: Tensor, known: Situation) -> Tensor:
        """One step of the discriminator; `made` is detached."""
        self.network.requires_grad_(True)
        real, fake = (self.network(levels, known)[-1] for levels in (target, made))
        loss: Tensor = (1 - real).square().mean() + fake.square().mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()

    def loss(self, made: Tensor, target: Tensor, known: Situation) -> Tensor:
        """Return the model's loss: how well the discriminator tells its levels from a recording's."""
        self.network.requires_grad_(False)
        with torch.no_grad():
            real = self.network(target, known)
        fake = self.network(made, known)
        matching = torch.stack(
            [F.l1_loss(f, r) for f, r in zip(fake[:-1], real[:-1], strict=True)]
        ).mean()
        against = (1 - fake[-1]).square().mean()
        loss: Tensor = against + self.weights.feature_matching * matching
        return self.weights.adversarial * loss

    def state(self) -> dict[str, Any]:
        """Return what :meth:`restore` needs."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Load a saved state."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


class _Discriminator(nn.Module):
    """Judges (bands, frames) patch by patch."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *[_CHANNELS] * _LAYERS)
        self.layers = nn.ModuleList(nn.Conv2d(i, o, 5, 2, 2) for i, o in pairwise(widths))
        self.last = nn.Conv2d(_CHANNELS, 1, 3, 1, 1)

    def forward(self, levels: Tensor, known: Situation) -> list[Tensor]:
        """(batch, bands, frames) to the features of each layer and, last, the score."""
        above = known.above
        x = torch.stack([levels * above, known.guess * above, above], 1)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return [*features, self.last(x)]
