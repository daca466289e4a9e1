"""The engine as WebAssembly, in Node: the output of the native one, to 1e-6, and small enough to fetch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from web_package import node

import novasr

TOLERANCE = 1e-6
LARGEST_BYTES = 300_000
# model, rate in, rate out, channels, parameters
CASES = {
    "base, 16 kHz file": ("base", 16_000, 48_000, 1, {}),
    "base, worklet": ("base", 48_000, 48_000, 2, {}),
    "base, CD": ("base", 44_100, 44_100, 1, {"highBandGain": 6, "crossover": 5000}),
    "base, full": ("base", 48_000, 48_000, 1, {"mode": "full", "mix": 0.5}),
    "base, offline": ("base", 22_050, 48_000, 1, {"offline": True}),
    "wide, telephone": ("wide", 8_000, 48_000, 1, {}),
    "wide, worklet": ("wide", 48_000, 48_000, 2, {"highBandGain": -3}),
    "wide, 96 kHz": ("wide", 96_000, 96_000, 1, {"outputGain": -6}),
}
NAMES = {
    "highBandGain": "high_band_gain_db",
    "outputGain": "output_gain_db",
    "crossover": "crossover_hz",
}


def speech_like(rate: int, channels: int, rng: np.random.Generator) -> np.ndarray:
    """Two seconds of a voice up to 7 kHz with pauses, or up to 0.45 of a lower rate."""
    t = np.arange(2 * rate) / rate
    pitch = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 2 * t)) / rate
    top = min(7_000, 0.45 * rate)
    harmonics = [np.sin(k * pitch + k * k) / k for k in range(1, int(top / 170))]
    voice = 0.3 * np.sum(harmonics, axis=0) * (np.sin(2 * np.pi * 1.5 * t) > -0.3)
    noise = 1e-4 * rng.standard_normal((channels, len(t)))
    panned = np.linspace(1, 0.4, channels)[:, None]
    return (panned * voice + noise).astype(np.float32)


def blocks_of(frames: int, rng: np.random.Generator) -> list[int]:
    """A random partition, with blocks of one frame and of the audio thread."""
    blocks = [1, 128, 128, 2]
    while sum(blocks) < frames:
        blocks.append(int(rng.integers(1, 700)))
    blocks[-1] -= sum(blocks) - frames
    return blocks


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("web")
def test_it_gives_what_the_native_engine_gives(
    case: str, rng: np.random.Generator, tmp_path: Path
) -> None:
    model, rate, output_rate, channels, options = CASES[case]
    audio = speech_like(rate, channels, rng)
    audio.tofile(tmp_path / "in")
    offline = options.get("offline", False)
    parameters = {key: value for key, value in options.items() if key != "offline"}
    job = {
        "model": model,
        "sampleRate": rate,
        "outputRate": output_rate,
        "channels": channels,
        "offline": offline,
        "parameters": parameters,
        "blocks": blocks_of(audio.shape[1], rng),
        "input": str(tmp_path / "in"),
        "output": str(tmp_path / "out"),
    }
    (tmp_path / "jobs").write_text(json.dumps([job]))
    [found] = node("render.mjs", tmp_path / "jobs")

    named = {NAMES.get(key, key): value for key, value in parameters.items()}
    stream = novasr.Stream(
        rate, channels, output_rate=output_rate, model=model, offline=offline, **named
    )
    expected = np.concatenate([stream.process(audio.T), stream.flush()]).T
    got = np.fromfile(tmp_path / "out", np.float32).reshape(channels, -1)
    assert found["latency"] == stream.latency
    assert got.shape == expected.shape
    assert np.abs(expected).max() > 0.05
    assert np.abs(got - expected).max() < TOLERANCE


def test_the_module_with_the_weights_of_base_is_small(web: Path) -> None:
    assert (web / "dist" / "novasr.wasm").stat().st_size < LARGEST_BYTES
