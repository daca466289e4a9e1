"""How close the synthesis of the model `wide` could come with each excitation, if it knew the true envelope.

    python bench/excitations.py FOLDER... [--band 8] [--limit N]

Each recording at 48 kHz is resampled to twice the band. Above the band each excitation, whitened as in the network, is
shaped by the power of the recording itself in the network's bands; what lies below stays. `none` shapes nothing: silence
above the band. The score is the log-spectral distance above the band, up to the recording's own, by class.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

import novasr
from novasr.evaluation.metrics import lsd
from novasr.families import in_torch
from novasr.families.wide.architecture import FFT, HOP, RATE_HZ
from novasr.families.wide.bands import repeating_noise
from novasr.families.wide.network import WideNetwork, power_of, whitened
from novasr.training.clips import load_audio
from novasr.training.datasets import read_recordings
from novasr.types import FloatArray

Excitation = Callable[[FloatArray, FloatArray, int], FloatArray]  # low, low at 48 kHz, its rate


def folded(low: FloatArray, high: FloatArray, rate_hz: int) -> FloatArray:
    """Mirror the band at each multiple of half the low rate: zeros between the samples."""
    count = round(RATE_HZ / rate_hz)
    audio = np.zeros(count * len(low) + len(high), np.float32)
    audio[: count * len(low) : count] = low
    return audio[: len(high)]


def extended(low: FloatArray, high: FloatArray, rate_hz: int) -> FloatArray:
    """Give the output of the model `base`."""
    audio = np.asarray(novasr.enhance(low, rate_hz, mode="extend", force=True), np.float32)
    return np.pad(audio.reshape(-1), (0, len(high)))[: len(high)]


EXCITATIONS: dict[str, Excitation] = {
    "none": lambda low, high, rate_hz: np.zeros_like(high),
    "noise": lambda low, high, rate_hz: repeating_noise(len(high)),
    "half-wave rectified": lambda low, high, rate_hz: np.maximum(high, 0),
    "absolute value": lambda low, high, rate_hz: np.abs(high),
    "spectrally folded": folded,
    "output of base": extended,
}


def shaped(
    network: WideNetwork,
    high: FloatArray,
    excitation: FloatArray,
    truth: FloatArray,
    band_hz: float,
) -> FloatArray:
    """Replace what lies above the band by the excitation with the envelope of the truth."""
    upper, spectrum, wanted = (
        network.spectrum(torch.nn.functional.pad(torch.from_numpy(audio)[None], (FFT - HOP, FFT)))
        for audio in (excitation, high, truth)
    )
    curve = network.gain_curve
    upper = whitened(upper)
    envelope = _interpolated(curve, power_of(wanted)) / _interpolated(curve, power_of(upper))
    above = (network.hertz >= 0.97 * band_hz).float()[:, None]
    mixed = spectrum + above * (upper * envelope.sqrt() - spectrum)
    return network.overlap_add(mixed)[0, : len(high)].numpy()


def _interpolated(curve: Tensor, power: Tensor) -> Tensor:
    means = torch.einsum("bk,nkt->nbt", curve / curve.sum(1, keepdim=True), power) + 1e-12
    return torch.exp(torch.einsum("bk,nbt->nkt", curve, means.log()))


def main() -> None:
    """Score all excitations and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--band", type=float, default=8.0, help="in kHz")
    parser.add_argument("--limit", type=int, help="recordings of each folder")
    options = parser.parse_args()
    network, task = WideNetwork(), in_torch("wide").TASK
    band_hz, rate_hz = 1_000 * options.band, round(2_000 * options.band)
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    for folder in options.folders:
        for recording in read_recordings(folder)[: options.limit]:
            if recording.bandwidth_hz < band_hz + 1_000:
                continue
            truth = load_audio(recording.path, RATE_HZ)
            low = soxr.resample(truth, RATE_HZ, rate_hz, quality="VHQ")
            high = soxr.resample(low, rate_hz, RATE_HZ, quality="VHQ")
            high = np.pad(high, (0, len(truth)))[: len(truth)].astype(np.float32)
            for name, excitation in EXCITATIONS.items():
                with torch.no_grad():
                    output = shaped(network, high, excitation(low, high, rate_hz), truth, band_hz)
                found = lsd(
                    truth, output, task, from_hz=band_hz, bandwidth_hz=recording.bandwidth_hz
                )
                scores[recording.kind, name].append(found["lsd"])
    kinds = sorted({kind for kind, _ in scores})
    counts = {kind: len(scores[kind, "noise"]) for kind in kinds}
    print("| excitation | " + " | ".join(f"{kind} ({counts[kind]})" for kind in kinds) + " |")
    print("|---|" + "---:|" * len(kinds))
    for name in EXCITATIONS:
        cells = (f"{np.mean(scores[kind, name]):.2f}" for kind in kinds)
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
