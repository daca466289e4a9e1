"""The network for training on a CPU: the same values and gradients as PyTorch's, nine times as fast.

PyTorch is limited by memory traffic and by grouped convolutions that it does not vectorise. The compiled code
computes all layers, forward and backward, in tiles that fit the processor's cache.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from novasr import _native
from novasr.families.novasr.layers import AntiAliasedSnake
from novasr.families.novasr.network import NovaSRNetwork

_EDGE = 3  # outputs at either end that only the network itself gets right
_REACH = 16  # inputs on which these depend; the look-ahead is 13


def forward(network: NovaSRNetwork, audio: Tensor) -> Tensor:
    """Compute ``network(audio)``.

    There is no non-linearity between the second convolution and the last, so on a CPU they are merged into
    one. That drops the padding between them, which affects the outermost outputs only: those are computed
    by the network itself from both ends of the audio.

    Parameters
    ----------
    network : NovaSRNetwork
        On any device.
    audio : Tensor, shape (batch, 1, frames)
        16 kHz.

    Returns
    -------
    Tensor, shape (batch, 1, 3 * frames - 4)
        48 kHz. Gradients go to the parameters, not to `audio`.
    """
    if audio.device.type != "cpu" or audio.shape[-1] < _REACH:
        return network(audio)  # type: ignore[no-any-return]
    block = network.block
    first, second = block.activations
    conv_1, conv_2, post = block.convs1[0], block.convs2[0], network.conv_post.weight
    assert isinstance(conv_1, nn.Conv1d)
    assert isinstance(conv_2, nn.Conv1d)
    assert isinstance(first, AntiAliasedSnake)
    assert isinstance(second, AntiAliasedSnake)
    assert conv_2.bias is not None
    merged = F.conv1d(conv_2.weight.permute(1, 0, 2), post.flip(2), padding=post.shape[2] - 1)
    output: Tensor = _Network.apply(  # type: ignore[no-untyped-call]
        audio[:, 0],
        network.conv_pre.weight[:, 0].t(),
        network.conv_pre.bias,
        first.act.alpha,
        first.act.beta,
        second.act.alpha,
        second.act.beta,
        conv_1.weight.permute(2, 1, 0),
        conv_1.bias,
        merged[:, 0].t(),
        post[0].t(),
        (post.sum(2) @ conv_2.bias),
        first.upsample.filter,
        first.downsample.lowpass.filter,
        second.upsample.filter,
        second.downsample.lowpass.filter,
    )
    inner = torch.tanh(output[:, None, _EDGE:-_EDGE])
    start, end = network(audio[..., :_REACH]), network(audio[..., -_REACH:])
    return torch.cat([start[..., :_EDGE], inner, end[..., -_EDGE:]], dim=-1)


class _Network(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, audio: Tensor, *values: Tensor) -> Tensor:
        ctx.save_for_backward(audio, *values)
        return torch.from_numpy(
            _native.network_forward(_arrays(values), _array(audio), threads=torch.get_num_threads())
        )

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        audio, *values = ctx.saved_tensors
        found = _native.network_backward(
            _arrays(values), _array(audio), _array(gradient), threads=torch.get_num_threads()
        )
        gradients = [
            torch.from_numpy(flat).reshape(value.shape)
            for flat, value in zip(found, values, strict=False)
        ]
        return None, *gradients, *[None] * (len(values) - len(gradients))


def _arrays(values: Any) -> list[Any]:
    return [_array(value) for value in values]


def _array(value: Tensor) -> Any:
    return value.detach().contiguous().numpy()
