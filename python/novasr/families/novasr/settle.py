"""Silence in, silence out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from novasr.families.novasr.layers import interpolate_x3
from novasr.families.novasr.network import NovaSRNetwork

_FRAMES = 64  # of silence: more than the receptive field


@torch.no_grad()
def settle(network: NovaSRNetwork) -> None:
    """Choose the second convolution's bias, in float16 values, so that silence maps to silence.

    The bias reaches the output through one sum over the last convolution, where it cancels the response to
    silence. The float16 rounding error of each channel is compensated by the next (error diffusion).
    """
    block = network.block
    conv = block.convs2[0]
    assert isinstance(conv, nn.Conv1d)
    assert conv.bias is not None
    x = interpolate_x3(network.conv_pre(torch.zeros(1, 1, _FRAMES)))
    y = conv(block.activations[1](block.convs1[0](block.activations[0](x))))
    middle = y.shape[-1] // 2
    wanted = (
        conv.bias - y[0, :, middle] - x[0, :, middle]
    ).double()  # cancels the response to silence
    conv.bias.copy_(_rounded_together(wanted, network.conv_post.weight[0].sum(1).double()))


def _rounded_together(values: Tensor, gains: Tensor) -> Tensor:
    """Round to float16 so that ``gains @ values`` stays: the largest gains first, the smallest fit in last."""
    rounded, missing = values.clone(), 0.0
    for c in gains.abs().argsort(descending=True).tolist():
        gain = float(gains[c])
        target = values[c] + missing / gain if gain else values[c]
        rounded[c] = target.half().double()
        missing = gain * float(target - rounded[c])
    return rounded.float()
