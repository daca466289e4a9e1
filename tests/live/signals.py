"""Signals for live tests."""

from __future__ import annotations

import numpy as np


def speech_like(seconds: float, rate: int) -> np.ndarray:
    """A gliding voice with vowels and pauses, and breath noise, between -0.5 and 0.5."""
    random = np.random.default_rng(7)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 40 * np.sin(2 * np.pi * 0.7 * time) + 15 * np.sin(2 * np.pi * 3.1 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    vowel = 0.5 + 0.5 * np.sin(2 * np.pi * 1.3 * time)
    voice = np.zeros_like(time)
    for harmonic in range(1, 40):
        frequency = harmonic * pitch
        formants = sum(
            1 / (1 + ((frequency - centre) / 120) ** 2)
            for centre in (350 + 450 * vowel, 1900 - 700 * vowel, 2600.0, 3500.0)
        )
        voice += formants / harmonic**0.5 * np.sin(harmonic * phase)
    syllables = np.clip(2 * np.sin(2 * np.pi * 2.1 * time), 0, 1)
    audio = syllables * voice + 0.05 * (1 - syllables) * random.standard_normal(len(time))
    return (0.5 * audio / np.abs(audio).max()).astype(np.float32)
