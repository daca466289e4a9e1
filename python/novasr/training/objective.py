"""What a step of training descends: the spectral loss of a network's output, or what its family brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import torch

from novasr.families import in_torch
from novasr.families.torch_family import forward_of
from novasr.training.adversary import Adversary
from novasr.training.losses import SpectralLoss

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from novasr.training.clips import Batch
    from novasr.training.recipe import Recipe


class Objective(Protocol):
    """The loss of a run, with what it learns itself."""

    def terms(self, network: Module, batch: Any, step: int, steps: int) -> dict[str, Tensor]:
        """Give the terms of a step's loss on a batch; ``total`` is what to descend."""

    def state(self) -> dict[str, Any]:
        """Return what :meth:`restore` needs."""

    def restore(self, state: dict[str, Any]) -> None:
        """Load a saved state."""


def objective_of(recipe: Recipe, device: str) -> Objective:
    """Make the objective of a recipe's family."""
    own: Any = getattr(in_torch(recipe.family), "Objective", None)
    made: Objective = SpectralObjective(recipe, device) if own is None else own(recipe, device)
    return made


class SpectralObjective:
    """The spectral loss, and discriminators where the recipe asks for them."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        family = in_torch(recipe.family)
        self.weights = recipe.loss
        self.loss = SpectralLoss(recipe.loss, family.TASK).to(device)
        self.adversary = Adversary(recipe, device) if recipe.loss.adversarial > 0 else None
        self.forward = forward_of(family, device)
        if device != "cpu":
            self.forward = torch.compile(self.forward)

    def terms(self, network: Module, batch: Batch, step: int, steps: int) -> dict[str, Tensor]:
        """As of :class:`Objective`."""
        low, high, bandwidths, cutoffs = batch
        estimate = self.forward(network, low, cutoffs)
        high = high[..., : estimate.shape[-1]]  # a network's output may end earlier
        terms = dict(vars(self.loss(estimate, high, bandwidths, cutoffs)))
        if self.adversary and step >= self.weights.adversarial_from * steps:
            learnt = self.adversary.learn(estimate.detach(), high, bandwidths)
            terms["discriminator"] = estimate.new_tensor(learnt)
            terms["adversarial"] = self.adversary.loss(estimate, high, bandwidths)
            terms["total"] = terms["total"] + terms["adversarial"]
        return terms

    def state(self) -> dict[str, Any]:
        """As of :class:`Objective`."""
        return {"adversary": self.adversary.state() if self.adversary else None}

    def restore(self, state: dict[str, Any]) -> None:
        """As of :class:`Objective`."""
        if self.adversary:
            self.adversary.restore(state["adversary"])
