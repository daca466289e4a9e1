"""Recipes: the settings of a training run, as a small TOML file."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from novasr.errors import RecipeError
from novasr.f0 import METHODS
from novasr.families import torch_families

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


_CELLS = ("conv", "gru")
_STUDIO_STAGES = 3
_LEAST_STUDIO_SECONDS = 1.0  # the first half of a clip's second is not learnt from


@dataclass(frozen=True)
class Data:
    """How recordings become clips."""

    clips: int = 8  # in a step
    seconds: float = 0.4  # of each clip
    kind_shares: dict[str, float] = field(
        default_factory=lambda: {"speech": 0.7, "singing": 0.05, "music": 0.25}
    )
    speaker_balance: float = 0.5  # 0: by hours, 1: all speakers alike
    speaker_weights: dict[str, float] = field(default_factory=dict)  # on top of that
    least_bandwidth_hz: float = 16_000.0  # recordings with less are left out
    left_out_licences: tuple[str, ...] = ()  # by their beginnings, in any case
    held_out_share: float = 0.02  # of the recordings, for validation
    held_out_speakers: tuple[str, ...] = ()  # kept for it altogether


@dataclass(frozen=True)
class Degradation:
    """Probabilities and ranges of augmentations and degradations; :mod:`novasr.training.degrade` has each."""

    speed_chance: float = 0.6
    speed: tuple[float, float] = (0.75, 1.33)
    tone_chance: float = 0.4
    tone_db: float = 4.0
    mix_chance: float = 0.1
    level_chance: float = 0.5
    level_db: tuple[float, float] = (-40.0, 0.0)  # of the peak
    room_chance: float = 0.1
    noise_chance: float = 0.2
    noise_db: tuple[float, float] = (-100.0, -60.0)
    noise_below_peak: bool = False  # noise_db is in dB of the clip's peak, not of full scale
    noise_fall: tuple[float, float] = (0.0, 0.5)  # 0 white, 0.5 pink, below 0 it rises
    filter_chance: float = 0.2
    filters: tuple[str, ...] = ("butterworth", "chebyshev", "elliptic", "bessel")
    telephone_chance: float = 0.02
    codec_chance: float = 0.05
    codecs: tuple[str, ...] = ("opus", "mp3", "ulaw", "gsm")
    quantise_chance: float = 0.5
    silence_chance: float = 0.02
    onset_chance: float = 0.0  # of digital silence up to some point, as behind a gate
    tilt_chance: float = 0.0
    tilt_db: tuple[float, float] = (-14.0, 16.0)  # at half the rate, from 1 kHz on
    common_band_chance: float = 0.55  # of a family that takes any band: one of these, not anywhere
    common_bands_hz: tuple[float, ...] = (4_000.0, 8_000.0, 8_000.0)
    cutoff_error: float = 0.03  # at most, as a share, in what the network is told


@dataclass(frozen=True)
class Loss:
    """Weights of the terms of the loss."""

    fft_sizes: tuple[int, ...] = (2048, 512)
    log_weights: tuple[float, ...] = (1.0, 0.5)
    convergence: float = 0.1
    low_band: float = 0.2
    waveform: float = 5.0
    adversarial: float = 0.0
    feature_matching: float = 2.0
    adversarial_from: float = 0.5  # share of the steps after which the discriminators join


@dataclass(frozen=True)
class Optimizer:
    """Adam with warm-up, consecutive cosine decays, and a moving average of the weights."""

    steps: int = 6000
    cycles: tuple[float, ...] = (1.0,)  # their shares of the steps
    later_rates: float = 0.7  # of a cycle's first rate, what the next one begins with
    learning_rate: float = 3e-3
    final_share: float = 0.01
    warm_up: int = 100
    betas: tuple[float, float] = (0.9, 0.99)
    clip_norm: float = 1.0
    average: float = 0.998


@dataclass(frozen=True)
class Flow:
    """Of the family studio; its stages have the shares of the optimiser's cycles."""

    latent_noise: float = 0.5  # at most, on the latents that the autoencoder learns from
    f0: str = "none"  # or a method of novasr.f0
    spread: float = 1.0  # of a single step's results: 0 the least distance, 1 as the recordings', with all noise


@dataclass(frozen=True)
class Recipe:
    """A recipe; every field has a default, which the file overrides."""

    name: str = "novasr-short"
    family: str = "novasr"  # of the model, one that has a PyTorch form
    seed: int = 1
    cell: str = "conv"  # of the family wide: "conv", or "gru", which no engine runs
    textbook_phases: bool = False  # of the family novasr: see its `new_network`
    data: Data = Data()
    degradation: Degradation = Degradation()
    loss: Loss = Loss()
    optimizer: Optimizer = Optimizer()
    flow: Flow = Flow()


def load_recipe(name: str | Path) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    name : str or path
        A recipe of this package (``novasr-short``), or a TOML file.

    Returns
    -------
    Recipe
        The defaults, overridden by the file.

    Raises
    ------
    RecipeError
        If there is no such recipe, or it holds an unknown or invalid field.
    """
    packaged = files("novasr.training") / "recipes" / f"{name}.toml"
    try:
        if packaged.is_file():
            with as_file(packaged) as path:
                values = tomllib.loads(path.read_text(encoding="utf-8"))
        else:
            values = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"recipe {str(name)!r}: no such recipe or file ({error.strerror})"
        raise RecipeError(msg) from error
    except ValueError as error:
        raise RecipeError(f"recipe {str(name)!r}: {error}") from error
    try:
        recipe: Recipe = _build(Recipe, values)
        _check(recipe)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"recipe {str(name)!r}: {error}") from error
    return recipe


def _build(kind: type[Any], values: dict[str, Any]) -> Any:
    defaults = kind()
    changes = {}
    for key, value in values.items():
        if key not in {f.name for f in dataclasses.fields(kind)}:
            raise TypeError(f"{key!r} is not one of {[f.name for f in dataclasses.fields(kind)]}")
        changes[key] = _converted(key, value, getattr(defaults, key))
    return dataclasses.replace(defaults, **changes)


def _converted(key: str, value: Any, default: Any) -> Any:
    """Give `value` the type of `default`: a number may be written without its point."""
    if dataclasses.is_dataclass(default) and isinstance(value, dict):
        return _build(type(default), value)
    if isinstance(default, tuple) and isinstance(value, list):
        example = default[0] if default else ""
        return tuple(_converted(key, item, example) for item in value)
    if isinstance(default, dict) and isinstance(value, dict):
        return {name: _converted(f"{key}.{name}", item, 1.0) for name, item in value.items()}
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        wanted = "a list" if isinstance(default, tuple) else type(default).__name__
        raise TypeError(f"{key} must be {wanted}, not {value!r}")
    return value


def _check(recipe: Recipe) -> None:
    """Refuse values that a run cannot use."""
    data, loss, optimizer = recipe.data, recipe.loss, recipe.optimizer
    if recipe.family not in (known := torch_families()):
        raise ValueError(f"family must be one of {', '.join(known)}, not {recipe.family!r}")
    if recipe.cell not in _CELLS:
        raise ValueError(f"cell must be one of {', '.join(_CELLS)}, not {recipe.cell!r}")
    if recipe.family == "studio" and len(recipe.optimizer.cycles) != _STUDIO_STAGES:
        raise ValueError(
            f"cycles of the family studio must be {_STUDIO_STAGES}: one for each stage"
        )
    if recipe.family == "studio" and (data.clips < 2 or data.seconds < _LEAST_STUDIO_SECONDS):
        raise ValueError(
            f"the family studio needs at least 2 clips of {_LEAST_STUDIO_SECONDS:g} s each in a step"
        )
    if recipe.flow.f0 not in (methods := (*METHODS, "none")):
        raise ValueError(f"f0 must be one of {', '.join(methods)}, not {recipe.flow.f0!r}")
    if recipe.flow.latent_noise < 0:
        raise ValueError(f"latent_noise must not be negative, not {recipe.flow.latent_noise}")
    if not 0.0 <= recipe.flow.spread <= 1.0:
        raise ValueError(f"spread must be from 0 to 1, not {recipe.flow.spread}")
    if recipe.cell != "conv" and recipe.family != "wide":
        raise ValueError(f"cell is for the family wide, not for {recipe.family!r}")
    for name, chance in dataclasses.asdict(recipe.degradation).items():
        if name.endswith("_chance") and not 0.0 <= chance <= 1.0:
            raise ValueError(f"{name} must be from 0 to 1, not {chance}")
    for name, low, high in (
        ("speed", 0.25, 4.0),
        ("level_db", -100.0, 0.0),
        ("noise_db", -200.0, 0.0),
        ("noise_fall", -2.0, 2.0),
        ("tilt_db", -60.0, 60.0),
    ):
        pair = getattr(recipe.degradation, name)
        if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high:
            raise ValueError(f"{name} must be two rising numbers from {low:g} to {high:g}")
    bands = recipe.degradation.common_bands_hz
    if not bands or not all(1_000.0 <= band <= 20_000.0 for band in bands):
        raise ValueError("common_bands_hz must be some of 1000 to 20000")
    if not 0.0 <= recipe.degradation.cutoff_error <= 0.5:
        raise ValueError(
            f"cutoff_error must be from 0 to 0.5, not {recipe.degradation.cutoff_error}"
        )
    for name in ("filters", "codecs"):
        chosen, defaults = (getattr(one, name) for one in (recipe.degradation, Degradation()))
        if not chosen or not set(chosen) <= set(defaults):
            raise ValueError(f"{name} must be some of {', '.join(defaults)}")
    if not 0.0 <= data.held_out_share <= 0.5:
        raise ValueError(f"held_out_share must be from 0 to 0.5, not {data.held_out_share}")
    if data.clips < 1 or data.seconds < 0.1:
        raise ValueError("clips must be at least 1, seconds at least 0.1")
    if any(share < 0 for share in (*data.kind_shares.values(), *data.speaker_weights.values())):
        raise ValueError("kind_shares and speaker_weights must not be negative")
    sizes_fit = all(16 <= size <= 4096 for size in loss.fft_sizes)
    if not loss.fft_sizes or len(loss.fft_sizes) != len(loss.log_weights) or not sizes_fit:
        raise ValueError("fft_sizes (16 to 4096) and log_weights must go in pairs")
    if optimizer.steps < 1 or optimizer.warm_up < 1:
        raise ValueError("steps and warm_up must be at least 1")
    if not optimizer.cycles or min(optimizer.cycles) <= 0 or abs(sum(optimizer.cycles) - 1) > 1e-6:
        raise ValueError("cycles must be shares above 0 that add up to 1")
    if len(optimizer.betas) != 2 or not all(0.0 <= beta < 1.0 for beta in optimizer.betas):
        raise ValueError("betas must be two numbers from 0 to 1")


def as_toml(recipe: Recipe) -> str:
    """Write a recipe out in full, as :func:`load_recipe` reads it."""
    head, tables = [], []
    for name, value in dataclasses.asdict(recipe).items():
        if isinstance(value, dict):
            rows = "\n".join(f"{key} = {_toml_value(inner)}" for key, inner in value.items())
            tables.append(f"[{name}]\n{rows}\n")
        else:
            head.append(f"{name} = {_toml_value(value)}")
    return "\n".join(head) + "\n\n" + "\n".join(tables)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(f"{json.dumps(key)} = {_toml_value(inner)}" for key, inner in value.items())
            + " }"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(inner) for inner in value) + "]"
    return json.dumps(value)
