"""The family for recordings that may take their time; names as in :mod:`novasr.families.torch_family`.

It refines what the family wide makes of a recording. PyTorch is imported when a name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from novasr.families.late_names import late_names
from novasr.families.wide import TASK

if TYPE_CHECKING:
    from novasr.families.studio.network import StudioNetwork
    from novasr.families.studio.network import StudioNetwork as Network
    from novasr.families.studio.tensors import description
    from novasr.families.studio.training import (
        Objective,
        initial_network,
        prepare,
        training_forward,
    )

# Name here -> module and name there.
_HOMES = {
    "Network": ("network", "StudioNetwork"),
    "Objective": ("training", "Objective"),
    "StudioNetwork": ("network", "StudioNetwork"),
    "description": ("tensors", "description"),
    "initial_network": ("training", "initial_network"),
    "prepare": ("training", "prepare"),
    "training_forward": ("training", "training_forward"),
}

__all__ = [
    "TASK",
    "Network",
    "Objective",
    "StudioNetwork",
    "description",
    "initial_network",
    "prepare",
    "training_forward",
]

__getattr__ = late_names(__name__, _HOMES)
