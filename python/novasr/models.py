"""The models of this package by name, and which weights a call means."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from novasr.checks import check_choice
from novasr.engines import WHOLE_RECORDINGS, family_of, is_script
from novasr.errors import ParameterError
from novasr.families import OFFLINE_FAMILIES
from novasr.types import ModelName, OfflineModelName
from novasr.weights.load import PACKAGED_WEIGHTS

MODELS: tuple[str, ...] = get_args(ModelName)
OFFLINE_MODELS: tuple[str, ...] = get_args(OfflineModelName)


def chosen_weights(
    model: OfflineModelName | None, weights: str | Path | None, *, offline: bool = False
) -> str | Path | None:
    """Give the weights that a model's name and other weights, of which either may be missing, stand for.

    Parameters
    ----------
    model : {"base", "wide", "studio"}, optional
        A model of this package. Weights know their model themselves; a name given with them is checked.
    weights : str or path, optional
        As for :func:`novasr.load_model`, or a ``.ts`` file.
    offline : bool
        For a whole recording, not for a stream: ``"studio"`` is allowed.

    Returns
    -------
    str, Path or None
        `weights`, or without them the name of the model; ``None`` if neither is given.

    Raises
    ------
    ParameterError
        If there is no such model, the weights are another model's, or a ``.ts`` file is given as well.
    WeightsError
        If the weights cannot be read.
    """
    if weights in OFFLINE_FAMILIES:
        raise ParameterError(
            f"weights {weights!r}: that is a model without weights: model={weights!r}"
        )
    if model is None:
        return weights
    if not offline and model in OFFLINE_MODELS and model not in MODELS:
        raise ParameterError(f"model={model!r} {WHOLE_RECORDINGS}; here use model='wide'")
    check_choice("model", model, OFFLINE_MODELS if offline else MODELS)
    if weights is None:
        return model
    if is_script(weights):
        raise ParameterError(
            f"model={model!r} and the script {str(weights)!r}: give one of the two"
        )
    packaged = PACKAGED_WEIGHTS.get(model)
    family, found = packaged.family if packaged else model, family_of(weights)
    if found != family:
        msg = (
            f"model={model!r} is of the family {family!r}, the weights {str(weights)!r} of {found!r}: "
            "give one of the two"
        )
        raise ParameterError(msg)
    return weights


def model_name(weights: str | Path | None) -> str:
    """Name what these weights are for people: a model of this package, or their file."""
    return "base" if weights is None else Path(weights).name
