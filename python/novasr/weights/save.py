"""Trained networks as weight files."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from safetensors.torch import save_file

from novasr.families import family
from novasr.families.novasr import NovaSRNetwork
from novasr.families.novasr.settle import settle
from novasr.filesystem.replacing import replacing


def save_weights(network: NovaSRNetwork, path: Path) -> None:
    """Write a network as float16 safetensors in upstream's key layout: 23,248 values.

    The second convolution's bias is chosen anew: see :func:`novasr.families.novasr.settle.settle`.
    """
    rounded = copy.deepcopy(network).cpu().to(torch.float16).float()
    settle(rounded)
    state = rounded.state_dict()
    architecture = family("novasr")
    tensors = {
        f"{architecture['prefix']}{name}": state[name].to(torch.float16).contiguous()
        for name in architecture["tensors"]
    }
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"family": architecture["name"]})
