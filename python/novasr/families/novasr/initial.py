"""Initial weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from novasr.families.novasr.layers import FILTER_TAPS, AntiAliasedSnake
from novasr.families.novasr.network import NovaSRNetwork

if TYPE_CHECKING:
    from novasr.training.recipe import Recipe


def initial_network(recipe: Recipe) -> NovaSRNetwork:
    """Draw the weights with which the training of a recipe begins; see :func:`new_network`."""
    return new_network(recipe.seed, textbook_phases=recipe.textbook_phases)


def new_network(seed: int, *, textbook_phases: bool = False) -> NovaSRNetwork:
    """Draw the weights of an untrained network.

    Parameters
    ----------
    seed : int
        Of the draw.
    textbook_phases : bool
        Emit the upsampler's two phases in their textbook order; the published model swaps them. The order
        is a property of the stored filter, so every engine supports both.

    Returns
    -------
    NovaSRNetwork
        PyTorch's default initialisation for convolutions; alpha and beta spread from 0 to 3, so that the
        channels become non-linear at different levels.
    """
    generator_state = torch.get_rng_state()
    torch.manual_seed(seed)
    network = NovaSRNetwork()
    torch.set_rng_state(generator_state)
    taps = kaiser_sinc()
    swapped = taps.reshape(-1, 2).flip(1).flatten()
    with torch.no_grad():
        for layer in network.block.activations:
            assert isinstance(layer, AntiAliasedSnake)
            layer.upsample.filter.copy_(swapped if textbook_phases else taps)
            layer.downsample.lowpass.filter.copy_(taps)
            layer.act.alpha.copy_(torch.linspace(0.0, 3.0, len(layer.act.alpha)))
            layer.act.beta.copy_(torch.linspace(0.0, 3.0, len(layer.act.beta)))
    return network


def kaiser_sinc() -> Tensor:
    """Low-pass at a quarter of the rate, half-width 0.3, 12 taps.

    From ``kaiser_sinc_filter1d`` of alias-free-torch, as BigVGAN and upstream NovaSR use it; the window's
    beta is Kaiser's formula for the attenuation that this length and width give.
    """
    half, cutoff, half_width = FILTER_TAPS // 2, 0.25, 0.3
    attenuation = 2.285 * (half - 1) * torch.pi * 4 * half_width + 7.95
    beta = (
        0.1102 * (attenuation - 8.7)
        if attenuation > 50
        else 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    )
    window = torch.kaiser_window(FILTER_TAPS, periodic=False, beta=beta, dtype=torch.float64)
    time = torch.arange(-half, half, dtype=torch.float64) + 0.5
    taps = 2 * cutoff * window * torch.sinc(2 * cutoff * time)
    return (taps / taps.sum()).float()
