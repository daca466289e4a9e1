"""What a training run is made of: one small TOML file."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from novasr.errors import AudioFormatError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


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
    held_out: float = 0.02  # share of the recordings kept for validation
    held_out_speakers: tuple[str, ...] = ()  # kept for it altogether


@dataclass(frozen=True)
class Degradation:
    """Chances, and ranges, of what happens to a clip; `degrade` says what each is."""

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
    filter_chance: float = 0.2
    telephone_chance: float = 0.02
    codec_chance: float = 0.05
    quantise_chance: float = 0.5
    silence_chance: float = 0.02


@dataclass(frozen=True)
class Loss:
    """Weights of the terms of the loss."""

    fft_sizes: tuple[int, ...] = (2048, 512)
    log_weights: tuple[float, ...] = (1.0, 0.5)
    convergence: float = 0.1
    consistency: float = 0.2
    waveform: float = 5.0
    adversarial: float = 0.0
    feature_matching: float = 2.0
    adversarial_from: float = 0.5  # share of the steps after which the discriminators join


@dataclass(frozen=True)
class Optimizer:
    """Adam with warm-up, cosine decays one after the other, and an average of the weights."""

    steps: int = 6000
    cycles: int = 1
    later_rates: float = 0.5  # of a cycle's first rate, what the next one begins with
    learning_rate: float = 3e-3
    final_share: float = 0.01
    warm_up: int = 100
    betas: tuple[float, float] = (0.9, 0.99)
    clip_norm: float = 1.0
    average: float = 0.998


@dataclass(frozen=True)
class Recipe:
    """A whole recipe; every field has a default, the file states what differs."""

    name: str = "base"
    seed: int = 1
    textbook_phases: bool = False  # see NovaSRNetwork
    data: Data = Data()
    degradation: Degradation = Degradation()
    loss: Loss = Loss()
    optimizer: Optimizer = Optimizer()


def load_recipe(name: str | Path) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    name : str or path
        A recipe of this package (``base``), or a TOML file.

    Returns
    -------
    Recipe
        The defaults, changed by the file.

    Raises
    ------
    AudioFormatError
        If there is no such recipe, or it holds something unknown.
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
        raise AudioFormatError(msg) from error
    except ValueError as error:
        raise AudioFormatError(f"recipe {str(name)!r}: {error}") from error
    try:
        recipe: Recipe = _build(Recipe, values)
    except TypeError as error:
        raise AudioFormatError(f"recipe {str(name)!r}: {error}") from error
    return recipe


def _build(kind: type[Any], values: dict[str, Any]) -> Any:
    defaults = kind()
    changes = {}
    for key, value in values.items():
        if key not in {f.name for f in dataclasses.fields(kind)}:
            raise TypeError(f"{key!r} is not one of {[f.name for f in dataclasses.fields(kind)]}")
        default = getattr(defaults, key)
        if dataclasses.is_dataclass(default):
            value = _build(type(default), value)
        elif isinstance(default, tuple):
            value = tuple(value)
        elif isinstance(default, float) and isinstance(value, int):
            value = float(value)
        if not isinstance(value, type(default)):
            raise TypeError(f"{key} must be of type {type(default).__name__}, not {value!r}")
        changes[key] = value
    return dataclasses.replace(defaults, **changes)


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
            "{ " + ", ".join(f"{key} = {_toml_value(inner)}" for key, inner in value.items()) + " }"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(inner) for inner in value) + "]"
    return json.dumps(value)
