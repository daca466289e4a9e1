"""The family for any band in PyTorch and in ONNX; names as in :class:`novasr.families.torch_family.TorchFamily`.

PyTorch is imported when a name is first used: the ONNX form does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from novasr.families.late_names import late_names
from novasr.families.task import Task
from novasr.families.wide.architecture import RATE_HZ

if TYPE_CHECKING:
    from novasr.families.wide.network import WideNetwork
    from novasr.families.wide.network import WideNetwork as Network
    from novasr.families.wide.streaming import StreamingWide
    from novasr.families.wide.streaming import StreamingWide as StreamingNetwork
    from novasr.families.wide.training import initial_network, training_forward, uses_per_second

TASK = Task(RATE_HZ, RATE_HZ, 16_000.0, 2_000.0)

# Name here -> module and name there.
_HOMES = {
    "Network": ("network", "WideNetwork"),
    "StreamingNetwork": ("streaming", "StreamingWide"),
    "StreamingWide": ("streaming", "StreamingWide"),
    "WideNetwork": ("network", "WideNetwork"),
    "initial_network": ("training", "initial_network"),
    "training_forward": ("training", "training_forward"),
    "uses_per_second": ("training", "uses_per_second"),
}

__all__ = [
    "TASK",
    "Network",
    "StreamingNetwork",
    "StreamingWide",
    "WideNetwork",
    "initial_network",
    "training_forward",
    "uses_per_second",
]

__getattr__ = late_names(__name__, _HOMES)
