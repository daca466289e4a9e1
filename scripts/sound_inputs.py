"""Ten fixed sounds, made from seeds and formulas."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Sound(NamedTuple):
    """Samples of shape (frames, channels), and their rate in Hz."""

    samples: NDArray[np.float32]
    rate: int


def _noise(rate: int, seconds: float, seed: int) -> NDArray[np.float64]:
    return 0.2 * np.random.default_rng(seed).standard_normal(round(rate * seconds))


def _chirp(rate: int, seconds: float) -> NDArray[np.float64]:
    """Sweep from 50 Hz to 95 % of half the rate, with a tone of 1 kHz below it."""
    time = np.arange(round(rate * seconds)) / rate
    sweep = np.sin(2 * np.pi * (50 * time + (0.475 * rate - 50) * time**2 / (2 * seconds)))
    return 0.4 * sweep + 0.3 * np.sin(2 * np.pi * 1000 * time)


def _glide(rate: int, seconds: float, seed: int) -> NDArray[np.float64]:
    """Glide through harmonics up to 3.9 kHz in syllables, with pauses of digital silence."""
    time = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * (110 + 5 * seed) * (time + 0.1 * np.sin(2 * np.pi * 0.7 * time))
    voice = np.zeros(len(time))
    for k in range(1, 18):
        voice += np.sin(k * phase + seed * k) / (1 + abs(k - 5))
    syllables: NDArray[np.float64] = np.clip(2 * np.sin(2 * np.pi * 2.1 * time), 0, 1)
    return 0.2 * voice * syllables


def _click(rate: int, seconds: float) -> NDArray[np.float64]:
    silence = np.zeros(round(rate * seconds))
    silence[len(silence) // 3] = 0.9
    return silence


def _broken(rate: int, seconds: float, seed: int) -> NDArray[np.float64]:
    """Put a burst of NaN and infinity into a voice."""
    voice = _glide(rate, seconds, seed)
    voice[len(voice) // 4 :][:50] = np.nan
    voice[len(voice) // 4 + 60 :][:2] = np.inf, -np.inf
    return voice


def make_inputs() -> dict[str, Sound]:
    """Give the sounds by name."""

    def sound(rate: int, *channels: NDArray[np.float64]) -> Sound:
        return Sound(np.stack(channels, axis=1).astype(np.float32), rate)

    twice = _glide(44_100, 1.2, 1)
    return {
        "noise-8k": sound(8_000, _noise(8_000, 1.0, 1)),
        "chirp-16k": sound(16_000, _chirp(16_000, 1.5)),
        "glide-24k": sound(24_000, _glide(24_000, 1.5, 2)),
        "click-44k": sound(44_100, _click(44_100, 1.0)),
        "nan-48k": sound(48_000, _broken(48_000, 1.0, 3)),
        "noise-48k": sound(48_000, _noise(48_000, 1.0, 2)),
        "dual-mono-44k": sound(44_100, twice, twice),
        "stereo-96k": sound(96_000, _glide(96_000, 1.0, 4), _chirp(96_000, 1.0)),
        "six-48k": sound(48_000, *(_glide(48_000, 0.8, 5 + channel) for channel in range(6))),
        "short-48k": sound(48_000, _noise(48_000, 0.00015, 3)),
    }
