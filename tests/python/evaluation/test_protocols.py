"""Downsampling, the corrections of an output, and the systems."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from audio_files import noise, tones

import novasr
from novasr.errors import AudioFormatError, ParameterError, WeightsError
from novasr.evaluation import metrics, runner, systems
from novasr.evaluation.protocols import DEGRADATIONS, by_soxr, keep_low_band, match_gain, sinc
from novasr.evaluation.robustness import CONDITIONS, steady_levels
from novasr.evaluation.runner import Settings, score_recording
from novasr.evaluation.systems import System, choose, linear, named, task_of, tasks_of
from novasr.families.novasr import TASK
from novasr.families.task import Task
from novasr.families.wide import initial_network
from novasr.training.datasets import Recording
from novasr.training.recipe import Recipe
from novasr.weights.save import save_weights

INNER = slice(500, -500)
IN_EVERY_INPUT, ABOVE_EVERY_INPUT = (500.0, 3_000.0), (16_500.0, 20_000.0)

# torchaudio 2.11.0, functional.resample(x, 48000, 16000) in float64: x is 1 at sample 301 of 601
TORCHAUDIO_IMPULSE = [
    0, -0.000538224, 0.003625261, -0.01086167, 0.025451894, -0.059479933, 0.271942803,
    0.135345903, -0.046781016, 0.021374006, -0.008977466, 0.0026413, -0.000183017,
]  # fmt: skip


def level_db(audio: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(audio[INNER] ** 2) + 1e-30))


def band_power_db(audio: np.ndarray, lowest_hz: float, highest_hz: float) -> float:
    power = np.abs(np.fft.rfft(audio[INNER] * np.hanning(len(audio[INNER])))) ** 2
    hertz = np.fft.rfftfreq(len(audio[INNER]), 1 / 48_000)
    return float(10 * np.log10(power[(hertz > lowest_hz) & (hertz < highest_hz)].mean()))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained weights for any band."""
    path = tmp_path_factory.mktemp("weights") / "wide.safetensors"
    save_weights(initial_network(Recipe()), path, "wide")
    return path


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
    made = System("base").extend(low, TASK)
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
    found, left_out = choose(["base"], baselines=True)
    assert [system.name for system in found] == ["sinc", "linear", "base"]
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


def test_ours_is_an_old_name_of_base() -> None:
    found, _ = choose(["base", "wide", "ours"], baselines=False)
    assert [system.name for system in found] == ["base", "wide"]
    assert [system.name for system in choose(["ours"], baselines=False)[0]] == ["base"]


def test_a_resampler_adds_nothing_to_silence_or_dc() -> None:
    assert steady_levels(System("linear"), TASK) == dict.fromkeys(
        ("silence_peak", "silence_dc", "dc_ripple"), -np.inf
    )
    assert steady_levels(System("base"), TASK)["silence_peak"] > -100  # its bias


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


def test_a_telephone_line_keeps_300_to_3400_hz_and_has_the_noise_of_8_bits() -> None:
    sent = tones(1.0, 48_000, [200.0, 1_000.0, 3_300.0, 3_600.0]).T.astype(float)
    received = [CONDITIONS["g711"](tone, TASK.high_hz) for tone in sent]
    kept = [level_db(after) - level_db(before) for after, before in zip(received, sent)]
    np.testing.assert_allclose([kept[1], kept[2]], 0, atol=0.2)
    assert max(kept[0], kept[3]) < -50
    for after, before in zip(
        received[1:3], sent[1:3]
    ):  # G.711: 33 dB at least, 38 in the middle of its range
        assert 33 < level_db(before) - level_db(after - before) < 45


def test_a_telephone_line_is_scored_from_300_hz(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = []
    monkeypatch.setattr(metrics, "lsd", lambda *audio, **bins: scored.append(bins["from_hz"]) or {})
    monkeypatch.setattr(runner, "read_recording", lambda *_: noise(0.5, 48_000)[:, 0].astype(float))
    settings = Settings(metrics=(), robustness=True)
    recording = Recording(Path("talk.wav"), 0.5, 20_000.0)
    found = score_recording(recording, [System("sinc")], settings)
    conditions = [score.condition for score in found if score.condition != "clean"]
    assert dict(zip(conditions, scored)) == {name: 300.0 * (name == "g711") for name in CONDITIONS}


def test_networks_may_differ_in_input_but_not_in_the_rate_of_their_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks = {"narrow": Task(8_000, 48_000, 4_000.0), "slow": Task(8_000, 16_000, 4_000.0)}
    monkeypatch.setattr(systems, "named", lambda name: System(name, own=tasks.get(name, TASK)))
    found, _ = choose(["base", "narrow"], baselines=False)
    assert [system.name for system in found] == ["base", "narrow"]
    found, left_out = choose(["slow"], baselines=True)
    assert [system.name for system in found] == ["sinc", "linear", "slow"]
    assert set(left_out) == {"v1", "v2"}
    with pytest.raises(AudioFormatError, match="slow gives 16000 Hz, base 48000 Hz: evaluate them"):
        choose(["base", "slow"], baselines=False)


def test_without_bands_a_networks_own_is_scored_and_for_any_band_the_default_ones() -> None:
    own = Task(8_000, 24_000, 4_000.0)
    assert tasks_of((), own) == (own,)
    assert tasks_of((), Task(48_000, 48_000, 2_000.0)) == (TASK,)
    assert tasks_of((8, 4, 8), TASK) == (TASK, Task(8_000, 48_000, 4_000.0))
    assert tasks_of((), TASK, 44_100) == (Task(16_000, 44_100, 8_000.0),)
    assert tasks_of((12,), TASK, 44_100) == (Task(24_000, 44_100, 12_000.0),)
    with pytest.raises(ParameterError, match=r"4 \.\. 21\.05 kHz, not 22"):
        tasks_of((22,), TASK, 44_100)


@pytest.mark.parametrize("band", [3.9, 23.1, np.nan])
def test_a_band_that_no_stream_takes_or_that_leaves_nothing_to_score_is_refused(
    band: float,
) -> None:
    with pytest.raises(ParameterError, match=rf"4 \.\. 23 kHz, not {band:g}"):
        tasks_of((8, band), TASK)


def test_only_soxr_and_systems_of_any_ratio_go_from_20_khz() -> None:
    uneven = Task(20_000, 48_000, 10_000.0)
    assert [System(name).takes(uneven) for name in ("sinc", "linear", "base")] == [
        True,
        False,
        True,
    ]
    assert Settings(tasks=(uneven,)).degrade(np.zeros(4_800), uneven).shape == (2_000,)
    for name in ("torchaudio", "mask"):
        with pytest.raises(ParameterError, match="48000 to 20000 Hz: use 'soxr', or a band of 24"):
            Settings(degradation=name, tasks=(TASK, uneven))


@pytest.mark.parametrize("band_khz", [4.0, 6.0, 8.0, 10.0, 12.0])
@pytest.mark.parametrize("name", ["sinc", "base", "wide"])
def test_each_system_keeps_the_input_in_place_and_only_networks_add_to_it(
    wide: Path, name: str, band_khz: float
) -> None:
    (task,) = tasks_of((band_khz,), TASK)
    system = named(str(wide)) if name == "wide" else System(name)
    recording = noise(1.5, 48_000)[:, 0].astype(float)
    low = by_soxr(recording, task)
    made = system.extend(low, task)
    assert made.shape == (72_000,)
    kept, added = (band_power_db(made, *band) for band in (IN_EVERY_INPUT, ABOVE_EVERY_INPUT))
    assert kept == pytest.approx(band_power_db(recording, *IN_EVERY_INPUT), abs=1)
    assert added > kept - 70 if system.is_network else added < kept - 120
    lags = np.fft.irfft(np.fft.rfft(made) * np.fft.rfft(recording).conj())
    assert np.argmax(lags) == 0


@pytest.mark.parametrize("band_khz", [8.0, 12.0])
@pytest.mark.parametrize("name", ["sinc", "base", "wide"])
def test_at_44100_hz_an_output_is_the_one_at_48000_hz(
    wide: Path, name: str, band_khz: float
) -> None:
    tasks = [tasks_of((band_khz,), TASK, rate)[0] for rate in (44_100, 48_000)]
    system = named(str(wide)) if name == "wide" else System(name)
    low = by_soxr(noise(1.5, 48_000)[:, 0].astype(float), tasks[1])
    made, expected = (system.extend(low, task) for task in tasks)
    assert (len(made), len(expected)) == (66_150, 72_000)
    back = soxr.resample(made, 44_100, 48_000, "VHQ")
    for band in (IN_EVERY_INPUT, (13_000.0, 20_000.0)):
        difference = band_power_db(back - expected, *band)
        assert difference < max(band_power_db(expected, *band) - 60, -120)


def test_from_its_own_rates_a_network_is_alone_and_from_others_the_input_is_kept() -> None:
    low = noise(0.5, 16_000)[:, 0]
    own, other = System("base", own=TASK), System("base", own=Task(8_000, 48_000, 4_000.0))
    np.testing.assert_array_equal(own.extend(low, TASK), novasr.enhance(low, 16_000, mode="full"))
    np.testing.assert_array_equal(other.extend(low, TASK), novasr.enhance(low, 16_000))


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_other_rates_are_degraded_to_their_own_low_rate(name: str) -> None:
    task = Task(8_000, 16_000, 4_000.0)
    low, high = tones(0.5, 16_000, [500.0, 6_000.0]).T
    expected = tones(0.5, 8_000, [500.0])[:, 0]
    assert level_db(DEGRADATIONS[name](low, task) - expected) < -60
    assert level_db(DEGRADATIONS[name](high, task)) < -65
