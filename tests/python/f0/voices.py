"""Voices whose F0 is known: tones with harmonics, and speech that bench/f0.py resynthesises."""

from __future__ import annotations

import sys
from importlib import util
from pathlib import Path
from types import ModuleType

import needs
import numpy as np

REMEDY = "pip install 'novasr[f0,praat]'"


def require(method: str) -> None:
    """See that what the method imports is there."""
    wanted = {
        "harvest": ["pyworld"],
        "dio": ["pyworld"],
        "crepe": ["torch"],
        "pyin": ["librosa"],
        "praat": ["parselmouth"],
        "hybrid": ["pyworld", "torch", "librosa"],
    }
    for name in wanted[method]:
        needs.package(name, REMEDY)
    if "torch" in wanted[method] and util.find_spec("torchcrepe") is None:
        needs.missing(f"torchcrepe is not installed: {REMEDY}")


def voice(hertz: np.ndarray, rate: float) -> np.ndarray:
    """Sound twenty harmonics, as far as the rate allows, with the roll-off of a voice; F0 of each sample."""
    phase = 2 * np.pi * np.cumsum(hertz) / rate
    audio = np.zeros(len(hertz))
    for number in range(1, 21):
        audio += np.where(number * hertz < 0.45 * rate, np.sin(number * phase + number) / number, 0)
    return 0.2 * audio


def glide(rng: np.random.Generator, rate: float, seconds: float = 1.0) -> np.ndarray:
    """Draw a path from 90 to 400 Hz that moves up to an octave in a second, with vibrato or without."""
    time = np.arange(round(seconds * rate)) / rate
    start = rng.uniform(np.log2(110), np.log2(330))
    vibrato = rng.uniform(0, 0.03) * np.sin(2 * np.pi * rng.uniform(4, 6) * time)
    octaves = start + rng.uniform(-1, 1) * time + vibrato
    return 2 ** np.clip(octaves, np.log2(90), np.log2(400))


def at_times(hertz: np.ndarray, rate: float, count: int, period_ms: float = 10.0) -> np.ndarray:
    """Read the path where a track has its values."""
    return np.interp(np.arange(count) * period_ms / 1000, np.arange(len(hertz)) / rate, hertz)


def cents(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return 1200 * np.log2(found / truth)


def benchmark() -> ModuleType:
    """Import bench/f0.py."""
    needs.package("pyworld", REMEDY)
    path = Path(__file__).parents[3] / "bench" / "f0.py"
    spec = util.spec_from_file_location("bench_f0", path)
    module = util.module_from_spec(spec)
    sys.modules["bench_f0"] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module
