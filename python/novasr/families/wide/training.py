"""What training asks of the family: initial weights, noise that differs, the uses of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from novasr.families.wide.architecture import HOP, NOISE_FRAMES, RATE_HZ
from novasr.families.wide.network import WideNetwork

if TYPE_CHECKING:
    from novasr.training.recipe import Recipe

_QUIET_START = -4.0  # natural logarithm of the gains of a network that has learnt nothing


def initial_network(recipe: Recipe) -> WideNetwork:
    """Draw PyTorch's initial weights; the same for the same seed. Its output is quiet noise above the cut-off."""
    state = torch.get_rng_state()
    torch.manual_seed(recipe.seed)
    network = WideNetwork(recipe.cell)
    torch.set_rng_state(state)
    nn.init.zeros_(network.leave.weight)
    nn.init.constant_(network.leave.bias, _QUIET_START)
    return network


def training_forward(network: WideNetwork, audio: Tensor, cutoffs_hz: Tensor) -> Tensor:
    """Run the network with other noise in each step, of which the step's cut-offs decide."""
    first = int(cutoffs_hz.double().sum().mul(1_000)) % NOISE_FRAMES
    output: Tensor = network(audio, cutoffs_hz, first)
    return output


def uses_per_second(tensor: str) -> float:
    """Tell how often a second of audio is multiplied by each value of a tensor; norms are not counted."""
    of_a_norm = tensor.endswith("norm.weight")
    return RATE_HZ / HOP if tensor.endswith("weight") and not of_a_norm else 0
