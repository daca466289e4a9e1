"""The layers of the network, each as a whole-signal function of shape (batch, channels, frames)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FILTER_TAPS = 12
UP_LEFT, UP_RIGHT = 1, 2  # zero padding; upstream pads 2 and 3, then drops the pair each end gains
DOWN_PAD = 5  # zero padding of the low-pass, each side


def interpolate_x3(x: Tensor) -> Tensor:
    """Triple the rate by linear interpolation, sample-centred, edges held.

    Equals ``F.interpolate(scale_factor=3, mode="linear", align_corners=False)``; the weights 1/3 and
    2/3 are exact here, whereas PyTorch computes them from a float32 position and drifts on long input.
    """
    padded = F.pad(x, (1, 1), mode="replicate")  # (B, C, N + 2)
    return interpolate_x3_valid(padded)


def interpolate_x3_valid(padded: Tensor) -> Tensor:
    """Interpolate between the first and the last sample: (B, C, N + 2) to (B, C, 3 N)."""
    before, here, after = padded[..., :-2], padded[..., 1:-1], padded[..., 2:]
    phases = (before + 2.0 * here) / 3.0, here, (2.0 * here + after) / 3.0
    return torch.stack(phases, dim=-1).flatten(-2)  # (B, C, 3 N)


class SnakeBeta(nn.Module):
    """``x + sin(a x)^2 / b`` with a = exp(alpha), b = exp(beta) per channel (BigVGAN, arXiv:2206.04658).

    Written as ``x + (1 - cos(2 a x)) / (2 b)``, as upstream evaluates it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C, T)."""
        twice_a = 2.0 * self.alpha.exp()[:, None]
        half_over_b = 1.0 / (2.0 * self.beta.exp()[:, None] + 1e-9)
        return x + half_over_b * (1.0 - torch.cos(twice_a * x))


class Resampler2x(nn.Module):
    """Holds the 12 taps of one anti-aliasing filter, shared by all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", torch.zeros(1, 1, FILTER_TAPS))
        self.filter: Tensor

    def upsample(self, padded: Tensor) -> Tensor:
        """Double the rate of zero-padded input: (B, C, T + 3) to (B, C, 2 T - 4).

        Even taps give the even outputs, odd taps the odd ones, both as correlation. The published
        weights are trained behind exactly this order, which a textbook upsampler would mirror.
        """
        channels = padded.shape[1]
        taps = 2.0 * self.filter.reshape(-1, 2).t()  # (2, 6): the two phases
        weight = taps.reshape(2, 1, -1).repeat(channels, 1, 1)  # (2 C, 1, 6)
        phases = F.conv1d(padded, weight, groups=channels)  # (B, 2 C, T)
        batch, _, frames = phases.shape
        return (
            phases.reshape(batch, channels, 2, frames).transpose(2, 3).reshape(batch, channels, -1)
        )

    def downsample(self, padded: Tensor) -> Tensor:
        """Low-pass and keep every other sample: (B, C, 2 T + 10) to (B, C, T)."""
        channels = padded.shape[1]
        return F.conv1d(padded, self.filter.repeat(channels, 1, 1), stride=2, groups=channels)


class LowPass(nn.Module):
    """Keeps upstream's name for the downsampling filter."""

    def __init__(self) -> None:
        super().__init__()
        self.lowpass = Resampler2x()


class AntiAliasedSnake(nn.Module):
    """SnakeBeta at twice the rate, so that the harmonics it makes do not alias: T in, T - 2 out."""

    __constants__ = ("up_left", "up_right", "down_pad")  # TorchScript reads no module globals
    up_left, up_right, down_pad = UP_LEFT, UP_RIGHT, DOWN_PAD

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.act = SnakeBeta(channels)
        self.upsample = Resampler2x()
        self.downsample = LowPass()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C, T - 2)."""
        up = self.act(
            self.upsample.upsample(F.pad(x, (self.up_left, self.up_right)))
        )  # (B, C, 2 T - 4)
        return self.downsample.lowpass.downsample(F.pad(up, (self.down_pad, self.down_pad)))


class AmpBlock(nn.Module):
    """Two anti-aliased activations, each followed by a convolution, around a residual branch."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        conv_1 = nn.Conv1d(channels, channels, kernel, padding=kernel // 2)
        conv_2 = nn.Conv1d(channels, channels, kernel, padding=kernel // 2)
        self.convs1 = nn.ModuleList([conv_1])
        self.convs2 = nn.ModuleList([conv_2])
        self.activations = nn.ModuleList([AntiAliasedSnake(channels) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C, T - 4)."""
        y: Tensor = self.convs1[0](self.activations[0](x))  # (B, C, T - 2)
        y = self.convs2[0](self.activations[1](y))  # (B, C, T - 4)
        return y + x[..., : y.shape[-1]]
