"""Audio as frames of band levels, and new levels as audio.

Frame n is made of two spectra, centred on samples 512 n and 512 n + 256. What lies outside of the audio is silence.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from novasr.families.studio import bands
from novasr.families.studio.architecture import (
    CROSSOVER_HZ,
    CROSSOVER_START,
    FFT,
    FRAME,
    HIGHEST_GAIN,
    HOP,
    HOPS,
    LINE_HZ,
    LINES,
    LOUDEST,
    LOWEST_GAIN,
    POWER_FLOOR,
)


class Levels(NamedTuple):
    """Natural logarithms of power.

    Attributes
    ----------
    high : Tensor, shape (batch, HIGH_BANDS, frames)
        Means of the lines' logarithms, smoothed over neighbouring bands: the envelope without the noise in it, which
        the first guess has of its own.
    low : Tensor, shape (batch, LOW_BANDS, frames)
        Logarithms of the lines' mean power.
    """

    high: Tensor
    low: Tensor


class Frames(nn.Module):
    """Analysis and synthesis; no weights."""

    window: Tensor
    high_bands: Tensor
    low_bands: Tensor
    gain_curve: Tensor
    kernel: Tensor
    hertz: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, table in (
            ("window", bands.analysis_window()),
            ("high_bands", bands.high_bands()),
            ("low_bands", bands.low_bands()),
            ("gain_curve", bands.gain_curve()),
            ("kernel", bands.smoothing()),
        ):
            self.register_buffer(name, torch.from_numpy(table), persistent=False)
        hertz = torch.arange(LINES) * LINE_HZ
        self.register_buffer("hertz", hertz, persistent=False)

    def levels(self, audio: Tensor) -> Levels:
        """Give the band levels of (batch, frames * FRAME) samples."""
        power = torch.view_as_real(self._spectrum(audio)).square().sum(-1)
        lines = torch.log(power + POWER_FLOOR)
        high = torch.einsum("bk,nkt->nbt", self.high_bands, lines)
        mean = torch.einsum("bk,nkt->nbt", self.low_bands, power)
        low = torch.log(mean + POWER_FLOOR)
        return Levels(self._smoothed(_pooled(high)), _pooled(low))

    def shaped(self, audio: Tensor, change: Tensor, cutoffs_hz: Tensor) -> Tensor:
        """Change the levels of the bands above the cut-off; what is below stays.

        Parameters
        ----------
        audio : Tensor, shape (batch, frames * FRAME)
            48 kHz, its band extended.
        change : Tensor, shape (batch, HIGH_BANDS, frames)
            Natural logarithms of power to add.
        cutoffs_hz : Tensor, shape (batch, frames)
            Where the input's own band ends.

        Returns
        -------
        Tensor, shape (batch, frames * FRAME)
            At 48 kHz.
        """
        spectrum = self._spectrum(audio)
        gains = _between_frames((change / 2).clamp(LOWEST_GAIN, HIGHEST_GAIN))
        cutoffs = _between_frames(cutoffs_hz[:, None])
        share = (self.hertz[:, None] - CROSSOVER_START * cutoffs) / CROSSOVER_HZ + 0.5
        curve = torch.einsum("bk,nbt->nkt", self.gain_curve, gains)
        added = spectrum * share.clamp(0, 1) * torch.expm1(curve)
        return audio + self._audio(added)

    def _smoothed(self, levels: Tensor) -> Tensor:
        reach = len(self.kernel) // 2
        padded = F.pad(levels[:, None], (0, 0, reach, reach), mode="replicate")
        return F.conv2d(padded, self.kernel[None, None, :, None])[:, 0]

    def _spectrum(self, audio: Tensor) -> Tensor:
        """Give complex (batch, LINES, hops); hop n is centred on sample n * HOP."""
        padded = F.pad(audio.clamp(-LOUDEST, LOUDEST), (FFT // 2, FFT // 2 - HOP))
        spectra: Tensor = torch.fft.rfft(padded.unfold(-1, FFT, HOP) * self.window)
        return spectra.transpose(1, 2)

    def _audio(self, spectrum: Tensor) -> Tensor:
        """Overlap and add; the squared windows, FFT / HOP of them, add up to the same everywhere but at the ends."""
        pieces = torch.fft.irfft(spectrum.transpose(1, 2), FFT) * self.window
        batch, hops, _ = pieces.shape
        total = (hops - 1) * HOP + FFT
        audio = F.fold(pieces.transpose(1, 2), (1, total), (1, FFT), stride=(1, HOP))
        start = FFT // 2
        scale = HOP / self.window.square().sum()
        return audio.view(batch, total)[:, start : start + hops * HOP] * scale


def whole_frames(samples: int) -> int:
    """Count the samples of the fewest frames, an even number of them, that hold so many."""
    return -(-samples // (2 * FRAME)) * 2 * FRAME


def _pooled(levels: Tensor) -> Tensor:
    return levels.reshape(*levels.shape[:-1], -1, HOPS).mean(-1)


def _between_frames(values: Tensor) -> Tensor:
    """Interpolate from frames, whose centres are between their two hops, to hops: (batch, rows, HOPS * frames)."""
    return F.interpolate(values, scale_factor=HOPS, mode="linear", align_corners=False)
