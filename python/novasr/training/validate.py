"""The log-spectral distance of a network on recordings held out from training."""

from __future__ import annotations

from collections.abc import Sequence

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

_FFT, _HOP = 2048, 512
_LONGEST_SECONDS = 4
_MOST_RECORDINGS = 32


class Validation:
    """Holds the recordings at both rates, downsampled by soxr's VHQ."""

    def __init__(
        self, recordings: Sequence[Recording], recipe: Recipe, device: str, left_out: LeftOut
    ) -> None:
        family = in_torch(recipe.family)
        task = family.TASK
        self.forward, self.rate_hz = forward_of(family), task.high_hz
        self.pairs: list[tuple[Tensor, Tensor, Tensor]] = []
        long_enough = [
            recording for recording in recordings if recording.seconds * task.high_hz >= 2 * _FFT
        ]
        for recording in long_enough[:: -(-len(long_enough) // _MOST_RECORDINGS) or 1]:
            try:
                high = load_audio(recording.path, task.high_hz)[: _LONGEST_SECONDS * task.high_hz]
            except NovasrError as error:
                left_out.add(error)
                continue
            frames = len(high) // task.ratio
            high = high[: frames * task.ratio]
            low = soxr.resample(high, task.high_hz, task.low_hz, quality="VHQ")[:frames]
            a, b = (torch.from_numpy(audio)[None, None].to(device) for audio in (low, high))
            self.pairs.append((a, b, torch.tensor([recording.bandwidth_hz], device=device)))

    @torch.no_grad()
    def lsd(self, network: Module) -> float | None:
        """Average over the recordings, None if there are none."""
        if not self.pairs:
            return None
        distances = []
        for low, high, band in self.pairs:
            estimate = self._run(network, low, high)
            a, b = (_spectrum(audio) for audio in (estimate, high))
            distances.append(log_spectral_distance(a, b, band_mask(band, _FFT, self.rate_hz)))
        return float(torch.stack(distances).mean())

    @torch.no_grad()
    def examples(self, network: Module) -> list[tuple[Tensor, Tensor]]:
        """Output and recording, (frames,) at the high rate each, of the first few."""
        return [
            (self._run(network, low, high)[0, 0].cpu(), high[0, 0].cpu())
            for low, high, _ in self.pairs[:3]
        ]

    def _run(self, network: Module, low: Tensor, high: Tensor) -> Tensor:
        """Zero-pad the output to the length of `high`: it may end earlier."""
        output = self.forward(network, low)
        return F.pad(output, (0, high.shape[-1] - output.shape[-1]))


def _spectrum(audio: Tensor) -> Tensor:
    window = torch.hann_window(_FFT, device=audio.device)
    return torch.stft(audio[:, 0], _FFT, _HOP, window=window, return_complex=True).abs().square()
