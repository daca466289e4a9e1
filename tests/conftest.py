"""What several test files need: the shared material, and signals."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(os.environ.get("NOVASR_SHARED", Path(__file__).resolve().parents[2] / "shared"))

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


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with upstream's weights and its outputs; they are not part of the project."""
    if not (SHARED / "golden").is_dir():
        pytest.skip(f"upstream's weights and golden outputs are not at {SHARED} (NOVASR_SHARED)")
    return SHARED


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


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
