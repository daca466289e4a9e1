"""Upstream's recorded outputs, and how far ours are from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

GOLDEN_SIGNALS = (
    "clipped",
    "dc_full_scale",
    "impulse",
    "silence",
    "speech_1",
    "speech_2",
    "speech_3",
    "sweep_2s",
    "white_noise_1s",
)


def golden_pairs(folder: Path, name: str, version: str):
    """Yield (input at 16 kHz, upstream's output in float64 stored as float32)."""
    with np.load(folder / "golden" / f"{name}.npz") as archive:
        if "input_16k" in archive:
            yield archive["input_16k"], archive[f"out_{version}"]
            return
        for key in archive:
            if key.startswith("in_"):
                yield archive[key], archive[f"out_{version}_{key.removeprefix('in_')}"]


def error_against(output: np.ndarray, golden: np.ndarray) -> tuple[float, float]:
    """Largest error, and signal to error in dB."""
    assert output.shape == golden.shape
    error = output.astype(np.float64) - golden
    power = np.sum(np.square(golden, dtype=np.float64))
    return np.abs(error).max(), 10 * np.log10(power / max(np.sum(error**2), 1e-300))
