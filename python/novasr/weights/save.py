"""Trained networks as weight files."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from safetensors.torch import save
from torch.nn import Module

from novasr import families
from novasr.families.torch_family import finish
from novasr.filesystem.replacing import replacing
from novasr.weights.header import in_order


def save_weights(network: Module, path: Path, family: str | None = None) -> None:
    """Write a network as float16 safetensors under the tensor names of its family.

    Parameters
    ----------
    network : torch.nn.Module
        A `Network` of the family, on any device.
    path : path
        The file; an existing one is replaced.
    family : str, optional
        By default that of the weights in this package. Its ``finish`` may correct the rounded weights first.
        A network's ``variant``, which no engine runs, becomes part of the name in the file; its
        ``metadata`` goes into the file, too.
    """
    description = families.family(family or families.default_family())
    state = rounded(network, description["name"]).state_dict()
    variant = getattr(network, "variant", "")
    tensors = {
        f"{description['prefix']}{name}": state[name].to(torch.float16).contiguous()
        for name in (state if variant else description["tensors"])
    }
    kind = "-".join(filter(None, (description["name"], variant)))
    metadata = {**getattr(network, "metadata", {}), "family": kind}
    content = in_order(save(tensors, metadata=metadata))
    with replacing(path) as temporary:
        temporary.write_bytes(content)  # save_file would make a file that its owner alone may read


def rounded(network: Module, family: str) -> Module:
    """Give what the file of a network holds: a copy in float32 on the CPU, with float16's values."""
    copied = copy.deepcopy(network).cpu().to(torch.float16).float()
    finish(families.in_torch(family), copied)
    return copied
