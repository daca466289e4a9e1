"""Whole recordings through the model studio: tiles that leave no trace, and what a recording keeps."""

from __future__ import annotations

import dataclasses
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr
import torch
from command_line import assert_one_error_line
from command_line import novasr as command

import novasr
from novasr.errors import BankError, ParameterError
from novasr.evaluation.metrics import lsd
from novasr.families.studio.architecture import FRAME
from novasr.families.studio.training import initial_network
from novasr.families.task import Task
from novasr.offline.enhancement import Settings, new_stream
from novasr.offline.refining import MARGIN_FRAMES, TILE_FRAMES
from novasr.ray import Enhance
from novasr.training.recipe import load_recipe
from novasr.weights.save import save_weights

SPEECH = Path(__file__).parents[3] / "docs" / "audio" / "speech-48k.flac"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Weights that change levels by several decibels from frame to frame."""
    recipe = load_recipe("studio")
    recipe = dataclasses.replace(recipe, flow=dataclasses.replace(recipe.flow, f0="none"))
    network = initial_network(recipe)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        leave = network.velocity.leave.weight
        leave.copy_(0.2 * torch.randn(leave.shape, generator=generator))
    path = tmp_path_factory.mktemp("weights") / "studio.safetensors"
    save_weights(network, path, "studio")
    return path


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """16 kHz, longer than two tiles with their margins."""
    audio, rate = sf.read(SPEECH, dtype="float32")
    low = soxr.resample(audio, rate, 16_000, quality="VHQ").astype(np.float32)
    seconds = (2 * TILE_FRAMES + 2 * MARGIN_FRAMES) * FRAME / 48_000 + 1
    return np.resize(low, round(seconds * 16_000))


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Path:
    """Of the very voice that is enhanced."""
    folder = tmp_path_factory.mktemp("bank")
    (folder / "voice").mkdir()
    audio, rate = sf.read(SPEECH, dtype="float32")
    sf.write(folder / "voice" / "twice.wav", np.tile(audio, 2), rate)  # 10 s, the least
    run = command("bank", "build", folder / "voice", "-o", folder / "voice.novabank")
    assert run.returncode == 0, run.stderr
    return folder / "voice.novabank"


def refined(weights: Path, parts: list[np.ndarray], *, jobs: int = 1, **changes) -> np.ndarray:
    channels = 1 if parts[0].ndim == 1 else parts[0].shape[1]
    settings = Settings(weights=weights, jobs=jobs, **changes)
    blocks = [part.reshape(-1, channels) for part in parts]
    made = list(new_stream(16_000, channels, settings, 8_000.0).aligned(blocks))
    return np.concatenate(made)


def test_the_same_bits_however_a_recording_arrives_and_for_any_number_of_jobs(weights, speech):
    whole = refined(weights, [speech])
    assert len(whole) == 3 * len(speech)
    cuts = np.sort(np.random.default_rng(1).integers(0, len(speech), 40))
    assert np.array_equal(refined(weights, np.split(speech, cuts), jobs=3), whole)


@pytest.mark.parametrize("steps", [1, 8])
@pytest.mark.parametrize("with_bank", [False, True])
def test_seams_are_exact(weights, speech, bank, monkeypatch, steps, with_bank):
    """Other tiles give the same sound but for rounding: no frame hears beyond its margin."""
    changes = {"steps": steps, "bank": bank if with_bank else None}
    whole = refined(weights, [speech], **changes)
    monkeypatch.setattr("novasr.offline.refining.TILE_FRAMES", TILE_FRAMES - 100)
    other = refined(weights, [speech], **changes)
    assert np.abs(whole - other).max() < 1e-4 * np.abs(whole).max()


def test_the_input_s_band_is_kept_and_what_is_above_is_not_wide_s(weights):
    """Of noise, whose band ends where the rate has it end, so that wide changes nothing below either."""
    speech = np.random.default_rng(2).normal(0, 0.1, 16_000 * 6).astype(np.float32)
    made = novasr.enhance(speech, 16_000, weights=weights)
    wide = novasr.enhance(speech, 16_000, model="wide")
    back = soxr.resample(made, 48_000, 16_000, quality="VHQ")
    spectrum, error = (np.fft.rfft(x) for x in (speech, back - speech))
    below = np.fft.rfftfreq(len(speech), 1 / 16_000) < 7_000
    ratio = np.sum(np.abs(spectrum[below]) ** 2) / np.sum(np.abs(error[below]) ** 2)
    assert 10 * np.log10(ratio) > 40
    above = np.fft.rfftfreq(len(wide), 1 / 48_000) > 9_000
    change = np.abs(np.fft.rfft(made - wide)[above]) ** 2
    assert change.sum() > 0.05 * np.sum(np.abs(np.fft.rfft(wide)[above]) ** 2)


def test_a_voice_in_the_middle_stays_there(weights, speech):
    stereo = np.repeat(speech[: 16_000 * 4, None], 2, axis=1)
    made = refined(weights, [stereo])
    assert np.array_equal(made[:, 0], made[:, 1])


def test_one_sample_of_a_damaged_file_spoils_nothing(weights, speech):
    damaged = speech[:32_000].copy()
    damaged[9_000] = 1e20
    assert np.isfinite(novasr.enhance(damaged, 16_000, weights=weights)).all()


def test_recordings_at_the_same_time_leave_pytorch_as_it_was(weights, speech):
    """And have the bits that they have alone."""
    alone = novasr.enhance(speech, 16_000, weights=weights)
    before = torch.get_num_threads()
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(novasr.enhance, speech, 16_000, weights=weights) for _ in range(3)]
        assert all(np.array_equal(job.result(), alone) for job in jobs)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("rate", [11_025, 16_000])
def test_the_course_of_the_cut_off_is_in_time(weights, rate):
    """Of a recording that narrows after 40 s: where it does, at rates whose tenth of a second is no whole number, too."""
    noise = np.random.default_rng(5).normal(0, 0.1, 60 * rate)
    narrow = soxr.resample(soxr.resample(noise, rate, 5_000, "VHQ"), 5_000, rate, "VHQ")
    audio = np.where(np.arange(len(noise)) < 40 * rate, noise, narrow[: len(noise)])
    stream = new_stream(rate, 1, Settings(weights=weights, jobs=1), None)
    tiles = list(stream._tiles([audio.astype(np.float32)[:, None]]))
    course = {tile.first_frame + n: hz for tile in tiles for n, hz in enumerate(tile.cutoffs_hz)}
    seconds = np.array(sorted(course)) * FRAME / 48_000
    hertz = np.array([course[n] for n in sorted(course)])
    assert (hertz[(seconds > 1) & (seconds < 39.9)] > 0.4 * rate).all()
    assert (hertz[seconds > 41.5] < 2_800).all()


def test_silence_nan_and_short_recordings(weights):
    assert not novasr.enhance(np.zeros(20_000, np.float32), 16_000, weights=weights).any()
    broken = np.full(20_000, np.nan, np.float32)
    assert not novasr.enhance(broken, 16_000, weights=weights).any()
    for frames in (0, 1, 7, 511):
        made = novasr.enhance(np.full(frames, 0.1, np.float32), 16_000, weights=weights)
        assert made.shape == (3 * frames,)
        assert np.isfinite(made).all()


def test_brightness_acts_on_what_is_added(weights, speech):
    short = speech[: 16_000 * 4]
    loud, plain = (
        novasr.enhance(short, 16_000, weights=weights, high_band_gain_db=gain) for gain in (6.0, 0)
    )
    above = np.fft.rfftfreq(len(plain), 1 / 48_000) > 9_000
    powers = [np.sum(np.abs(np.fft.rfft(x)[above]) ** 2) for x in (loud, plain)]
    assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(6, abs=0.5)


def test_steps_of_the_flow(weights, speech):
    short = speech[: 16_000 * 2]
    made = [novasr.enhance(short, 16_000, weights=weights, steps=n) for n in (1, 2, 4, 8)]
    assert not any(np.array_equal(a, b) for a, b in itertools.combinations(made, 2))
    assert np.array_equal(made[0], novasr.enhance(short, 16_000, weights=weights))


def test_a_bank_of_the_voice_brings_its_upper_band_nearer(weights, bank):
    """From telephone speech, by more the higher the index rate; without a share of it, as without a bank."""
    real, rate = sf.read(SPEECH, dtype="float32")
    low = soxr.resample(real, rate, 8_000, quality="VHQ")
    plain = novasr.enhance(low, 8_000, weights=weights)
    task = Task(8_000, 48_000, 4_000.0)
    distances = []
    for index_rate in (0.0, 0.5, 1.0):
        made = novasr.enhance(low, 8_000, weights=weights, bank=bank, index_rate=index_rate)
        distances.append(lsd(real, np.resize(made, len(real)), task)["lsd_hf"])
        assert np.array_equal(made, plain) == (index_rate == 0)
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.8 * distances[0]


def test_with_a_bank_the_bits_are_the_same_however_a_recording_arrives(weights, bank, speech):
    whole = refined(weights, [speech], bank=bank)
    cuts = np.sort(np.random.default_rng(3).integers(0, len(speech), 11))
    assert np.array_equal(refined(weights, np.split(speech, cuts), jobs=2, bank=bank), whole)


def test_a_file_is_enhanced_as_an_array_is(weights, speech, tmp_path):
    source, result = tmp_path / "talk.wav", tmp_path / "result.wav"
    sf.write(source, speech, 16_000, subtype="FLOAT")
    run = command("enhance", source, "-o", result, "--weights", weights, "--jobs", "2")
    assert run.returncode == 0, run.stderr
    made, rate = sf.read(result, dtype="float32")
    assert rate == 48_000
    assert np.array_equal(made, novasr.enhance(speech, 16_000, weights=weights))


def test_streams_say_that_it_is_for_recordings(weights):
    with pytest.raises(ParameterError, match="refines whole recordings, not streams"):
        novasr.Stream(16_000, weights=weights)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 3}, "steps must be one of 1, 2, 4, 8, not 3"),
        ({"engine": "cuda"}, "not engine='cuda': leave it out"),
        ({"engine": "torch"}, "not engine='torch': leave it out"),
        ({"steps": 2.5}, "steps must be one of"),
        ({"index_rate": 0.5}, "index_rate is for a bank"),
        ({"bank": 5}, "bank must be the path of a file, not 5"),
        ({"bank": SPEECH, "index_rate": 1.5}, "index_rate must be from 0 to 1, not 1.5"),
    ],
)
def test_bad_settings(weights, settings, message):
    with pytest.raises(ParameterError, match=message):
        novasr.enhance(np.zeros(100, np.float32), 16_000, weights=weights, **settings)


def test_steps_are_for_this_model():
    with pytest.raises(ParameterError, match="steps is for weights of --recipe studio"):
        novasr.enhance(np.zeros(100, np.float32), 16_000, steps=2)


def test_without_weights_a_bank_moves_what_wide_makes(bank):
    real, rate = sf.read(SPEECH, dtype="float32")
    low = soxr.resample(real, rate, 8_000, quality="VHQ")
    wide = novasr.enhance(low, 8_000, model="wide")
    task = Task(8_000, 48_000, 4_000.0)
    distances = []
    for index_rate in (0.0, 0.5, 1.0):
        made = novasr.enhance(low, 8_000, model="studio", bank=bank, index_rate=index_rate)
        distances.append(lsd(real, np.resize(made, len(real)), task)["lsd_hf"])
        assert np.array_equal(made, wide) == (index_rate == 0)
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.8 * distances[0]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_tile_comes_out_as_soon_as_as_many_as_there_are_jobs_are_in(bank, jobs):
    """In a pipe nobody waits for more than the tile, its margin and the latency."""
    settings = Settings(weights="studio", jobs=jobs, bank=bank)
    stream = new_stream(16_000, 1, settings, None)
    consumed = 0

    def blocks():
        nonlocal consumed
        for block in np.random.default_rng(8).normal(0, 0.1, (400, 1_600, 1)):
            consumed += len(block)
            yield block.astype(np.float32)

    next(stream.aligned(blocks()))
    frames = jobs * TILE_FRAMES + MARGIN_FRAMES
    assert frames * FRAME / 48_000 < consumed / 16_000 < frames * FRAME / 48_000 + 0.3


def test_a_band_too_narrow_for_the_bank_is_named(bank):
    audio = np.random.default_rng(6).normal(0, 0.1, 40_000)
    telephone = soxr.resample(soxr.resample(audio, 8_000, 5_000, "VHQ"), 5_000, 8_000, "VHQ")
    with pytest.warns(novasr.BankWarning, match="its band ends at 2.. kHz: below 3.2 kHz nothing"):
        made = novasr.enhance(telephone, 8_000, model="studio", bank=bank)
    assert np.array_equal(made, novasr.enhance(telephone, 8_000, model="wide"))


def test_without_weights_bits_and_seams_are_the_same_however_a_recording_arrives(
    bank, speech, monkeypatch
):
    whole = refined("studio", [speech], bank=bank)
    cuts = np.sort(np.random.default_rng(3).integers(0, len(speech), 11))
    assert np.array_equal(refined("studio", np.split(speech, cuts), jobs=2, bank=bank), whole)
    monkeypatch.setattr("novasr.offline.refining.TILE_FRAMES", 10 * TILE_FRAMES)
    in_one = refined("studio", [speech], bank=bank)
    np.testing.assert_allclose(in_one, whole, rtol=0, atol=1e-6)


def test_without_weights_the_command_line_and_files_do_it_too(bank, tmp_path):
    real, rate = sf.read(SPEECH, dtype="float32")
    low = soxr.resample(real, rate, 16_000, quality="VHQ")
    sf.write(tmp_path / "talk.wav", low, 16_000, subtype="FLOAT")
    result = tmp_path / "talk-48k.wav"
    run = command("enhance", tmp_path / "talk.wav", "--model", "studio", "--bank", bank)
    assert run.returncode == 0, run.stderr
    made, _ = sf.read(result, dtype="float32")
    assert np.array_equal(made, novasr.enhance(low, 16_000, model="studio", bank=bank))
    line = f'{{"audio_filepath": "{tmp_path / "talk.wav"}", "duration": {len(low) / 16_000}}}\n'
    (tmp_path / "set.jsonl").write_text(line)
    run = command(
        *("enhance", "--manifest", tmp_path / "set.jsonl", "-d", tmp_path / "out"),
        *("--model", "studio", "--bank", bank),
    )
    assert run.returncode == 0, run.stderr
    (stored,) = (tmp_path / "out").rglob("*.wav")
    assert np.array_equal(sf.read(stored, dtype="float32")[0], made)


def test_batches_of_recordings_have_banks_too(bank, speech):
    short = speech[: 2 * 16_000]
    batch = {"amplitude": [short[None]], "sample_rate": [16_000]}
    made = Enhance(model="studio", bank=bank, index_rate=0.5)(batch)
    assert list(made["status"]) == ["enhanced"], made["reason"]
    expected = novasr.enhance(short, 16_000, model="studio", bank=bank, index_rate=0.5)
    assert np.array_equal(made["amplitude"][0][0], expected)
    assert list(made["warnings"]) == [""]
    dull = soxr.resample(soxr.resample(short, 16_000, 4_000), 4_000, 16_000)
    told = Enhance(model="studio", bank=bank)({"amplitude": [dull[None]], "sample_rate": [16_000]})
    assert "nothing is looked up in the bank" in told["warnings"][0]
    told = Enhance()({"amplitude": [dull[None]], "sample_rate": [16_000]})
    assert "the model wide fills it" in told["warnings"][0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "studio' takes what is above the cut-off from a bank: make one"),
        ({"bank": SPEECH, "steps": 2}, "steps is for weights of --recipe studio"),
        (
            {"bank": SPEECH, "weights": "wide"},
            "of the family 'studio', the weights 'wide' of 'wide'",
        ),
    ],
)
def test_what_is_missing_without_weights(settings, message):
    with pytest.raises(ParameterError, match=message):
        novasr.enhance(np.zeros(100, np.float32), 16_000, model="studio", **settings)


def test_streams_have_no_studio():
    with pytest.raises(ParameterError, match=r"not streams.*; here use model='wide'"):
        novasr.Stream(16_000, model="studio")


def test_a_file_that_is_no_bank(weights):
    with pytest.raises(BankError, match=r"speech-48k\.flac"):
        novasr.enhance(np.zeros(100, np.float32), 16_000, weights=weights, bank=SPEECH)


def test_errors_on_the_command_line(weights, tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(100), 16_000)
    run = command("enhance", tmp_path / "a.wav", "--weights", weights, "--steps", "5")
    assert_one_error_line(run, "steps must be one of 1, 2, 4, 8")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.wav"]
