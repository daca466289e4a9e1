"""The network in PyTorch: training, reference and TorchScript export."""

from novasr.model.network import NovaSRNetwork
from novasr.model.streaming import StreamingNovaSR

__all__ = ["NovaSRNetwork", "StreamingNovaSR"]
