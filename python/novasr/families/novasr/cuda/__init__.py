"""The network on a GPU: segments of many recordings at once, by one fused kernel or by PyTorch's layers.

The names are those of :class:`novasr.families.cuda_family.CudaFamily`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from novasr.families.cuda_family import CudaNetwork, Precision
    from novasr.types import FloatArray

RATIO = 3
TILE_FRAMES = 69  # with what five layers reach, 48 rows at 48 kHz, they fill 256 rows
SEGMENT_FRAMES = 64 * TILE_FRAMES
HALO_FRAMES = 16  # 12 affect a segment
LOOK_AHEAD = 39  # novasr.families.novasr.streaming counts them


def fused_network(
    tensors: Mapping[str, FloatArray], device: torch.device, precision: Precision | None
) -> CudaNetwork:
    """Fold the network for the Triton kernel."""
    from novasr.families.novasr.cuda.folded import fold
    from novasr.families.novasr.cuda.kernel import TiledNetwork

    return TiledNetwork(fold(tensors), device, precision)


def plain_network(
    tensors: Mapping[str, FloatArray], device: torch.device, *, compiled: bool
) -> CudaNetwork:
    """Build PyTorch's layers."""
    from novasr.families.novasr.cuda.plain import PlainNetwork

    return PlainNetwork(tensors, device, compiled=compiled)
