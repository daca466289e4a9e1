"""Downsampling, the corrections of an output, and the systems."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from audio_files import noise, tones

import novasr
from novasr.errors import AudioFormatError, WeightsError
from novasr.evaluation import systems
from novasr.evaluation.protocols import DEGRADATIONS, by_soxr, keep_low_band, match_gain, sinc
from novasr.evaluation.robustness import CONDITIONS, steady_levels
from novasr.evaluation.systems import System, choose, linear, task_of
from novasr.families.novasr import TASK
from novasr.families.task import Task

INNER = slice(500, -500)

# torchaudio 2.11.0, functional.resample(x, 48000, 16000) in float64: x is 1 at sample 301 of 601
TORCHAUDIO_IMPULSE = [
    0, -0.000538224, 0.003625261, -0.01086167, 0.025451894, -0.059479933, 0.271942803,
    0.135345903, -0.046781016, 0.021374006, -0.008977466, 0.0026413, -0.000183017,
]  # fmt: skip


def level_db(audio: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(audio[INNER] ** 2) + 1e-30))


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_tone_below_8_khz_keeps_its_place_and_one_above_vanishes(name: str) -> None:
    low, high = tones(0.5, 48_000, [1_000.0, 12_000.0]).T
    expected = tones(0.5, 16_000, [1_000.0])[:, 0]
    assert level_db(DEGRADATIONS[name](low, TASK) - expected) < -60  # torchaudio's ripple is -66
    assert level_db(DEGRADATIONS[name](high, TASK)) < -65  # torchaudio's: -69


def test_the_short_filter_is_torchaudios() -> None:
    impulse = np.zeros(601)
    impulse[301] = 1
    found = DEGRADATIONS["torchaudio"](impulse, TASK)
    assert len(found) == 201
    np.testing.assert_allclose(found[94:107], TORCHAUDIO_IMPULSE, atol=1e-9)
    assert not found[:94].any()


def test_the_low_band_is_the_inputs_and_the_high_one_the_estimates() -> None:
    low = tones(0.5, 16_000, [1_000.0])[:, 0]
    below, above = tones(0.5, 48_000, [1_500.0, 11_000.0]).T.astype(float)
    replaced = keep_low_band(below + above, low, TASK)
    assert level_db(replaced - sinc(low, TASK) - above) < -80  # the crossover's ripple
    assert level_db(keep_low_band(sinc(low, TASK), low, TASK) - sinc(low, TASK)) < -250


def test_the_gain_is_fitted_to_the_input() -> None:
    low = noise(0.5, 16_000, top_hz=6_000)[:, 0]
    degrade = partial(by_soxr, task=TASK)
    matched = match_gain(0.3 * sinc(low, TASK), low, degrade)
    np.testing.assert_allclose(matched, sinc(low, TASK), atol=1e-6)
    assert not match_gain(np.zeros(24_000), low, degrade).any()


def test_a_network_gives_its_own_output_filled_up_to_3n() -> None:
    low = noise(0.5, 16_000)[:, 0]
    made = System("ours").extend(low)
    with torch.inference_mode():
        network = novasr.load_model()(torch.from_numpy(low)[None, None])[0, 0].numpy()
    assert len(made) == 3 * len(low) == len(network) + 4
    np.testing.assert_allclose(made[:-4], network, atol=3e-6)  # as the engines' own tests
    assert not made[-4:].any()


def test_linear_is_torchs() -> None:
    low = noise(0.1, 16_000)[:, 0].astype(float)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(low)[None, None], scale_factor=3, mode="linear"
    )
    np.testing.assert_allclose(linear(low, 3), expected[0, 0], atol=1e-12)


def test_baselines_that_cannot_be_had_are_told_and_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offline(name: str) -> Path:
        raise WeightsError(f"no {name}")

    monkeypatch.setattr(systems, "download", offline)
    found, left_out = choose(["ours"], baselines=True)
    assert [system.name for system in found] == ["sinc", "linear", "ours"]
    assert {name: str(error) for name, error in left_out.items()} == {"v1": "no v1", "v2": "no v2"}
    with pytest.raises(WeightsError, match="no v1"):
        choose(["v1"], baselines=True)


def test_files_go_by_their_stems_unless_two_share_one(tmp_path: Path) -> None:
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "best.safetensors")
        novasr.export_weights(paths[-1])
    assert [s.name for s in choose([str(paths[0])], baselines=False)[0]] == ["best"]
    both = list(map(str, paths))
    assert [s.name for s in choose([*both, both[0]], baselines=False)[0]] == both


def test_a_resampler_adds_nothing_to_silence_or_dc() -> None:
    assert steady_levels(System("linear")) == dict.fromkeys(
        ("silence_peak", "silence_dc", "dc_ripple"), -np.inf
    )
    assert steady_levels(System("ours"))["silence_peak"] > -100  # its bias


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_degraded_input_differs_but_keeps_its_place_and_length(name: str) -> None:
    audio = noise(1.0, 48_000)[:, 0].astype(float)
    degraded = CONDITIONS[name](audio, TASK.high_hz)
    assert degraded.shape == audio.shape
    assert level_db(degraded - audio) > -80
    lags = np.fft.irfft(np.fft.rfft(degraded) * np.fft.rfft(audio).conj())
    assert np.argmax(lags) == 0


def test_the_engine_and_pytorch_agree_on_the_task() -> None:
    assert task_of() == TASK


def test_resamplers_take_the_networks_rates_and_networks_must_share_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = Task(8_000, 16_000, 4_000.0)
    monkeypatch.setattr(systems, "named", lambda name: System(name, task=other))
    (first, *_), left_out = choose(["other"], baselines=True)
    assert (first.name, len(first.extend(np.ones(800)))) == ("sinc", 1_600)
    assert left_out == {}
    monkeypatch.setattr(
        systems, "named", lambda name: System(name, task=other if name == "other" else TASK)
    )
    assert set(choose(["other"], baselines=True)[1]) == {"v1", "v2"}
    with pytest.raises(AudioFormatError, match="other works from 8 to 16 kHz, ours from 16 to 48"):
        choose(["ours", "other"], baselines=False)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_other_rates_are_degraded_to_their_own_low_rate(name: str) -> None:
    task = Task(8_000, 16_000, 4_000.0)
    low, high = tones(0.5, 16_000, [500.0, 6_000.0]).T
    expected = tones(0.5, 8_000, [500.0])[:, 0]
    assert level_db(DEGRADATIONS[name](low, task) - expected) < -60
    assert level_db(DEGRADATIONS[name](high, task)) < -65
