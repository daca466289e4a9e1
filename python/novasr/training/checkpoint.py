"""Checkpoints: the state from which a killed run resumes bit for bit."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from novasr.errors import WeightsError
from novasr.filesystem.replacing import replacing

FILE = "checkpoint.pt"
_KEYS = {"recipe", "steps", "recordings", "step", "network", "average", "optimizer", "objective"}


def save(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state atomically: a kill at any moment leaves the old file or the new one."""
    with replacing(folder / FILE) as temporary, temporary.open("wb") as file:
        torch.save(dict(state), file)
        file.flush()
        os.fsync(file.fileno())


def load(folder: Path) -> dict[str, Any] | None:
    """Read the state that :func:`save` wrote; None without a file.

    Raises
    ------
    WeightsError
        If the file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = str(error).partition("\n")[0]
        msg = f"{path}: not a readable checkpoint ({reason}); remove it to start again"
        raise WeightsError(msg) from error
    if not isinstance(state, dict) or not state.keys() >= _KEYS:
        raise WeightsError(f"{path}: not a checkpoint of novasr train; choose another --output")
    return state


def plain(recipe: Any) -> dict[str, Any]:
    """Turn a recipe into a dictionary of lists, numbers and words, as a checkpoint holds it."""
    values = dataclasses.asdict(recipe)
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value
