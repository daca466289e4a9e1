"""The network as a stream: explicit state in and out, scriptable, exact for any chunking of the input."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from novasr.families.novasr.layers import (
    DOWN_PAD,
    UP_LEFT,
    UP_RIGHT,
    AntiAliasedSnake,
    interpolate_x3_valid,
)
from novasr.families.novasr.network import END_TRIM, NovaSRNetwork

# After N input frames 3 N - LOOK_AHEAD outputs are known: each reaches 27 frames ahead at 48 kHz through two
# activations (7 each), two convolutions (5 each) and the last one (3), which is 9 input frames; interpolation
# works in whole groups of three and waits for 1 more, the first convolution for 3.
LOOK_AHEAD = 3 * (9 + 1 + 3)
TAIL = LOOK_AHEAD - END_TRIM
# As the native engine states them (cpp/src/families/novasr/network_stream.hpp).
MEMORY, EDGE, OFFSET = 40, 83, 1


class StreamingNovaSR(nn.Module):
    """Runs a network block by block; equals the whole-signal result for any chunking.

    Every layer works on "what is kept, then what is new" without padding of its own. Its left padding is
    the first thing it keeps, its right padding arrives with :meth:`flush`: the edges are therefore those
    of the whole-signal network, and no layer ever sees silence that was not there.
    """

    def __init__(self, network: NovaSRNetwork) -> None:
        super().__init__()
        block = network.block
        self.pre = _Conv(network.conv_pre)
        self.interpolate = _Interpolate()
        self.up_1 = _UpSnake(block.activations[0])
        self.down_1 = _Down(block.activations[0])
        self.conv_1 = _Conv(block.convs1[0])
        self.up_2 = _UpSnake(block.activations[1])
        self.down_2 = _Down(block.activations[1])
        self.conv_2 = _Conv(block.convs2[0])
        self.post = _Conv(network.conv_post)
        self.input_rate, self.output_rate = network.input_rate, network.output_rate
        self.look_ahead, self.tail = LOOK_AHEAD, TAIL
        self.memory, self.edge, self.offset = MEMORY, EDGE, OFFSET

    @torch.jit.export
    def metadata(self) -> dict[str, int]:
        """Tell what a host must know, in Hz and frames; docs/torchscript.md explains each."""
        return {
            "input_rate": self.input_rate,
            "output_rate": self.output_rate,
            "look_ahead": self.look_ahead,
            "tail": self.tail,
            "hop": 1,
            "memory": self.memory,
            "edge": self.edge,
            "offset": self.offset,
            "band": self.input_rate // 2,
        }

    @torch.jit.export
    def initial_state(self, batch: int) -> list[Tensor]:
        """State before the first frame, for `batch` independent channels: each layer's left padding."""
        mono = self.pre.weight.new_zeros(batch, 1, 0)
        wide = self.pre.weight.new_zeros(batch, self.pre.weight.shape[0], 0)
        return [
            F.pad(mono, (self.pre.left, 0)),
            wide,  # interpolation holds the first sample once it is there
            F.pad(wide, (self.up_1.left, 0)),
            F.pad(wide, (self.down_1.pad, 0)),
            F.pad(wide, (self.conv_1.left, 0)),
            F.pad(wide, (self.up_2.left, 0)),
            F.pad(wide, (self.down_2.pad, 0)),
            F.pad(wide, (self.conv_2.left, 0)),
            wide,  # the residual branch, waiting for the other one
            F.pad(wide, (self.post.left, 0)),
        ]

    def forward(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Take (batch, 1, n) at 16 kHz; give the 48 kHz frames that are now known, and the next state."""
        return self._advance(audio, state, False)

    @torch.jit.export
    def flush(self, state: list[Tensor]) -> Tensor:
        """Give the last frames: (batch, 1, TAIL), fewer where the input is shorter than that."""
        nothing = state[0].new_zeros(state[0].shape[0], 1, 0)
        return self._advance(nothing, state, True)[0]

    def _advance(self, x: Tensor, state: list[Tensor], end: bool) -> tuple[Tensor, list[Tensor]]:
        x, pre = self.pre(x, state[0], end)
        x, interpolate = self.interpolate(x, state[1], end)
        residual = torch.cat([state[8], x], dim=-1)
        x, up_1 = self.up_1(x, state[2], end)
        x, down_1 = self.down_1(x, state[3], end)
        x, conv_1 = self.conv_1(x, state[4], end)
        x, up_2 = self.up_2(x, state[5], end)
        x, down_2 = self.down_2(x, state[6], end)
        x, conv_2 = self.conv_2(x, state[7], end)
        ready = x.shape[-1]
        x, post = self.post(x + residual[..., :ready], state[9], end)
        residual = residual[..., ready:]
        kept = [pre, interpolate, up_1, down_1, conv_1, up_2, down_2, conv_2, residual, post]
        return torch.tanh(x), kept


def _keep_last(x: Tensor, frames: int) -> Tensor:
    return x[..., max(0, x.shape[-1] - frames) :]


class _Conv(nn.Module):
    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        assert isinstance(conv, nn.Conv1d)
        self.weight = conv.weight
        self.bias = conv.bias
        self.taps = conv.kernel_size[0]
        self.left = self.taps // 2

    def forward(self, x: Tensor, kept: Tensor, end: bool) -> tuple[Tensor, Tensor]:
        x = torch.cat([kept, F.pad(x, (0, self.left)) if end else x], dim=-1)
        kept = _keep_last(x, self.taps - 1)
        if x.shape[-1] < self.taps:
            return x.new_zeros(x.shape[0], self.weight.shape[0], 0), kept
        return F.conv1d(x, self.weight, self.bias), kept


class _Interpolate(nn.Module):
    def forward(self, x: Tensor, kept: Tensor, end: bool) -> tuple[Tensor, Tensor]:
        x = torch.cat([kept if kept.shape[-1] > 0 else x[..., :1], x], dim=-1)
        if end:
            x = torch.cat([x, x[..., -1:]], dim=-1)
        kept = _keep_last(x, 2)
        return interpolate_x3_valid(x) if x.shape[-1] > 2 else x[..., :0], kept


class _UpSnake(nn.Module):
    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        assert isinstance(activation, AntiAliasedSnake)
        self.up = activation.upsample
        self.act = activation.act
        self.left, self.right = UP_LEFT, UP_RIGHT
        self.taps = self.up.filter.shape[-1] // 2  # of each of the two phases

    def forward(self, x: Tensor, kept: Tensor, end: bool) -> tuple[Tensor, Tensor]:
        x = torch.cat([kept, F.pad(x, (0, self.right)) if end else x], dim=-1)
        kept = _keep_last(x, self.taps - 1)
        return self.act(self.up.upsample(x)) if x.shape[-1] >= self.taps else x[..., :0], kept


class _Down(nn.Module):
    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        assert isinstance(activation, AntiAliasedSnake)
        self.down = activation.downsample.lowpass
        self.pad = DOWN_PAD
        self.taps = self.down.filter.shape[-1]

    def forward(self, x: Tensor, kept: Tensor, end: bool) -> tuple[Tensor, Tensor]:
        x = torch.cat([kept, F.pad(x, (0, self.pad)) if end else x], dim=-1)
        ready = max(0, (x.shape[-1] - self.taps) // 2 + 1)
        kept = x[..., 2 * ready :]
        return self.down.downsample(x) if ready > 0 else x[..., :0], kept
