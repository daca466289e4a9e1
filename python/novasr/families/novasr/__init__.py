"""The network in PyTorch: the reference, what TorchScript is exported from, and what is trained.

The names are those of :class:`novasr.families.torch_family.TorchFamily`.
"""

from novasr.families.novasr.fast import forward as fast_forward
from novasr.families.novasr.initial import initial_network
from novasr.families.novasr.network import NovaSRNetwork, uses_per_second
from novasr.families.novasr.settle import settle as finish
from novasr.families.novasr.streaming import StreamingNovaSR
from novasr.families.task import Task

Network = NovaSRNetwork
StreamingNetwork = StreamingNovaSR
TASK = Task(NovaSRNetwork.input_rate, NovaSRNetwork.output_rate, NovaSRNetwork.input_rate / 2)

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
