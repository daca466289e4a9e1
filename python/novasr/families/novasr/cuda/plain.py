"""PyTorch's layers on segments of recordings: what the fused kernel is compared with, and does without Triton."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from novasr.families.novasr.cuda import HALO_FRAMES, RATIO
from novasr.families.novasr.cuda.folded import fold
from novasr.families.novasr.layers import DOWN_PAD, AntiAliasedSnake, interpolate_x3_valid
from novasr.families.novasr.network import BLOCK_KERNEL, EDGE_KERNEL, NovaSRNetwork

if TYPE_CHECKING:
    from novasr.types import FloatArray

_TRIM = 2  # frames by which an activation ends earlier


def segments_forward(network: NovaSRNetwork, audio: Tensor, start: Tensor, total: Tensor) -> Tensor:
    """Compute segments of recordings as if each recording were computed whole.

    A layer's output outside the recording is zeroed before the next layer sees it: that is the next layer's own
    padding, wherever the ends of the recording lie.

    Parameters
    ----------
    network : NovaSRNetwork
        On the device of the audio.
    audio : Tensor, shape (batch, HALO_FRAMES + frames + HALO_FRAMES)
        16 kHz; 0 outside the recordings.
    start : Tensor of int, shape (batch,)
        Frame of the recording at which the segment begins, after its halo.
    total : Tensor of int, shape (batch,)
        Frames of the recording; 0 for a segment of none.

    Returns
    -------
    Tensor, shape (batch, 3 * frames)
        48 kHz; 0 from frame ``3 * total - 4`` of a recording on.
    """
    frames = audio.shape[1] - 2 * HALO_FRAMES
    block = network.block
    first, second = block.activations
    conv_1, conv_2 = block.convs1[0], block.convs2[0]
    assert isinstance(conv_1, nn.Conv1d)
    assert isinstance(conv_2, nn.Conv1d)
    assert isinstance(first, AntiAliasedSnake)
    assert isinstance(second, AntiAliasedSnake)
    length = RATIO * total[:, None]
    start, total = start[:, None], total[:, None]

    at = EDGE_KERNEL // 2 - HALO_FRAMES  # frame of the first row, from the segment's start
    x = F.conv1d(audio[:, None], network.conv_pre.weight, network.conv_pre.bias)
    places = torch.arange(x.shape[2], device=x.device)
    repeated = torch.clamp(start + at + places, min=0).minimum(total - 1) - start - at
    repeated = repeated.clamp(0, x.shape[2] - 1)  # the first and the last frame go on for ever
    x = x.gather(2, repeated[:, None].expand_as(x))
    x = interpolate_x3_valid(x)
    at = RATIO * (at + 1)
    x = residual = _inside(x, RATIO * start + at, 0, length)
    residual_at = at

    y, at = _activated(first, x, RATIO * start, at, length)
    y = F.conv1d(y, conv_1.weight, conv_1.bias)
    at += BLOCK_KERNEL // 2
    y = _inside(y, RATIO * start + at, 0, length - _TRIM)
    y, at = _activated(second, y, RATIO * start, at, length - _TRIM)
    y = F.conv1d(y, conv_2.weight, conv_2.bias)
    at += BLOCK_KERNEL // 2
    y = y + residual[..., at - residual_at :][..., : y.shape[2]]
    y = _inside(y, RATIO * start + at, 0, length - 2 * _TRIM)
    y = F.conv1d(y, network.conv_post.weight)[:, 0]
    at += EDGE_KERNEL // 2
    y = torch.tanh(y[:, -at:][:, : RATIO * frames])
    here = RATIO * start + torch.arange(y.shape[1], device=y.device)
    return y.where(here < length - 2 * _TRIM, 0.0)


def _activated(
    activation: AntiAliasedSnake, x: Tensor, start: Tensor, at: int, length: Tensor
) -> tuple[Tensor, int]:
    """Apply an activation to rows from frame `start` + `at` on; give them, and the place of the first one."""
    rows = activation.act(activation.upsample.upsample(x))
    at += _TRIM  # an up-sampler's first rows belong to its third frame
    rows = _inside(rows, 2 * (start + at), _TRIM, 2 * length - _TRIM)
    # Frame t is centred between the rows 2 t + 2 and 2 t + 3.
    skipped = (_TRIM - DOWN_PAD) % 2
    y = activation.downsample.lowpass.downsample(rows[..., skipped:])
    at += (DOWN_PAD - _TRIM + skipped) // 2
    return _inside(y, start + at, 0, length - _TRIM), at


def _inside(x: Tensor, start: Tensor, first: int, end: Tensor) -> Tensor:
    """Zero the rows of (batch, channels, rows), which begin at `start`, outside `first` .. `end` - 1."""
    here = start + torch.arange(x.shape[2], device=x.device)
    return x * ((here >= first) & (here < end))[:, None]


class PlainNetwork:
    """PyTorch's layers on one device; a :class:`novasr.families.cuda_family.CudaNetwork`.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        The weights by name.
    device : torch.device
        Where they are to be.
    compiled : bool
        By ``torch.compile``; the first call of each size takes a minute.
    """

    def __init__(
        self, tensors: Mapping[str, FloatArray], device: torch.device, *, compiled: bool
    ) -> None:
        network = NovaSRNetwork()
        network.load_state_dict({name: torch.from_numpy(v) for name, v in tensors.items()})
        self._network = network.eval().requires_grad_(False).to(device)
        self._forward = (
            torch.compile(segments_forward, dynamic=False) if compiled else segments_forward
        )
        self._device = device
        self.silence_output = math.tanh(fold(tensors).silence)

    def scratch(self) -> Tensor:
        """Give nothing: PyTorch allocates for itself."""
        return torch.empty(0, device=self._device)

    def __call__(
        self, audio: Tensor, start: Tensor, total: Tensor, out: Tensor, scratch: Tensor
    ) -> None:
        """Compute segments of recordings into `out`, see `segments_forward`."""
        out.copy_(self._forward(self._network, audio, start, total))
