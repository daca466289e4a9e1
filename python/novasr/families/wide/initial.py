"""Initial weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from novasr.families.wide.network import WideNetwork

if TYPE_CHECKING:
    from novasr.training.recipe import Recipe

QUIET_GAIN = -4.0  # natural logarithm: well below the gains that recordings have


def initial_network(recipe: Recipe) -> WideNetwork:
    """Draw the weights with which the training of a recipe begins; see :func:`new_network`."""
    return new_network(recipe.seed)


def new_network(seed: int) -> WideNetwork:
    """Draw the weights of an untrained network, which adds a quiet upper band of one gain.

    Parameters
    ----------
    seed : int
        Of the draw.
    """
    generator_state = torch.get_rng_state()
    torch.manual_seed(seed)
    network = WideNetwork()
    torch.set_rng_state(generator_state)
    torch.nn.init.zeros_(network.leave.weight)
    torch.nn.init.constant_(network.leave.bias, QUIET_GAIN)
    return network
