"""Signals for live tests."""

from __future__ import annotations

import functools

import numpy as np
from scipy.signal import lfilter


@functools.cache
def speech_like(seconds: float, rate: int) -> np.ndarray:
    """A gliding voice with formants, syllables and breath noise, between -0.5 and 0.5."""
    random = np.random.default_rng(7)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 40 * np.sin(2 * np.pi * 0.7 * time) + 15 * np.sin(2 * np.pi * 3.1 * time)
    pulses = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0)
    syllables = np.clip(2 * np.sin(2 * np.pi * 2.1 * time), 0, 1)
    audio = syllables * pulses + 0.02 * (1.2 - syllables) * random.standard_normal(len(time))
    for formant_hz, width_hz in ((500, 80), (1500, 100), (2500, 120), (3500, 200)):
        radius = np.exp(-np.pi * width_hz / rate)
        audio = lfilter(
            [1.0], [1, -2 * radius * np.cos(2 * np.pi * formant_hz / rate), radius**2], audio
        )
    return (0.5 * audio / np.abs(audio).max()).astype(np.float32)
