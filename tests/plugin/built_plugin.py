"""Where the built plugin is, and what it ought to give."""

from __future__ import annotations

import os
from pathlib import Path

import needs
import numpy as np
from numpy.typing import NDArray

import novasr

ROOT = Path(__file__).resolve().parents[2]
PRESET_BUILD = ROOT / "build/plugin/plugin/novasr_plugin_artefacts/Release"
FORMATS = {"VST3": "VST3/NovaSR.vst3", "LV2": "LV2/NovaSR.lv2"}


def bundle(kind: str) -> Path:
    """Bundle of the plugin in a format."""
    path = Path(os.environ.get("NOVASR_PLUGIN_BUILD", PRESET_BUILD)).resolve() / FORMATS[kind]
    if not path.is_dir():
        needs.missing(f"the plugin is not built: no {path} (NOVASR_PLUGIN_BUILD)")
    return path


def noise(frames: int, channels: int = 2) -> NDArray[np.float32]:
    """Noise of shape (frames, channels), the same in every run."""
    return (np.random.default_rng(5).uniform(-0.5, 0.5, (frames, channels))).astype(np.float32)


def speech_like(frames: int, rate: int) -> NDArray[np.float32]:
    """Noise below 6 kHz, the band that passes untouched: its correlation has one sharp peak."""
    spectrum = np.fft.rfft(noise(frames), axis=0)
    spectrum[np.fft.rfftfreq(frames, 1 / rate) > 6_000] = 0
    return np.fft.irfft(spectrum, frames, axis=0).astype(np.float32)


def expected(audio: NDArray[np.float32], rate: int, **sound: float | str) -> NDArray[np.float32]:
    """Output of novasr.Stream, late by its latency, in as many frames."""
    stream = novasr.Stream(rate, audio.shape[1], output_rate=rate, **sound)
    return stream.process(audio)


def latency(rate: int) -> int:
    """Latency of novasr.Stream in frames."""
    return novasr.Stream(rate, output_rate=rate).latency


def measured_lag(output: NDArray[np.float32], audio: NDArray[np.float32]) -> int:
    """Lag of the highest cross-correlation of the first channels, in frames."""
    size = 1 << (len(output) + len(audio)).bit_length()
    spectrum = np.fft.rfft(output[:, 0], size) * np.conj(np.fft.rfft(audio[:, 0], size))
    return int(np.argmax(np.fft.irfft(spectrum, size)))
