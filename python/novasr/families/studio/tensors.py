"""The tensors of the family, for those who read and write weights."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from novasr.families.studio.network import StudioNetwork


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """Describe the family as the native engine describes the others: its name, prefix and tensors."""
    with torch.device("meta"):
        state = StudioNetwork().state_dict()
    return {
        "name": "studio",
        "prefix": "",
        "tensors": {name: tuple(tensor.shape) for name, tensor in state.items()},
    }
