"""`NovaSRNode` on the audio thread of Chromium: recorded there, and compared with the native engine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import web_package
from web_package import node

import novasr

pytestmark = pytest.mark.alone  # contexts that run in real time

TOLERANCE = 1e-6
LEAST_SPEED = 10  # real time with room for other programs; bench/browser_bench.mjs measures
# model, rate, channels, a running context, parameters
CASES = {
    "base, running": ("base", 48_000, 1, True, {}),
    "wide, running": ("wide", 48_000, 1, True, {}),
    "base, stereo": ("base", 48_000, 2, False, {"mix": 0.7}),
    "base, 44.1 kHz": ("base", 44_100, 1, False, {"highBandGain": 4}),
    "wide, stereo": ("wide", 44_100, 2, False, {}),
    "base, bypassed": ("base", 48_000, 1, False, {"bypass": True}),
}
NAMES = {"highBandGain": "high_band_gain_db"}


@dataclass
class Played:
    """What a node made of `sound`."""

    sound: np.ndarray
    made: np.ndarray
    latency: float
    latency_frames: int


def sound(rate: int, channels: int, rng: np.random.Generator) -> np.ndarray:
    """A second up to 6 kHz: harmonics and noise."""
    t = np.arange(rate) / rate
    harmonics = np.sum([np.sin(2 * np.pi * 150 * k * t + k * k) / k for k in range(1, 40)], axis=0)
    return (0.2 * harmonics + 0.01 * rng.standard_normal((channels, rate))).astype(np.float32)


def play(jobs: list[dict[str, Any]], sounds: list[np.ndarray], folder: Path) -> dict[str, Any]:
    """Play each sound through a node, all in one browser; adds what came out to the results."""
    web_package.chromium()
    for number, (job, audio) in enumerate(zip(jobs, sounds, strict=True)):
        audio.tofile(folder / f"in{number}")
        job |= {"input": str(folder / f"in{number}"), "output": str(folder / f"out{number}")}
    (folder / "jobs").write_text(json.dumps(jobs))
    found = node("worklet.mjs", folder / "jobs")
    for job, result in zip(jobs, found["results"], strict=True):
        result["made"] = np.fromfile(job["output"], np.float32).reshape(job["channels"], -1)
    return found


@pytest.fixture(scope="module")
def found(web: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    sounds = [sound(rate, channels, rng) for _, rate, channels, _, _ in CASES.values()]
    jobs = [
        {
            "channels": channels,
            "sampleRate": rate,
            "live": live,
            "seconds": 1.1,
            "options": {"model": model, **parameters},
        }
        for model, rate, channels, live, parameters in CASES.values()
    ]
    found = play(jobs, sounds, tmp_path_factory.mktemp("worklet"))
    return found | {"sounds": sounds}


@pytest.fixture(scope="module")
def played(found: dict[str, Any]) -> dict[str, Played]:
    return {
        case: Played(audio, result["made"], result["latency"], result["latencyFrames"])
        for case, audio, result in zip(CASES, found["sounds"], found["results"], strict=True)
    }


@pytest.mark.parametrize("case", CASES)
def test_a_node_gives_what_the_native_engine_gives(case: str, played: dict[str, Played]) -> None:
    model, rate, channels, _, parameters = CASES[case]
    found = played[case]
    named = {NAMES.get(key, key): value for key, value in parameters.items()}
    stream = novasr.Stream(rate, channels, model=model, **named)
    frames = min(found.made.shape[1], rate)
    expected = stream.process(found.sound.T[:frames]).T
    assert frames > 0.9 * rate
    assert found.latency_frames == stream.latency
    assert found.latency == pytest.approx(stream.latency / rate)
    assert np.abs(expected).max() > 0.1
    assert np.abs(found.made[:, :frames] - expected).max() < TOLERANCE


def test_a_node_works_again_after_a_pause_and_not_after_its_end(found: dict[str, Any]) -> None:
    playing, paused, playing_again, closed = found["peaks"]
    assert playing > 0.5
    assert paused == 0
    assert playing_again > 0.5
    assert closed == 0


def test_the_browser_has_nothing_to_complain_about_a_node(found: dict[str, Any]) -> None:
    assert found["problems"] == []


def test_the_audio_thread_allocates_nothing(web: Path) -> None:
    """Bytes that a quantum leaves for the garbage collector, kept from running: a number would be 16."""
    room = [
        "--max-semi-space-size=512",
        "--min-semi-space-size=512",
        "--single-threaded",
    ]  # compilers
    script = web / "test" / "allocation.mjs"
    found = json.loads(web_package.run("node", "--expose-gc", *room, script))
    assert abs(found["base"]) < 8
    assert abs(found["wide"]) < 8
    assert found["control"] > 100


@pytest.mark.alone
@pytest.mark.usefixtures("web")
@pytest.mark.parametrize("model", ["base", "wide"])
def test_a_node_is_fast_enough_to_live_beside_a_page(model: str) -> None:
    """One channel at 48 kHz, by the time of the processor."""
    web_package.chromium()
    speed = node("speed.mjs", model)
    print(f"{model}: {speed:.0f} x real time in Chromium")
    assert LEAST_SPEED < speed < 1000
