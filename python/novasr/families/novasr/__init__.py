"""The network in PyTorch, the reference, what TorchScript is exported from and what is trained; and in ONNX.

The names are those of :class:`novasr.families.torch_family.TorchFamily`. PyTorch is imported when one is first used:
the ONNX form does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from novasr.families.late_names import late_names

if TYPE_CHECKING:
    from novasr.families.novasr.fast import forward as fast_forward
    from novasr.families.novasr.initial import initial_network
    from novasr.families.novasr.network import TASK, NovaSRNetwork, uses_per_second
    from novasr.families.novasr.network import NovaSRNetwork as Network
    from novasr.families.novasr.settle import settle as finish
    from novasr.families.novasr.streaming import StreamingNovaSR
    from novasr.families.novasr.streaming import StreamingNovaSR as StreamingNetwork

# Name here -> module and name there.
_HOMES = {
    "TASK": ("network", "TASK"),
    "Network": ("network", "NovaSRNetwork"),
    "NovaSRNetwork": ("network", "NovaSRNetwork"),
    "StreamingNetwork": ("streaming", "StreamingNovaSR"),
    "StreamingNovaSR": ("streaming", "StreamingNovaSR"),
    "fast_forward": ("fast", "forward"),
    "finish": ("settle", "settle"),
    "initial_network": ("initial", "initial_network"),
    "uses_per_second": ("network", "uses_per_second"),
}

__all__ = [
    "TASK",
    "Network",
    "NovaSRNetwork",
    "StreamingNetwork",
    "StreamingNovaSR",
    "fast_forward",
    "finish",
    "initial_network",
    "uses_per_second",
]

__getattr__ = late_names(__name__, _HOMES)
