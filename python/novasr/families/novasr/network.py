"""The network as a whole: 16 kHz in, 48 kHz out."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from novasr.families.novasr.layers import AmpBlock, interpolate_x3
from novasr.families.task import Task

CHANNELS = 32
BLOCK_KERNEL = 11
EDGE_KERNEL = 7
END_TRIM = 4  # each of the two activations ends two samples early


class NovaSRNetwork(nn.Module):
    """NovaSR: conv, x3 linear interpolation, one AMP block, conv, tanh (23,200 parameters).

    The attribute names are those of upstream's checkpoints, so that their state dicts load as they are.
    """

    input_rate = 16_000
    output_rate = 48_000

    def __init__(self) -> None:
        super().__init__()
        self.conv_pre = nn.Conv1d(1, CHANNELS, EDGE_KERNEL, padding=EDGE_KERNEL // 2)
        self.resblocks = nn.ModuleList([AmpBlock(CHANNELS, BLOCK_KERNEL)])
        self.conv_post = nn.Conv1d(CHANNELS, 1, EDGE_KERNEL, padding=EDGE_KERNEL // 2, bias=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Extend whole recordings.

        Parameters
        ----------
        audio : Tensor, shape (batch, 1, frames)
            16 kHz, full scale at 1.0, at least 2 frames.

        Returns
        -------
        Tensor, shape (batch, 1, 3 * frames - 4)
            48 kHz, within -1 .. 1.
        """
        x = interpolate_x3(self.conv_pre(audio))  # (B, 32, 3 N)
        x = self.block(x)  # (B, 32, 3 N - 4)
        return torch.tanh(self.conv_post(x))

    @property
    def block(self) -> AmpBlock:
        """The one block; upstream's file layout has a list of them."""
        return cast(AmpBlock, self.resblocks[0])


TASK = Task(NovaSRNetwork.input_rate, NovaSRNetwork.output_rate, NovaSRNetwork.input_rate / 2)


def uses_per_second(tensor: str) -> float:
    """Tell how often a second of audio is multiplied by each value of a tensor; biases do not multiply."""
    if tensor.endswith("filter"):
        return CHANNELS * NovaSRNetwork.output_rate
    if not tensor.endswith("weight"):
        return 0
    return NovaSRNetwork.input_rate if tensor == "conv_pre.weight" else NovaSRNetwork.output_rate
