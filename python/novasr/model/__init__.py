"""The network in PyTorch: the reference, and what TorchScript is exported from."""

from novasr.model.network import NovaSRNetwork
from novasr.model.streaming import StreamingNovaSR

__all__ = ["NovaSRNetwork", "StreamingNovaSR"]
