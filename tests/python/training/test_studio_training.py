"""Training of the family studio: three stages that repeat and resume to the bit."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile
import torch

import novasr
from novasr.errors import RecipeError
from novasr.training.clips import gather
from novasr.training.loop import train
from novasr.training.recipe import Data, Flow, Loss, Optimizer, Recipe, as_toml, load_recipe
from novasr.weights.load import load_weights

needs.package("pyworld", "pip install '.[f0]'")
RATE_HZ = 48_000
TINY = Recipe(
    name="tiny",
    family="studio",
    data=Data(clips=2, seconds=1.2, held_out_share=0.25),
    loss=Loss(adversarial=0.05),
    flow=Flow(f0="dio"),
    optimizer=Optimizer(steps=9, warm_up=2, cycles=(4 / 9, 2 / 9, 3 / 9), later_rates=1.0),
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The layers are small: further threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    """Four voices with harmonics up to the top, under noise that follows their loudness."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(5)
    rows = ["file,seconds,bandwidth_khz,speaker,licence,source_repo"]
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    for number in range(4):
        phase = 2 * np.pi * np.cumsum(100 + 30 * number + 20 * np.sin(4 * np.pi * t)) / RATE_HZ
        voice = sum(np.sin(k * phase) / k for k in range(1, 120))
        loud = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * t)
        audio = 0.1 * loud * (voice / 2 + 0.3 * rng.standard_normal(len(t)))
        soundfile.write(folder / f"voice_{number}.wav", audio, RATE_HZ)
        rows.append(f"voice_{number}.wav,2.0,24,speaker_{number},CC0-1.0,made-up/voices")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def whole(recordings, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("whole")
    return train(*gather([recordings], TINY), run, TINY)


def test_same_recipe_same_bytes_other_seed_others(recordings, whole, tmp_path):
    groups = gather([recordings], TINY)
    assert train(*groups, tmp_path / "a", TINY).read_bytes() == whole.read_bytes()
    other = dataclasses.replace(TINY, seed=2)
    assert train(*groups, tmp_path / "b", other).read_bytes() != whole.read_bytes()


@pytest.mark.parametrize("cut", [2, 3, 5, 7], ids="after {} steps".format)
def test_a_cut_in_any_stage_leaves_no_trace(recordings, whole, tmp_path, cut):
    def stop(progress):
        if progress.step == cut:
            raise KeyboardInterrupt

    groups = gather([recordings], TINY)
    with pytest.raises(KeyboardInterrupt):
        train(*groups, tmp_path, TINY, report=stop)
    assert torch.load(tmp_path / "checkpoint.pt")["step"] == cut
    assert train(*groups, tmp_path, TINY).read_bytes() == whole.read_bytes()


def test_each_stage_learns_its_part(recordings, tmp_path):
    """And leaves the others' alone: what latents are is the first stage's part."""
    recipe = dataclasses.replace(
        TINY,
        loss=Loss(),
        optimizer=dataclasses.replace(
            TINY.optimizer, steps=120, cycles=(0.5, 0.3, 0.2), learning_rate=3e-3
        ),
    )
    seen = {}

    def keep(progress):
        if progress.step in (60, 120):
            state = torch.load(tmp_path / "checkpoint.pt")
            seen[progress.step] = state["network"]

    train(*gather([recordings], recipe), tmp_path, recipe, report=keep, save_every_seconds=0)
    with (tmp_path / "log.csv").open(newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["total"]]
    for stage, first, last in (("reconstruction", 10, 60), ("flow", 70, 90)):
        values = {int(row["step"]): float(row[stage]) for row in rows if row[stage]}
        assert values[last] < 0.8 * values[first], stage
    assert all(row["one_step"] for row in rows if int(row["step"]) > 100)
    for name, value in seen[60].items():
        same = torch.equal(value, seen[120][name])
        assert same == name.startswith(("autoencoder.encoder", "autoencoder.transform")), name


def test_the_weights_know_how_the_fundamental_was_tracked(recordings, whole, tmp_path):
    assert load_weights(whole).metadata["f0"] == "dio"
    recipe = dataclasses.replace(TINY, flow=Flow(f0="none"))
    other = train(*gather([recordings], recipe), tmp_path, recipe, steps=3)
    assert load_weights(other).metadata["f0"] == "none"
    for weights in (whole, other):
        made = novasr.enhance(np.zeros(8_000, np.float32), 16_000, weights=weights)
        assert not made.any()


def test_its_card_and_size(whole):
    card = (whole.parent / "card.md").read_text()
    assert "Model family studio" in card
    assert "made-up/voices | CC0-1.0" in card
    assert 'f0 = "dio"' in card
    assert whole.stat().st_size <= 6_000_000


def test_the_packaged_recipe_reads_as_it_is_written(tmp_path):
    recipe = load_recipe("studio")
    assert len(recipe.optimizer.cycles) == 3
    (tmp_path / "again.toml").write_text(as_toml(recipe))
    assert load_recipe(tmp_path / "again.toml") == recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('family = "studio"', "cycles of the family studio must be 3"),
        (
            'family = "studio"\n[data]\nclips = 1\n[optimizer]\ncycles = [0.5, 0.25, 0.25]',
            "needs at least 2 clips of 1 s",
        ),
        ('[flow]\nf0 = "ear"', "f0 must be one of harvest, dio"),
        ("[flow]\nlatent_noise = -1", "latent_noise must not be negative"),
        ("[flow]\nspread = 1.5", "spread must be from 0 to 1"),
    ],
)
def test_recipes_that_cannot_be_used(tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(RecipeError, match=message):
        load_recipe(tmp_path / "bad.toml")
