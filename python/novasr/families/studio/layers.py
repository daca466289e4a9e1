"""Layers that the autoencoder and the velocity network share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_INITIAL_SHARE = 0.3  # of the usual weights in what a block adds at first


class Block(nn.Module):
    """A residual block (ConvNeXt: Z. Liu et al., CVPR 2022), steered by an embedding where it has one.

    Parameters
    ----------
    channels, kernel : int
        Of the depthwise convolution.
    steering : int
        Length of the embedding that scales and shifts the normalised values; 0 for none.
    """

    def __init__(self, channels: int, kernel: int, steering: int = 0) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, 2 * channels)
        self.narrow = nn.Linear(2 * channels, channels)
        self.steer = nn.Linear(steering, 2 * channels) if steering else None
        with torch.no_grad():
            self.narrow.weight.mul_(_INITIAL_SHARE)
        if self.steer is not None:
            nn.init.zeros_(self.steer.weight)
            nn.init.zeros_(self.steer.bias)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """(batch, channels, frames) to the same shape; `embedding` has shape (batch, steering)."""
        y: Tensor = self.norm(self.depthwise(x).transpose(1, 2))
        if self.steer is not None:
            scale, shift = self.steer(embedding)[:, None].chunk(2, -1)
            y = y * (1 + scale) + shift
        added: Tensor = self.narrow(F.gelu(self.widen(y)))
        return x + added.transpose(1, 2)


class Attention(nn.Module):
    """Self-attention (A. Vaswani et al., NeurIPS 2017) over neighbours, with a learnt bias for each distance.

    Parameters
    ----------
    channels, heads : int
        The heads share the channels.
    reach : int
        Frames on each side that a frame attends to: what bounds the memory of long recordings.
    """

    def __init__(self, channels: int, heads: int, reach: int) -> None:
        super().__init__()
        self.heads, self.reach = heads, reach
        self.norm = nn.LayerNorm(channels)
        self.enter = nn.Linear(channels, 3 * channels)
        self.leave = nn.Linear(channels, channels)
        self.bias = nn.Parameter(torch.zeros(heads, 2 * reach + 1))
        with torch.no_grad():
            self.leave.weight.mul_(_INITIAL_SHARE)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, frames) to the same shape."""
        batch, channels, frames = x.shape
        queries, keys, values = (
            part.view(batch, frames, self.heads, channels // self.heads).transpose(1, 2)
            for part in self.enter(self.norm(x.transpose(1, 2))).chunk(3, -1)
        )
        places = torch.arange(frames, device=x.device)
        distance = places - places[:, None]
        bias = self.bias[:, distance.clamp(-self.reach, self.reach) + self.reach]
        bias = bias.masked_fill(distance.abs() > self.reach, float("-inf"))
        y = F.scaled_dot_product_attention(queries, keys, values, attn_mask=bias[None])
        added: Tensor = self.leave(y.transpose(1, 2).reshape(batch, frames, channels))
        return x + added.transpose(1, 2)
