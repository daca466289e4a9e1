"""A second family needs nothing but its own folder to be trained."""

import dataclasses
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile

from novasr import families
from novasr.errors import RecipeError

torch = needs.package("torch", "pip install 'novasr[train]'")

from safetensors import safe_open  # noqa: E402

from novasr.training.clips import TrainingClips, gather  # noqa: E402
from novasr.training.loop import train  # noqa: E402
from novasr.training.recipe import (  # noqa: E402
    Data,
    Degradation,
    Loss,
    Optimizer,
    Recipe,
    as_toml,
    load_recipe,
)

ALWAYS = Degradation(
    **{f.name: 0.9 for f in dataclasses.fields(Degradation) if f.name.endswith("_chance")}
)
RECIPE = Recipe(
    name="toy",
    family="toy",
    data=Data(clips=2, seconds=0.2, least_bandwidth_hz=6_000.0, held_out_share=0.25),
    loss=Loss(adversarial=0.1, adversarial_from=0.5),
    optimizer=Optimizer(steps=4, warm_up=1),
)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """Register the toy with the package: its folder, and its tensors as the native side lists them."""
    here = str(Path(__file__).parent / "families")
    tensors = {"filter.weight": (2, 1, 5), "filter.bias": (2,)}
    known = {**families.families(), "toy": {"name": "toy", "prefix": "", "tensors": tensors}}
    monkeypatch.setattr(families, "__path__", [*families.__path__, here])
    monkeypatch.setattr(families, "families", lambda: known)


@pytest.fixture
def recordings(tmp_path):
    rng = np.random.default_rng(1)
    for number in range(4):
        audio = 0.1 * rng.standard_normal(48_000)
        soundfile.write(tmp_path / f"{number}.wav", audio, (16_000, 48_000)[number % 2])
    return gather([tmp_path], RECIPE)


@pytest.mark.parametrize("chances", [Degradation(), ALWAYS])
def test_batches_have_its_rates(recordings, chances):
    clips = TrainingClips(recordings[0], dataclasses.replace(RECIPE, degradation=chances))
    for step in range(4):
        low, high, bandwidths, cutoffs = clips[step]
        assert (low.shape, high.shape) == ((2, 1, 1_600), (2, 1, 3_200))
        assert bandwidths.max() <= 8_000
        assert (cutoffs == 4_000).all()


def test_a_run_gives_weights_of_that_family(recordings, tmp_path):
    found = []
    path = train(*recordings, tmp_path / "run", RECIPE, report=found.append)
    assert found[-1].validation_lsd is not None
    with safe_open(path, framework="numpy") as file:
        assert file.metadata() == {"family": "toy"}
        assert set(file.keys()) == {"filter.weight", "filter.bias"}
    assert "12 float16 values: 8 to 16 kHz" in (tmp_path / "run" / "card.md").read_text()


def test_recipes_name_families_that_have_a_pytorch_form(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text(as_toml(RECIPE))
    assert load_recipe(path) == RECIPE
    path.write_text("family = 'none'")
    with pytest.raises(RecipeError, match="one of novasr, wide, toy, studio, not 'none'"):
        load_recipe(path)
