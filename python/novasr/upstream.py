"""Upstream NovaSR's class, so that its users switch by changing one import."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from novasr.weights.load import load_model
from novasr.weights.torch_runtime import require_torch

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


class FastSR:
    """``NovaSR.FastSR`` with the same surface and weights, on the CPU or a CUDA device.

    Parameters
    ----------
    ckpt_path : str or path, optional
        Weights; upstream's v1 by default, as upstream.
    half : bool
        Compute in float16; on a CPU that is slower than float32.
    """

    def __init__(self, ckpt_path: str | Path | None = None, half: bool = False) -> None:
        torch = require_torch()
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.half = half
        dtype = torch.float16 if half else torch.float32
        self.model = load_model("v1" if ckpt_path is None else ckpt_path).to(self.device, dtype)

    def load_audio(self, audio_file: str | Path) -> Tensor:
        """Read the first channel of a file at 16 kHz.

        Returns
        -------
        Tensor, shape (1, 1, frames)
            Resampled as upstream does it (torchaudio's kaiser_window), ready for :meth:`infer`.
        """
        import soundfile
        import torch

        from novasr.families.novasr import TASK

        audio, rate = soundfile.read(audio_file, dtype="float32", always_2d=True)
        low = _resample_kaiser(torch.from_numpy(audio[:, 0].copy()), rate, TASK.low_hz)
        return low[None, None].to(self.device, torch.float16 if self.half else torch.float32)

    def infer(self, lowres_wav: Tensor) -> Tensor:
        """Extend 16 kHz audio of shape (1, 1, frames) to 48 kHz of shape (1, 3 * frames - 4)."""
        import torch

        with torch.inference_mode():
            output: Tensor = self.model(lowres_wav).squeeze(0)
            return output


def _resample_kaiser(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """``torchaudio.functional.resample(..., resampling_method="kaiser_window")`` with its defaults.

    A windowed sinc of 6 zero crossings, roll-off 0.99, Kaiser beta 14.77 (torchaudio documentation,
    "Audio Resampling"): (frames,) to (ceil(frames * new_rate / rate),).
    """
    import torch

    if rate == new_rate:
        return audio
    zero_crossings, rolloff, beta = 6, 0.99, 14.769656459379492
    common = math.gcd(rate, new_rate)
    old, new = rate // common, new_rate // common
    cutoff = min(old, new) * rolloff
    width = math.ceil(zero_crossings * old / cutoff)
    taps = torch.arange(-width, width + old, dtype=torch.float64) / old  # in input periods
    phases = -torch.arange(new, dtype=torch.float64)[:, None] / new
    t = ((taps + phases) * cutoff).clamp(-zero_crossings, zero_crossings)
    window = torch.i0(beta * torch.sqrt(1 - (t / zero_crossings) ** 2)) / torch.i0(
        torch.tensor(beta)
    )
    kernel = torch.special.sinc(t) * window * cutoff / old  # (new, taps)
    padded = torch.nn.functional.pad(audio[None, None], (width, width + old))
    resampled = torch.nn.functional.conv1d(padded, kernel.to(audio.dtype)[:, None], stride=old)
    return resampled[0].t().flatten()[: math.ceil(new * audio.shape[0] / old)]
