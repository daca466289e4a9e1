"""The network: excitation times a smooth envelope above the cut-off, 48 kHz in and out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from novasr.families.wide import bands
from novasr.families.wide.architecture import (
    ACTIVE_LEVEL,
    AVERAGE_SECONDS,
    BLOCKS,
    CHANNELS,
    CROSSOVER_LINES,
    CROSSOVER_START,
    EXCITATIONS,
    EXPANSION,
    FFT,
    GAIN_BANDS,
    HIGHEST_GAIN,
    HOP,
    INPUT_BANDS,
    KERNEL,
    LEVEL_BANDS,
    LINE_HZ,
    LINE_POWER_FLOOR,
    LOWEST_GAIN,
    NOISE_FRAMES,
    POWER_FLOOR,
    RATE_HZ,
    WHITENING_FLOOR,
    WHITENING_LINES,
)

if TYPE_CHECKING:
    from novasr.types import FloatArray

GRU_CHANNELS, GRU_LAYERS = 208, 2


class WideNetwork(nn.Module):
    """Gains for two excitations in ERB bands, from the spectrum's past, a leaky average of it, and its tonality.

    A frame's spectrum is replaced above the cut-off by the half-wave rectified input, whose harmonics line up
    with the pitch, and by noise. Both are whitened and multiplied by gains that a stack of causal
    ConvNeXt blocks (Z. Liu et al., CVPR 2022) predicts; `cell` "gru" puts recurrent layers in their place.
    """

    window: Tensor
    input_bands: Tensor
    gain_curve: Tensor
    centres_hz: Tensor
    hertz: Tensor
    noise: Tensor
    input_rate = RATE_HZ
    output_rate = RATE_HZ

    def __init__(self, cell: str = "conv") -> None:
        super().__init__()
        self.variant = "" if cell == "conv" else cell
        self.enter = nn.Conv1d(3 * INPUT_BANDS + 3, CHANNELS, 1)
        self.blocks = nn.ModuleList(
            [Recurrence()] if cell == "gru" else (Block() for _ in range(BLOCKS))
        )
        self.norm = nn.LayerNorm(CHANNELS)
        self.leave = nn.Linear(CHANNELS, EXCITATIONS * GAIN_BANDS)
        self._store("window", bands.window())
        self._store("input_bands", bands.input_bands())
        self._store("gain_curve", bands.gain_curve())
        self._store("centres_hz", bands.input_centres_hz())
        self._store("hertz", bands.line_hz())
        self._store("noise", bands.noise_spectra().transpose(1, 0, 2))  # (LINES, NOISE_FRAMES, 2)

    def forward(self, audio: Tensor, cutoffs_hz: Tensor, first_noise: int = 0) -> Tensor:
        """Extend whole recordings.

        Parameters
        ----------
        audio : Tensor, shape (batch, 1, frames)
            48 kHz, full scale at 1.0.
        cutoffs_hz : Tensor, shape (batch,) or (batch, hops)
            Where the band ends, for each clip or for each hop of 256 frames.
        first_noise : int
            Number of the hop of noise with which the first one begins; 0 is what the engines do.

        Returns
        -------
        Tensor, shape (batch, 1, frames)
            48 kHz: the input, with its band extended.
        """
        frames = audio.shape[-1]
        padded = F.pad(audio[:, 0], (FFT - HOP, FFT - HOP + -frames % HOP))
        spectrum = self.spectrum(padded)
        cutoffs = cutoffs_hz[:, None, None] if cutoffs_hz.dim() == 1 else cutoffs_hz[:, None]
        features, level = self.features(spectrum, cutoffs)
        x = self.enter(features)
        for block in self.blocks:
            x = block(x)
        gains = self.leave(self.norm(x.transpose(1, 2))).transpose(1, 2)
        hops = torch.arange(first_noise, first_noise + spectrum.shape[-1]) % NOISE_FRAMES
        excitations = (
            whitened(self.spectrum(padded.relu())),
            torch.view_as_complex(self.noise[None, :, hops].contiguous()),
        )
        upper = self.upper_band(spectrum, excitations, gains, level)
        share = (self.hertz[:, None] - CROSSOVER_START * cutoffs) / (
            CROSSOVER_LINES * LINE_HZ
        ) + 0.5
        return audio + self.overlap_add(share.clamp(0, 1) * (upper - spectrum))[:, None, :frames]

    def spectrum(self, audio: Tensor) -> Tensor:
        """Give the spectra of (batch, frames): complex (batch, LINES, hops)."""
        spectra: Tensor = torch.fft.rfft(audio.unfold(-1, FFT, HOP) * self.window)
        return spectra.transpose(1, 2)

    def overlap_add(self, spectrum: Tensor) -> Tensor:
        """Give the audio of spectra, from the second hop of the first frame on: (batch, frames)."""
        pieces: Tensor = torch.fft.irfft(spectrum.transpose(1, 2), FFT) * self.window
        first, second = pieces[..., :HOP], pieces[..., HOP:]
        return (second[:, :-1] + first[:, 1:]).flatten(1)

    def features(self, spectrum: Tensor, cutoffs_hz: Tensor) -> tuple[Tensor, Tensor]:
        """Describe each frame, and give its level: (batch, features, hops), (batch, 1, hops).

        Levels are relative to that one; a band's tonality is the negative logarithm of its spectral flatness.
        """
        power = power_of(spectrum)
        mean = torch.einsum("bk,nkt->nbt", self.input_bands, power)
        logs = torch.log(mean + POWER_FLOOR)
        level = logs[:, :LEVEL_BANDS].mean(1, keepdim=True)
        shape = logs - level
        activity = torch.sigmoid(level - ACTIVE_LEVEL)
        weight = leaky_sum(activity) + 1e-2
        mean_shape = leaky_sum(shape * activity) / weight
        mean_level = leaky_sum(level * activity) / weight
        lines = torch.einsum("bk,nkt->nbt", self.input_bands, torch.log(power + LINE_POWER_FLOOR))
        tonality = torch.log(mean + LINE_POWER_FLOOR) - lines
        present = torch.sigmoid((0.93 * cutoffs_hz - self.centres_hz[:, None]) / 80.0)
        cutoff = torch.log(cutoffs_hz / 8_000).expand_as(level)
        parts = (
            present * shape / 4,
            level / 6 + 1,
            cutoff,
            present * mean_shape / 4,
            (level - mean_level) / 6,
            present * tonality / 2,
        )
        return torch.cat(parts, 1), level

    def upper_band(
        self, spectrum: Tensor, excitations: tuple[Tensor, Tensor], gains: Tensor, level: Tensor
    ) -> Tensor:
        """Shape the excitations."""
        total = torch.zeros_like(spectrum)
        for excitation, bands_of_it in zip(
            excitations, torch.split(gains, GAIN_BANDS, 1), strict=True
        ):
            curve = torch.einsum("bk,nbt->nkt", self.gain_curve, bands_of_it + level / 2)
            total = total + excitation * torch.exp(curve.clamp(LOWEST_GAIN, HIGHEST_GAIN))
        return total

    def _store(self, name: str, table: FloatArray) -> None:
        values = torch.from_numpy(np.ascontiguousarray(table))
        self.register_buffer(name, values, persistent=False)


class Recurrence(nn.Module):
    """Gated recurrent units (K. Cho et al., EMNLP 2014), as many values as the blocks have: for comparison."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.GRU(CHANNELS, GRU_CHANNELS, GRU_LAYERS, batch_first=True)
        self.narrow = nn.Linear(GRU_CHANNELS, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, CHANNELS, hops) to the same shape."""
        y: Tensor = self.narrow(self.cells(x.transpose(1, 2))[0])
        return x + y.transpose(1, 2)


class Block(nn.Module):
    """A causal ConvNeXt block."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(CHANNELS, CHANNELS, KERNEL, groups=CHANNELS)
        self.norm = nn.LayerNorm(CHANNELS)
        self.widen = nn.Linear(CHANNELS, EXPANSION * CHANNELS)
        self.narrow = nn.Linear(EXPANSION * CHANNELS, CHANNELS)
        self.scale = nn.Parameter(torch.full((CHANNELS,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, CHANNELS, hops) to the same shape."""
        y: Tensor = self.depthwise(F.pad(x, (KERNEL - 1, 0))).transpose(1, 2)
        y = self.narrow(F.gelu(self.widen(self.norm(y)), approximate="tanh")) * self.scale
        return x + y.transpose(1, 2)


def power_of(spectrum: Tensor) -> Tensor:
    """Give the power of each line."""
    return torch.view_as_real(spectrum).square().sum(-1)


def whitened(spectrum: Tensor) -> Tensor:
    """Divide by the root of the power around each line."""
    sides = WHITENING_LINES // 2
    power = F.pad(power_of(spectrum).transpose(1, 2), (sides, sides), mode="replicate")
    smooth = F.avg_pool1d(power, WHITENING_LINES, 1).transpose(1, 2)
    return spectrum * torch.rsqrt(smooth + WHITENING_FLOOR)


def leaky_sum(x: Tensor) -> Tensor:
    """Sum over the hops so far, each weighted with an exponential of its age."""
    hops = x.shape[-1]
    ages = torch.arange(hops, dtype=x.dtype, device=x.device)
    decay = torch.exp(-ages * (HOP / RATE_HZ / AVERAGE_SECONDS))
    spectra = (torch.fft.rfft(values, n=2 * hops) for values in (x, decay))
    sums: Tensor = torch.fft.irfft(math.prod(spectra), n=2 * hops)
    return sums[..., :hops]
