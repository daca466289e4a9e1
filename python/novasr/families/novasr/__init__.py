"""The network in PyTorch: the reference, and what TorchScript is exported from."""

from novasr.families.novasr.network import NovaSRNetwork
from novasr.families.novasr.streaming import StreamingNovaSR
from novasr.families.task import Task

Network = NovaSRNetwork
StreamingNetwork = StreamingNovaSR
TASK = Task(NovaSRNetwork.input_rate, NovaSRNetwork.output_rate, NovaSRNetwork.input_rate / 2)

__all__ = ["TASK", "Network", "NovaSRNetwork", "StreamingNetwork", "StreamingNovaSR"]
