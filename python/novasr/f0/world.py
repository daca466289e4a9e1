"""Harvest and DIO, as pyworld computes them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from novasr.f0.search import RATE_HZ

if TYPE_CHECKING:
    from novasr.f0.search import Search
    from novasr.types import DoubleArray


def harvest(audio: DoubleArray, search: Search) -> DoubleArray:
    """Track with Harvest (Morise, Interspeech 2017)."""
    found, _ = _pyworld().harvest(
        audio, RATE_HZ, search.floor_hz, search.ceiling_hz, search.period_ms
    )
    return np.asarray(found)


def dio(audio: DoubleArray, search: Search) -> DoubleArray:
    """Track with DIO, refined by StoneMask (Morise et al., IEICE Trans. E99-D, 2016)."""
    world = _pyworld()
    coarse, seconds = world.dio(
        audio, RATE_HZ, search.floor_hz, search.ceiling_hz, frame_period=search.period_ms
    )
    return np.asarray(world.stonemask(audio, coarse, seconds, RATE_HZ))


def _pyworld() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about the pkg_resources that it imports
        import pyworld

    return pyworld
