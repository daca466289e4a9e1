"""The network in PyTorch: the reference, and what TorchScript is exported from."""

from novasr.families.novasr.network import NovaSRNetwork
from novasr.families.novasr.streaming import StreamingNovaSR

__all__ = ["NovaSRNetwork", "StreamingNovaSR"]
