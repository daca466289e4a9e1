"""The log-spectral distance of a network on recordings that it does not train on."""

from __future__ import annotations

from collections.abc import Sequence

import soxr
import torch
from torch import Tensor
from torch.nn import functional as F

from novasr.errors import NovasrError
from novasr.families.novasr import NovaSRNetwork, fast
from novasr.families.novasr.network import END_TRIM
from novasr.training.clips import load_audio
from novasr.training.datasets import Clip, LeftOut
from novasr.training.degrade import HIGH_HZ, LOW_HZ
from novasr.training.losses import band_mask, log_spectral_distance

_FFT, _HOP = 2048, 512
_LONGEST_SECONDS = 4
_MOST_CLIPS = 32


class Validation:
    """Holds the recordings at both rates; the low one comes from soxr's VHQ."""

    def __init__(self, clips: Sequence[Clip], device: str, left_out: LeftOut) -> None:
        self.pairs: list[tuple[Tensor, Tensor, Tensor]] = []
        long_enough = [clip for clip in clips if clip.seconds * HIGH_HZ >= 2 * _FFT]
        for clip in long_enough[:: -(-len(long_enough) // _MOST_CLIPS) or 1]:
            try:
                high = load_audio(clip.path)[: _LONGEST_SECONDS * HIGH_HZ]
            except NovasrError as error:
                left_out.add(error)
                continue
            high = high[: len(high) // 3 * 3]
            low = soxr.resample(high, HIGH_HZ, LOW_HZ, quality="VHQ")[: len(high) // 3]
            a, b = (torch.from_numpy(audio)[None, None].to(device) for audio in (low, high))
            self.pairs.append((a, b, torch.tensor([clip.bandwidth_hz], device=device)))

    @torch.no_grad()
    def lsd(self, network: NovaSRNetwork) -> float | None:
        """Mean over the recordings, None if there are none."""
        if not self.pairs:
            return None
        distances = []
        for low, high, band in self.pairs:
            estimate = self._run(network, low)
            a, b = (_spectrum(audio) for audio in (estimate, high))
            distances.append(log_spectral_distance(a, b, band_mask(band, _FFT)))
        return float(torch.stack(distances).mean())

    @torch.no_grad()
    def examples(self, network: NovaSRNetwork) -> list[tuple[Tensor, Tensor]]:
        """Output and recording, (frames,) at 48 kHz each, of the first few."""
        return [
            (self._run(network, low)[0, 0].cpu(), high[0, 0].cpu())
            for low, high, _ in self.pairs[:3]
        ]

    @staticmethod
    def _run(network: NovaSRNetwork, low: Tensor) -> Tensor:
        return F.pad(fast.forward(network, low), (0, END_TRIM))


def _spectrum(audio: Tensor) -> Tensor:
    window = torch.hann_window(_FFT, device=audio.device)
    return torch.stft(audio[:, 0], _FFT, _HOP, window=window, return_complex=True).abs().square()
