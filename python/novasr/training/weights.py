"""Trained networks as weight files."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from novasr.checkpoints import TENSOR_SHAPES
from novasr.model import NovaSRNetwork
from novasr.replacing import replacing


def save_weights(network: NovaSRNetwork, path: Path) -> None:
    """Write a network as float16 safetensors in upstream's key layout: 23,248 values."""
    state = network.state_dict()
    tensors = {name: state[name].cpu().to(torch.float16).contiguous() for name in TENSOR_SHAPES}
    with replacing(path) as temporary:
        save_file(tensors, temporary)
