"""Distance between an output and its recording, within the recording's true band."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from novasr.families.task import Task
from novasr.training.recipe import Loss

POWER_FLOOR = 1e-8  # of the log-spectral distance, as in AP-BWE's evaluation (arXiv:2401.06387)
_LOW_BAND_EDGES_HZ = (0.0, 600.0, 2500.0)
_LOW_BAND_END = 0.875  # of the input's band: above lies a resampler's transition band
_OWN_BAND = 0.95  # of the cut-off: what lies below is the input's own
_QUIET = 1e-4  # power of a frame's band: noise at about -83 dBFS
_BAND_MARGIN_HZ = 300.0  # a codec's slope below the measured end of the band


@dataclass(frozen=True)
class Terms:
    """Each term before its weight, and `total`, their weighted sum."""

    total: Tensor
    log: Tensor
    convergence: Tensor
    low_band: Tensor
    waveform: Tensor


class SpectralLoss(torch.nn.Module):
    """Multi-resolution STFT loss (R. Yamamoto et al., Parallel WaveGAN, ICASSP 2020) with LSD as its log term.

    At 2,048 points the log term is the log-spectral distance: the root mean square over frequency of the
    difference in log10 power, averaged over frames. Other sizes resolve shorter or longer events.
    """

    def __init__(self, weights: Loss, task: Task) -> None:
        super().__init__()
        self.weights, self.task = weights, task
        for size in weights.fft_sizes:
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)

    def forward(
        self,
        estimate: Tensor,
        target: Tensor,
        bandwidths_hz: Tensor,
        cutoffs_hz: Tensor | None = None,
    ) -> Terms:
        """Compare (clips, 1, frames) with (clips, 1, frames).

        `bandwidths_hz`, of shape (clips,), is where the targets' bands end, `cutoffs_hz` where the inputs' do: a
        family that takes any band keeps the input's own below, so that its log term is for the rest.
        """
        zero = estimate.new_zeros(())
        log, convergence, low_band, weighted = zero, zero, zero, zero
        for size, weight in zip(self.weights.fft_sizes, self.weights.log_weights, strict=True):
            a, b = (self.spectrum(x, size) for x in (estimate, target))  # (B, bins, frames, 2)
            mask = band_mask(bandwidths_hz, size, self.task.high_hz)  # (B, bins, 1)
            if self.task.any_band and cutoffs_hz is not None:
                mask = mask * above(_OWN_BAND * cutoffs_hz, size, self.task.high_hz)
            power_a, power_b = (x.square().sum(-1) for x in (a, b))  # (B, bins, frames)
            distance = log_spectral_distance(power_a, power_b, mask)
            weighted = weighted + weight * distance
            log = log + distance / len(self.weights.fft_sizes)
            reference = len(self.weights.fft_sizes) * (_root(power_b * mask) + 1e-3)
            smaller = (power_a + 1e-12).sqrt() - (power_b + 1e-12).sqrt()
            convergence = convergence + _root(smaller.square() * mask) / reference
            if size == max(self.weights.fft_sizes) and not self.task.any_band:
                low_band = low_band_error(a, b, self.task)
        waveform = F.l1_loss(estimate, target)
        total = (
            weighted
            + self.weights.convergence * convergence
            + self.weights.low_band * low_band
            + self.weights.waveform * waveform
        )
        return Terms(total, log, convergence, low_band, waveform)

    def spectrum(self, audio: Tensor, size: int) -> Tensor:
        """STFT of (clips, 1, frames), 75 % overlap: (clips, bins, frames, 2)."""
        window = self.get_buffer(f"window_{size}")
        return torch.view_as_real(
            torch.stft(audio[:, 0], size, size // 4, window=window, return_complex=True)
        )


def band_mask(bandwidths_hz: Tensor, size: int, rate_hz: int) -> Tensor:
    """1 for bins within the recording's true band, 0 above: (clips, bins, 1)."""
    hertz = torch.arange(size // 2 + 1, device=bandwidths_hz.device) * (rate_hz / size)
    end = bandwidths_hz[:, None] - _BAND_MARGIN_HZ
    return (hertz <= end.clamp(max=rate_hz / 2)).to(torch.float32)[..., None]


def above(lowest_hz: Tensor, size: int, rate_hz: int) -> Tensor:
    """1 for bins from `lowest_hz` on: (clips, bins, 1)."""
    hertz = torch.arange(size // 2 + 1, device=lowest_hz.device) * (rate_hz / size)
    return (hertz >= lowest_hz[:, None]).to(torch.float32)[..., None]


def log_spectral_distance(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """LSD of two power spectra (clips, bins, frames) over the bins of the mask: a scalar."""
    log_a, log_b = (torch.log10(power.clamp(min=POWER_FLOOR)) for power in (a, b))
    per_frame = ((log_a - log_b) * mask).square().sum(1) / mask.sum(1).clamp(min=1)
    return (per_frame + 1e-6).sqrt().mean()


def low_band_error(a: Tensor, b: Tensor, task: Task) -> Tensor:
    """Mean log10 relative error power per frame and band, over three bands within the input's own.

    Both are (clips, bins, frames, 2); phase counts. An absolute distance would neglect quiet frames and
    leave pitch errors of several cents.
    """
    hertz_a_bin = task.high_hz / (2 * (a.shape[1] - 1))
    edges_hz = (*_LOW_BAND_EDGES_HZ, _LOW_BAND_END * task.band_hz)
    edges = [round(hertz / hertz_a_bin) for hertz in edges_hz]
    ratios = []
    for first, last in pairwise(edges):
        error = (a[:, first:last] - b[:, first:last]).square().sum((1, 3))  # (clips, frames)
        present = b[:, first:last].square().sum((1, 3))
        ratios.append(torch.log10((error + _QUIET) / (present + _QUIET)))
    return torch.stack(ratios).mean()


def _root(squares: Tensor) -> Tensor:
    return (squares.sum() + 1e-12).sqrt()
