"""What the engine for GPUs asks of a model family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from novasr.types import FloatArray

#: Products of a fused kernel: three of TF32 tensor cores for each, or float32.
Precision: TypeAlias = Literal["tf32x3", "ieee"]


class CudaNetwork(Protocol):
    """What computes a batch on the device.

    Attributes
    ----------
    silence_output : float
        The output for sustained silence.
    """

    silence_output: float

    def scratch(self) -> Tensor:
        """Allocate what one call needs; calls that run at the same time need one each."""

    def __call__(
        self, audio: Tensor, start: Tensor, total: Tensor, out: Tensor, scratch: Tensor
    ) -> None:
        """Compute segments of recordings, each as if its recording were computed whole.

        Parameters
        ----------
        audio : Tensor of float32, shape (batch, HALO_FRAMES + frames + HALO_FRAMES)
            At the input rate; 0 outside the recordings.
        start : Tensor of int32, shape (batch,)
            Frame of the recording at which the segment begins, after its halo; a multiple of TILE_FRAMES.
        total : Tensor of int32, shape (batch,)
            Frames of the recording; 0 for a segment of none.
        out : Tensor of float32, shape (batch, RATIO * frames)
            Is written; where the network ends earlier than its input, 0.
        scratch : Tensor
            Of :meth:`scratch`.
        """


class CudaFamily(Protocol):
    """The names of a module ``novasr.families.NAME.cuda``.

    Attributes
    ----------
    RATIO : int
        Output frames for each input frame.
    TILE_FRAMES : int
        Input frames that are computed together; at multiples of it recordings may be cut.
    SEGMENT_FRAMES : int
        Input frames of a segment, a multiple of that.
    HALO_FRAMES : int
        Input frames on either side of a segment that are enough for its output.
    LOOK_AHEAD : int
        Output frames before the end of the input that later input still changes.
    """

    RATIO: int
    TILE_FRAMES: int
    SEGMENT_FRAMES: int
    HALO_FRAMES: int
    LOOK_AHEAD: int

    @staticmethod
    def fused_network(
        tensors: Mapping[str, FloatArray], device: torch.device, precision: Precision | None
    ) -> CudaNetwork:
        """Make a Triton kernel; without a precision, of the best one for the device."""

    @staticmethod
    def plain_network(
        tensors: Mapping[str, FloatArray], device: torch.device, *, compiled: bool
    ) -> CudaNetwork:
        """Make it of PyTorch's layers, as they are or by ``torch.compile``."""
