"""The log-spectral distance of a network on recordings held out from training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import soxr
import torch
from torch import Tensor
from torch.nn import Module
from torch.nn import functional as F

from novasr.errors import NovasrError
from novasr.families import in_torch
from novasr.families.torch_family import forward_of
from novasr.training.clips import load_audio
from novasr.training.datasets import LeftOut, Recording
from novasr.training.losses import band_mask, log_spectral_distance
from novasr.training.recipe import Recipe

if TYPE_CHECKING:
    from novasr.families.task import Task
    from novasr.types import FloatArray

_FFT, _HOP = 2048, 512
_LONGEST_SECONDS = 4


class Validation:
    """Holds recordings, at most `most` spread evenly, at both rates, downsampled by soxr's VHQ."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        recipe: Recipe,
        device: str,
        left_out: LeftOut,
        *,
        most: int = 32,
    ) -> None:
        family = in_torch(recipe.family)
        task = family.TASK
        self.forward, self.rate_hz = forward_of(family, device), task.high_hz
        self.recordings = 0
        self.pairs: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        bands = sorted(set(recipe.degradation.common_bands_hz)) if task.any_band else [task.band_hz]
        long_enough = [
            recording for recording in recordings if recording.seconds * task.high_hz >= 2 * _FFT
        ]
        for recording in long_enough[:: -(-len(long_enough) // most) or 1]:
            try:
                high = load_audio(recording.path, task.high_hz)[: _LONGEST_SECONDS * task.high_hz]
            except NovasrError as error:
                left_out.add(error)
                continue
            high = high[: len(high) // task.ratio * task.ratio]
            self.recordings += 1
            for band_hz in bands:
                low = torch.from_numpy(band_limited(high, band_hz, task))[None, None].to(device)
                target = torch.from_numpy(high)[None, None].to(device)
                band = torch.tensor([recording.bandwidth_hz], device=device)
                self.pairs.append((low, target, band, torch.tensor([band_hz], device=device)))

    @torch.no_grad()
    def lsd(self, network: Module) -> float | None:
        """Average over the recordings, None if there are none."""
        if not self.pairs:
            return None
        distances = []
        for low, high, band, cutoff in self.pairs:
            estimate = self._run(network, low, high, cutoff)
            a, b = (_spectrum(audio) for audio in (estimate, high))
            distances.append(log_spectral_distance(a, b, band_mask(band, _FFT, self.rate_hz)))
        return float(torch.stack(distances).mean())

    @torch.no_grad()
    def examples(self, network: Module) -> list[tuple[Tensor, Tensor]]:
        """Output and recording, (frames,) at the high rate each, of the first few."""
        return [
            (self._run(network, low, high, cutoff)[0, 0].cpu(), high[0, 0].cpu())
            for low, high, _, cutoff in self.pairs[:3]
        ]

    def _run(self, network: Module, low: Tensor, high: Tensor, cutoff: Tensor) -> Tensor:
        """Zero-pad the output to the length of `high`: it may end earlier."""
        output = self.forward(network, low, cutoff)
        return F.pad(output, (0, high.shape[-1] - output.shape[-1]))


def band_limited(high: FloatArray, band_hz: float, task: Task) -> FloatArray:
    """Downsample to the low rate; to a lower band with a resampler there and back."""
    low_frames = len(high) // task.ratio
    if not task.any_band:
        low: FloatArray = soxr.resample(high, task.high_hz, task.low_hz, quality="VHQ")
        return low[:low_frames]
    narrow = soxr.resample(high, task.high_hz, round(2 * band_hz), quality="VHQ")
    low = soxr.resample(narrow, round(2 * band_hz), task.low_hz, quality="VHQ")[:low_frames]
    return np.pad(low, (0, low_frames - len(low)))


def _spectrum(audio: Tensor) -> Tensor:
    window = torch.hann_window(_FFT, device=audio.device)
    return torch.stft(audio[:, 0], _FFT, _HOP, window=window, return_complex=True).abs().square()
