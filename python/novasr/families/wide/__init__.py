"""Band extension at 48 kHz in PyTorch: the reference, what TorchScript is exported from, and what is trained.

The names are those of :class:`novasr.families.torch_family.TorchFamily`.
"""

from novasr.families.task import Task
from novasr.families.wide.initial import initial_network
from novasr.families.wide.network import WideNetwork
from novasr.families.wide.streaming import BAND, StreamingWide

Network = WideNetwork
StreamingNetwork = StreamingWide
TASK = Task(WideNetwork.input_rate, WideNetwork.output_rate, float(BAND))

__all__ = ["TASK", "Network", "StreamingNetwork", "StreamingWide", "WideNetwork", "initial_network"]
