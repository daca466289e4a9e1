"""The network as a stream: explicit state in and out, scriptable, exact for any number of hops at a time."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from novasr.families.wide.bands import FFT, GAIN_BANDS, HOP, LINE_HZ, RATE_HZ
from novasr.families.wide.network import (
    ACTIVE_LEVEL,
    AVERAGE_SECONDS,
    CHANNELS,
    CROSSOVER_LINES,
    CROSSOVER_START,
    HIGHEST_GAIN,
    KERNEL,
    LEVEL_BANDS,
    LOWEST_GAIN,
    NOISE_FRAMES,
    POWER_FLOOR,
    WHITENING_FLOOR,
    WHITENING_LINES,
    Block,
    WideNetwork,
)

# A hop is known when the next one is there. The others are as the native engine states them
# (cpp/src/families/wide/wide_engine.cpp).
LOOK_AHEAD = TAIL = HOP
MEMORY, EDGE, OFFSET, BAND = 4 * RATE_HZ, FFT, 0, 16_000
FULL_BAND_HZ = 23_000.0
DECAY = math.exp(-HOP / RATE_HZ / AVERAGE_SECONDS)


class StreamingWide(nn.Module):
    """Runs a network hop by hop.

    Equals the whole-signal result, except that a frame of digital silence, and one whose cut-off is
    `FULL_BAND_HZ` or more, adds exactly nothing.

    The cut-off is the buffer `cutoff_hz`, shape (1,), one for all channels.
    """

    def __init__(self, network: WideNetwork) -> None:
        super().__init__()
        self.enter, self.norm, self.leave = network.enter, network.norm, network.leave
        self.blocks = nn.ModuleList(_StreamingBlock(block) for block in network.blocks)
        self.register_buffer("window", network.window.clone())
        self.register_buffer("input_bands", network.input_bands.clone())
        self.register_buffer("gain_curve", network.gain_curve.clone())
        self.register_buffer("centres_hz", network.centres_hz.clone())
        self.register_buffer("hertz", network.hertz.clone())
        self.register_buffer("noise", torch.view_as_real(network.noise).clone())  # (LINES, hops, 2)
        self.register_buffer("cutoff_hz", torch.full((1,), float(BAND)))
        self.input_rate, self.output_rate = network.input_rate, network.output_rate

    @torch.jit.export
    def metadata(self) -> dict[str, int]:
        """Tell what a host must know, in Hz and frames; docs/torchscript.md explains each."""
        return {
            "input_rate": self.input_rate,
            "output_rate": self.output_rate,
            "look_ahead": LOOK_AHEAD,
            "tail": TAIL,
            "hop": HOP,
            "memory": MEMORY,
            "edge": EDGE,
            "offset": OFFSET,
            "band": BAND,
            "linked_channels": 1,
        }

    @torch.jit.export
    def initial_state(self, batch: int) -> list[Tensor]:
        """State before the first frame, for `batch` channels.

        Returns
        -------
        list of Tensor
            Last hop of the input; second half of the last frame's change; leaky sums of shape, level and
            activity; number of the next hop; past hops of each block.
        """
        audio = self.window.new_zeros(batch, HOP)
        sums = self.window.new_zeros(batch, self.centres_hz.shape[0] + 2)
        past = [self.window.new_zeros(batch, CHANNELS, KERNEL - 1) for _ in self.blocks]
        return [audio, audio, sums, torch.zeros(1, dtype=torch.long), *past]

    def forward(self, audio: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Take (batch, 1, hops * HOP) at 48 kHz; give as many frames, one hop late.

        The first hop of a stream gives none.
        """
        padded = torch.cat([state[0], audio[:, 0]], -1)
        change, kept = self._change(padded, state)
        first, second = change[..., :HOP], change[..., HOP:]
        late = torch.cat([state[1][:, None], second[:, :-1]], 1)
        output = padded[:, :-HOP] + (late + first).flatten(1)
        started = bool(state[3] > 0)
        state = [padded[:, -HOP:], second[:, -1], *kept]
        return output[:, None, 0 if started else HOP :], state

    @torch.jit.export
    def flush(self, state: list[Tensor]) -> Tensor:
        """Give the last frames: (batch, 1, TAIL)."""
        return self.forward(state[0].new_zeros(state[0].shape[0], 1, HOP), state)[0]

    def _change(self, padded: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Give what each frame adds to the audio, (batch, hops, FFT), and the state behind it."""
        spectrum = self._spectrum(padded)
        power = _power_of(spectrum)
        features, level, sums = self._features(power, state[2])
        x = self.enter(features)
        kept = [sums, state[3] + spectrum.shape[-1]]
        for number, block in enumerate(self.blocks):
            x, past = block(x, state[4 + number])
            kept.append(past)
        gains = self.leave(self.norm(x.transpose(1, 2))).transpose(1, 2)
        hops = (state[3] + torch.arange(spectrum.shape[-1])) % NOISE_FRAMES
        noise = torch.view_as_complex(self.noise[:, hops].contiguous())
        voiced, hiss = gains[:, :GAIN_BANDS] + level / 2, gains[:, GAIN_BANDS:] + level / 2
        upper = _whitened(self._spectrum(padded.relu())) * self._curve(voiced)
        upper = upper + noise[None] * self._curve(hiss)
        start = CROSSOVER_START * self.cutoff_hz
        share = (self.hertz[:, None] - start) / (CROSSOVER_LINES * LINE_HZ) + 0.5
        changed = share.clamp(0, 1) * (upper - spectrum)
        pieces = torch.fft.irfft(changed.transpose(1, 2), FFT) * self.window
        changes = (power.sum(1)[..., None] > 0) & (self.cutoff_hz < FULL_BAND_HZ)
        return torch.where(changes, pieces, torch.zeros_like(pieces)), kept

    def _spectrum(self, audio: Tensor) -> Tensor:
        return torch.fft.rfft(audio.unfold(-1, FFT, HOP) * self.window).transpose(1, 2)

    def _curve(self, gains: Tensor) -> Tensor:
        curve = torch.matmul(self.gain_curve.t(), gains)
        return torch.exp(curve.clamp(LOWEST_GAIN, HIGHEST_GAIN))

    def _features(self, power: Tensor, sums: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logs = torch.log(torch.matmul(self.input_bands, power) + POWER_FLOOR)
        level = logs[:, :LEVEL_BANDS].mean(1, keepdim=True)
        shape = logs - level
        activity = torch.sigmoid(level - ACTIVE_LEVEL)
        averages, sums = _leaky_sums(
            torch.cat([shape, level, torch.ones_like(level)], 1) * activity, sums
        )
        weight = averages[:, -1:] + 1e-2
        mean_shape, mean_level = averages[:, :-2] / weight, averages[:, -2:-1] / weight
        present = torch.sigmoid((0.93 * self.cutoff_hz - self.centres_hz[:, None]) / 80.0)
        cutoff = torch.log(self.cutoff_hz / 8_000).expand_as(level)
        parts = [
            present * shape / 4,
            level / 6 + 1,
            cutoff,
            present * mean_shape / 4,
            (level - mean_level) / 6,
        ]
        return torch.cat(parts, 1), level, sums


class _StreamingBlock(nn.Module):
    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        assert isinstance(block, Block)
        self.depthwise, self.norm = block.depthwise, block.norm
        self.widen, self.narrow, self.scale = block.widen, block.narrow, block.scale

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.cat([past, x], -1)
        y = self.norm(self.depthwise(rows).transpose(1, 2))
        y = self.narrow(F.gelu(self.widen(y), approximate="tanh")) * self.scale
        return x + y.transpose(1, 2), rows[..., -(KERNEL - 1) :]


def _power_of(spectrum: Tensor) -> Tensor:
    return torch.view_as_real(spectrum).square().sum(-1)


def _whitened(spectrum: Tensor) -> Tensor:
    sides = WHITENING_LINES // 2
    power = F.pad(_power_of(spectrum).transpose(1, 2), (sides, sides), mode="replicate")
    smooth = F.avg_pool1d(power, WHITENING_LINES, 1).transpose(1, 2)
    return spectrum * torch.rsqrt(smooth + WHITENING_FLOOR)


def _leaky_sums(x: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """Sum (batch, values, hops) over the hops so far, and give the sums after the last one."""
    sums: list[Tensor] = []
    for hop in range(x.shape[-1]):
        before = DECAY * before + x[..., hop]
        sums.append(before)
    return torch.stack(sums, -1), before
