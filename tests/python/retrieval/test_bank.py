"""Banks: what they know, where they say nothing, and that they are the same each time."""

import csv
import dataclasses
from pathlib import Path

import audio_files
import needs
import numpy as np
import pytest
import soxr

needs.package("faiss", "pip install 'novasr[studio]'")
torch = needs.package("torch", "pip install 'novasr[train]'")

from situations import part_of, situation_of  # noqa: E402

import novasr  # noqa: E402
from novasr.errors import BankError  # noqa: E402
from novasr.families.studio.bands import high_centres_hz  # noqa: E402
from novasr.families.studio.conditions import Situation  # noqa: E402
from novasr.families.studio.local import smoothed  # noqa: E402
from novasr.families.studio.refiner import blended  # noqa: E402
from novasr.retrieval import Bank  # noqa: E402
from novasr.retrieval.entries import DB, STEP_DB  # noqa: E402
from novasr.retrieval.keys import REACH_FRAMES  # noqa: E402
from novasr.retrieval.sources import choose, is_free, read_excerpt  # noqa: E402
from novasr.training.datasets import Recording, read_recordings  # noqa: E402

RATE_HZ = 48_000
TRAINING = ("train", "train_music", "train_speech2", "train_music2", "train_sfx2")


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """Noise whose every frame is another: 12 s."""
    return audio_files.noise(12.0, RATE_HZ)[:, 0]


@pytest.fixture(scope="module")
def recording(noise: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    path = tmp_path_factory.mktemp("noise") / "noise.wav"
    audio_files.write(path, noise[:, None], RATE_HZ, "FLOAT")
    return Recording(path, 12.0, 24_000.0, "anna", "CC0-1.0", "here")


@pytest.fixture(scope="module")
def bank(recording: Recording) -> Bank:
    return Bank.build([recording])


@pytest.fixture(scope="module")
def kalaasi(shared: Path) -> list[Recording]:
    """A speaker's words: two minutes and a half, and the rest."""
    recordings = read_recordings(shared / "data" / "train")
    return [item for item in recordings if item.speaker == "kalaasi"]


@pytest.mark.parametrize("cutoff_hz", [4_000.0, 7_800.0, 15_000.0])
def test_a_recording_in_the_bank_is_found(bank: Bank, noise: np.ndarray, cutoff_hz: float) -> None:
    known = situation_of(noise, cutoff_hz)
    silenced = known._replace(guess=torch.zeros_like(known.guess))
    found = bank.levels(silenced)
    # The nearest frame is itself, but for the rounding of its bytes; others weigh a little. The query ends earlier.
    assert found.distance_db[..., :-1].max() < STEP_DB
    difference = (found.levels - smoothed(known.guess)).square().mean().sqrt() * DB
    # Another frame's levels are as far as noise differs from frame to frame.
    apart = (known.guess.roll(100, -1) - known.guess).square().mean().sqrt() * DB
    assert apart > 1.0
    assert difference < 0.3 * apart


def test_bands_that_no_recording_fills_are_left_alone(
    recording: Recording, noise: np.ndarray
) -> None:
    narrow = Bank.build([dataclasses.replace(recording, bandwidth_hz=19_000.0)])
    known = situation_of(noise, 8_000.0)
    change = torch.ones_like(known.guess)
    made = blended(change, known, narrow.levels(known), 1.0)
    filled = torch.from_numpy(high_centres_hz()) < 19_000 - 300
    assert (made[:, ~filled] == change[:, ~filled]).all()
    inside = filled[:, None] & (known.above[0] > 0)
    assert (made[0][inside] != change[0][inside]).float().mean() > 0.9


def test_a_quieter_recording_is_found_as_well(bank: Bank, noise: np.ndarray) -> None:
    loud, quiet = (bank.levels(situation_of(gain * noise, 8_000.0)) for gain in (1.0, 0.1))
    difference = (quiet.levels - loud.levels).abs() * DB
    assert difference.mean() < 0.01  # of rounding and of the floor under powers
    assert difference.max() < STEP_DB


def test_a_bank_of_many_voices_is_trusted_at_lesser_distances(
    recording: Recording, noise: np.ndarray
) -> None:
    one = Bank.build([recording])
    many = Bank.build([recording, dataclasses.replace(recording, speaker="bo")])
    own = situation_of(noise, 8_000.0)
    other = situation_of(noise[1:] - np.float32(0.7) * noise[:-1], 8_000.0)  # brighter

    def trust(bank: Bank, query: Situation) -> float:
        return bank.levels(query).trust.median().item()

    assert trust(one, own) > 0.99
    assert trust(many, own) > 0.99
    assert trust(many, other) < 0.25
    assert trust(one, other) > trust(many, other) + 0.25


def test_below_a_cutoff_of_3200_hz_nothing_is_looked_up(bank: Bank, noise: np.ndarray) -> None:
    cutoffs = np.full(len(noise) // 1024 * 2, 3_000.0)
    cutoffs[200:400] = 3_400.0
    known = situation_of(noise, cutoffs)
    found = bank.levels(known)
    assert torch.isinf(found.distance_db[0, 0, :200]).all()
    assert (found.trust[..., :200] == 0).all()
    assert torch.isfinite(found.distance_db[0, 0, 200:400]).all()


@pytest.mark.parametrize(("first", "last"), [(0, 50), (57, 58), (301, 444)])
def test_a_part_of_a_query_has_the_same_bits(
    bank: Bank, rng: np.random.Generator, first: int, last: int
) -> None:
    query = rng.normal(0, 0.1, 10 * RATE_HZ).astype(np.float32)
    cutoffs = np.where(np.arange(len(query) // 1024 * 2) % 60 < 30, 5_000.0, 8_000.0)
    known = situation_of(query, cutoffs)
    begin = max(0, first - REACH_FRAMES)
    part = bank.levels(part_of(known, slice(begin, last + REACH_FRAMES)))
    whole = bank.levels(known)
    for some, all_of_it in zip(part, whole):
        inner = some[..., first - begin : last - begin]
        assert torch.equal(inner, all_of_it[..., first:last])


def test_the_same_recordings_give_the_same_bytes(
    recording: Recording, bank: Bank, tmp_path: Path
) -> None:
    bank.save(tmp_path / "one.novabank")
    Bank.build([recording]).save(tmp_path / "two.novabank")
    assert (tmp_path / "one.novabank").read_bytes() == (tmp_path / "two.novabank").read_bytes()


def test_a_loaded_bank_answers_as_the_built_one(
    bank: Bank, tmp_path: Path, rng: np.random.Generator
) -> None:
    bank.save(tmp_path / "b.novabank")
    loaded = Bank.load(tmp_path / "b.novabank")
    assert loaded.sources == bank.sources
    assert loaded.sources[0].licence == "CC0-1.0"
    known = situation_of(rng.normal(0, 0.1, RATE_HZ).astype(np.float32), 8_000.0)
    assert torch.equal(loaded.levels(known).levels, bank.levels(known).levels)


def test_a_speakers_bank_brings_the_guess_nearer_to_the_recording(
    kalaasi: list[Recording],
) -> None:
    """Of 8 kHz, through the model wide, with a bank of 1.2 minutes: 11.3 dB off before, 9.4 after."""
    bank = Bank.build(kalaasi[:90])
    real = np.concatenate([read_excerpt(item.path, 9.0) for item in kalaasi[90:102]])
    low = soxr.resample(real, RATE_HZ, 8_000, quality="VHQ")
    made = novasr.enhance(low, 8_000, model="wide", force=True)[: len(real)]
    truth, known = situation_of(real[: len(made)], 3_900.0), situation_of(made, 3_900.0)
    inside = known.above[0, :, 0].numpy() * (high_centres_hz() < 18_500) > 0
    found = bank.levels(known).levels
    before, after = (
        (levels - truth.guess)[0, inside].square().mean().sqrt().item() * DB
        for levels in (known.guess, found)
    )
    assert after < before - 1.0


def test_the_evaluations_speakers_and_recordings_are_in_no_training_folder(shared: Path) -> None:
    training, evaluation = (
        [row for folder in folders for row in _rows(shared / "data" / folder)]
        for folders in (TRAINING, ("eval_speech", "eval_music"))
    )
    origin = ("source_repo", "path_in_repo")
    assert not {tuple(map(row.get, origin)) for row in training} & {
        tuple(map(row.get, origin)) for row in evaluation
    }
    people = {row["speaker"] for row in evaluation} - {"music", "sfx"}
    assert len(people) > 15
    assert not people & {row["speaker"] for row in training}


def test_free_recordings_alone_are_chosen_from_the_training_folders(shared: Path) -> None:
    found = [item for name in TRAINING for item in read_recordings(shared / "data" / name)]
    chosen = [item.recording for item in choose(found, 17 * 60, seed=0, free_only=True)]
    assert {item.kind for item in chosen} == {"speech", "music", "sfx"} | (
        {item.kind for item in chosen} & {"singing"}
    )
    for item in chosen:
        assert "SA" not in item.licence.partition("(")[0]
        assert not item.licence.startswith("gpl:")
        assert item.licence != ""


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("CC0-1.0", True),
        ("CC0 (felix.blume; sources.md)", True),
        ("CC BY 4.0 (Dillon Becker)", True),
        ("CC-BY-3.0 (Zeropage)", True),
        ("MIT", True),
        ("Public Domain (per GCompris LICENSE)", True),
        ("GPL-3 or CC-BY-3.0 (Nikola Whallon)", True),
        ("CC BY-SA 3.0 or 4.0", False),
        ("CC-BY-SA-3.0 or GPL-3 or GPL-2 (Ivan)", False),
        ("CC BY-SA 3.0 / CC BY 3.0 / CC0 (per CREDITS)", False),
        ("CC BY-NC 4.0", False),
        ("gpl: MIT voices", False),
        ("", False),
    ],
)
def test_a_licence_is_free_or_not(licence: str, free: bool) -> None:
    assert is_free(licence) == free


def test_speakers_get_the_same_share_as_far_as_they_have_it() -> None:
    available = {"anna": 10, "bo": 60, "cy": 80}
    recordings = [
        Recording(Path(f"{speaker}{n}.wav"), 1.0, 20_000.0, speaker)
        for speaker, count in available.items()
        for n in range(count)
    ]
    chosen = choose(recordings, 50.0, seed=0)
    seconds = {
        speaker: sum(item.seconds for item in chosen if item.recording.speaker == speaker)
        for speaker in available
    }
    assert seconds == {"anna": 10.0, "bo": 20.0, "cy": 20.0}
    assert chosen == choose(recordings, 50.0, seed=0)
    assert chosen != choose(recordings, 50.0, seed=1)


@pytest.mark.parametrize(
    ("change", "free_only", "message"),
    [
        ({"bandwidth_hz": 15_900.0}, False, r"reaches 18 kHz \(the widest: 15.9 kHz\)"),
        ({"seconds": 3.0}, False, "3.0 s of full-band recordings are too short"),
        ({"licence": "CC BY-SA 3.0"}, True, "build without --free-only"),
    ],
)
def test_recordings_that_make_no_bank_are_refused(
    recording: Recording, change: dict, free_only: bool, message: str
) -> None:
    with pytest.raises(BankError, match=message):
        Bank.build([dataclasses.replace(recording, **change)], free_only=free_only)


def test_what_is_read_counts_and_not_what_a_manifest_says(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    audio_files.write(path, audio_files.noise(3.0, RATE_HZ), RATE_HZ)
    with pytest.raises(BankError, match=r"3\.0 s of full-band recordings are too short"):
        Bank.build([Recording(path, 600.0, 24_000.0, "anna", "CC0-1.0", "here")])


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
