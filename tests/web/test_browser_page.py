"""The page in Chromium, as a visitor uses it: with mouse, keyboard, telephone and microphone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import soxr
import web_package
from web_package import ROOT, node

import novasr

pytestmark = pytest.mark.alone  # contexts that run in real time

SAMPLE = ROOT / "docs" / "audio" / "speech-16k.flac"
TONE_HZ = 440
HALF_STEP_24_BITS = 0.5 / 2**23


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings to choose, and what the visits leave."""
    folder = tmp_path_factory.mktemp("page")
    speech, rate = sf.read(SAMPLE, dtype="float32")
    # Not of 16 bits, whose positive samples Chromium divides by 32767: 3e-5 louder.
    sf.write(folder / "voice.wav", speech, rate, subtype="FLOAT")
    t = np.arange(20 * rate) / rate
    sf.write(folder / "tone.wav", 0.3 * np.sin(2 * np.pi * TONE_HZ * t), rate)
    noise = np.random.default_rng(1).standard_normal(48_000)
    sf.write(folder / "full.wav", 0.1 * noise, 48_000)
    sf.write(folder / "voice-48k-source.wav", soxr.resample(speech, rate, 48_000), 48_000)
    sf.write(folder / "noise.wav", 0.1 * np.tile(noise, 6), 16_000)
    (folder / "broken.mp3").write_bytes(bytes(range(256)) * 8)
    return folder


@pytest.fixture(scope="module")
def visits(web: Path, folder: Path) -> dict[str, Any]:
    web_package.chromium()
    return node("page.mjs", folder)


def treble_db(audio: np.ndarray) -> float:
    """Level above 9 kHz at 48 kHz, relative to the rest."""
    power = np.abs(np.fft.rfft(audio)) ** 2
    above = np.fft.rfftfreq(len(audio), 1 / 48_000) > 9_000
    return 10 * np.log10(power[above].sum() / power[~above].sum())


@pytest.mark.parametrize("model", ["base", "wide"])
def test_a_file_becomes_what_novasr_enhance_makes_of_it(
    model: str, visits: dict[str, Any], folder: Path
) -> None:
    """In the file that is downloaded: 48 kHz, 24 bits."""
    name = {"base": "voice-48k.wav", "wide": "voice-wide.wav"}[model]
    audio, rate = sf.read(folder / name, dtype="float32")
    source, source_rate = sf.read(folder / "voice.wav", dtype="float32")
    expected = novasr.enhance(source, source_rate, model=model)
    assert rate == 48_000
    assert len(audio) == len(expected)
    assert np.abs(audio - expected).max() < 1e-6 + HALF_STEP_24_BITS
    assert treble_db(audio) > treble_db(soxr.resample(source, source_rate, 48_000)) + 30
    assert visits["mouse"]["file"] == "voice-48k.wav"


def test_the_page_says_what_it_found(visits: dict[str, Any], folder: Path) -> None:
    source, rate = sf.read(folder / "voice.wav", dtype="float32")
    end = novasr.measure_bandwidth([source], sample_rate=rate)
    assert f"sound to {end / 1000:.1f} kHz, extended." in visits["mouse"]["status"]
    assert "already full band" in visits["mouse"]["full"]
    assert "left as it is" in visits["mouse"]["full"]


def test_what_cannot_be_decoded_is_named_with_a_remedy(visits: dict[str, Any]) -> None:
    assert "broken.mp3" in visits["mouse"]["broken"]
    assert "convert it to WAV" in visits["mouse"]["broken"]
    assert visits["mouse"]["problemGone"]


def test_the_browser_has_nothing_to_complain_about(visits: dict[str, Any]) -> None:
    assert {visit: found["problems"] for visit, found in visits.items() if found["problems"]} == {}


def test_nothing_leaves_the_browser_and_wide_is_loaded_only_if_chosen(
    visits: dict[str, Any],
) -> None:
    assert visits["mouse"]["elsewhere"] == []
    assert not visits["mouse"]["wideLoadedEarly"]


def roughness(audio: np.ndarray) -> float:
    """Largest second difference: of a tone, a constant of its level; of a click, much more."""
    return float(np.abs(np.diff(audio, 2)).max())


def test_switching_between_before_and_after_does_not_click(
    visits: dict[str, Any], folder: Path
) -> None:
    heard = np.fromfile(folder / "heard.f32", np.float32)
    sounding = np.flatnonzero(np.abs(heard) > 0.01)
    heard = heard[sounding[0] + 9_600 : sounding[-1] - 4_800]  # after the fade-in
    assert len(heard) > 48_000
    made = novasr.enhance(*sf.read(folder / "tone.wav", dtype="float32"))[48_000:-48_000]
    steady = roughness(made)
    assert np.abs(heard).max() == pytest.approx(0.3, rel=0.03)
    assert roughness(heard) < 1.5 * steady
    late = np.concatenate([made[:24_000], made[24_012:]])  # a control: 0.25 ms are missing
    assert roughness(late) > 3 * steady
    assert visits["compare"]["paused"] == "Play"
    assert visits["compare"]["clock"] != "0:00 / 0:20"


def loudness(channels: np.ndarray, folder: Path) -> float:
    """In LUFS, as the page measures it."""
    channels.astype(np.float32).tofile(folder / "measured")
    return node("loudness.mjs", folder / "measured", str(len(channels)))


@pytest.mark.usefixtures("web")
def test_loudness_is_that_of_the_recommendation(tmp_path: Path) -> None:
    """ITU-R BS.1770-5: a sine of 997 Hz at full scale; and EBU Tech 3341, signals 1 and 3."""
    t = np.arange(48_000 * 20) / 48_000
    sine = np.sin(2 * np.pi * 997 * t)
    quiet, loud = 10 ** (-36 / 20), 10 ** (-23 / 20)
    steps = np.concatenate(
        [quiet * sine[:480_000], loud * np.tile(sine, 3), quiet * sine[:480_000]]
    )
    assert loudness(sine[None], tmp_path) == pytest.approx(-3.01, abs=0.02)
    assert loudness(np.stack([loud * sine] * 2), tmp_path) == pytest.approx(-23, abs=0.1)
    assert loudness(np.stack([steps] * 2), tmp_path) == pytest.approx(-23, abs=0.1)
    assert loudness(np.zeros((1, 48_000)), tmp_path) is None  # -Infinity


def test_both_sides_are_heard_equally_loud(visits: dict[str, Any], folder: Path) -> None:
    heard = np.fromfile(folder / "balance.f32", np.float32)
    switched = visits["balance"]["switched"]
    before, after = heard[switched - 48_000 : switched - 4_800], heard[-48_000:-4_800]
    found = loudness(before[None], folder) - loudness(after[None], folder)
    assert "after is turned down by" in visits["balance"]["note"]
    assert treble_db(after) > treble_db(before) + 20
    assert found == pytest.approx(0, abs=0.3)


def test_the_keyboard_is_enough(visits: dict[str, Any]) -> None:
    found = visits["keyboard"]
    assert found["outline"] == "solid"
    assert found["brightness"] == "+1 dB"
    assert found["playing"] == "Pause"
    assert found["side"] == "before"


def test_a_telephone_shows_all_of_it(visits: dict[str, Any]) -> None:
    assert visits["phone"]["width"] == 390
    assert visits["phone"]["small"] == [], "too small for a finger"


def test_the_microphone_is_extended_and_heard_only_if_asked_for(
    visits: dict[str, Any], folder: Path
) -> None:
    found = visits["microphone"]
    assert found["silent"] == 0
    assert found["loud"] > 0.05
    assert found["file"] == "microphone-48k.wav"
    assert "recorded" in found["status"]
    live, rate = sf.read(folder / "microphone-48k.wav", dtype="float32")
    source, _ = sf.read(folder / "voice-48k-source.wav", dtype="float32")
    assert rate == 48_000
    assert len(live) > 48_000
    assert treble_db(live) > treble_db(source) + 30


def test_a_refused_microphone_is_explained(visits: dict[str, Any]) -> None:
    assert "refused" in visits["refused"]["message"]
    assert "allow it" in visits["refused"]["message"]


@pytest.mark.usefixtures("visits")
@pytest.mark.parametrize("name", ["start", "result", "phone", "microphone"])
def test_a_screenshot_shows_something(name: str, folder: Path) -> None:
    """They are looked at by people; here they are not empty."""
    assert (folder / f"{name}.png").stat().st_size > 20_000
