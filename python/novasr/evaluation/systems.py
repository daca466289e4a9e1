"""What is compared: resamplers as baselines, and networks by name or file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from novasr.engines import is_script
from novasr.errors import NovasrError
from novasr.evaluation.protocols import sinc
from novasr.evaluation.signals import fit
from novasr.offline.arrays import enhance
from novasr.rates import MODEL_INPUT_HZ, MODEL_OUTPUT_HZ
from novasr.weights.hub import NAMED_WEIGHTS, download
from novasr.weights.load import load_tensors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from novasr.evaluation.signals import Array, Audio

OURS = "ours"
RESAMPLERS = ("sinc", "linear")
_RATIO = MODEL_OUTPUT_HZ // MODEL_INPUT_HZ


@dataclass(frozen=True)
class System:
    """One way from 16 kHz to 48 kHz.

    Attributes
    ----------
    name : str
        As reports call it; ``"sinc"`` and ``"linear"`` are resamplers, all others networks.
    weights : Path, optional
        The network's weights, ``None`` for those in this package.
    """

    name: str
    weights: Path | None = None

    def extend(self, low: Audio) -> Array:
        """Give 3 N frames at 48 kHz for N at 16 kHz, the network's alone.

        The network itself gives 3 N - 4; the engine fills up with zeros at the end.
        """
        if self.weights is None and self.name == "sinc":
            return fit(sinc(low), _RATIO * len(low))
        if self.weights is None and self.name == "linear":
            return linear(low)
        audio = np.asarray(low, np.float32)
        made = enhance(audio, MODEL_INPUT_HZ, mode="full", weights=self.weights)
        return np.asarray(made, np.float64)


def linear(low: Audio) -> Array:
    """Interpolate between neighbours, as the network does inside; the ends are held."""
    places = (np.arange(_RATIO * len(low)) + 0.5) / _RATIO - 0.5
    return np.interp(places, np.arange(len(low)), low)


def named(weights: str) -> System:
    """Find the network of ``ours``, ``v1``, ``v2`` or a file, and read it once to see that it is whole.

    Raises
    ------
    WeightsError, StreamError
        If it cannot be fetched or read here.
    """
    if weights == OURS:
        return System(OURS)
    path = download(weights) if weights in NAMED_WEIGHTS else Path(weights)
    if not is_script(path):
        load_tensors(path)
    return System(weights if weights in NAMED_WEIGHTS else path.stem, path)


def choose(
    weights: Sequence[str], *, baselines: bool
) -> tuple[list[System], dict[str, NovasrError]]:
    """List the systems to compare.

    Parameters
    ----------
    weights : sequence of str
        Networks that must be there, as for :func:`named`.
    baselines : bool
        Add sinc, linear, and those of v1 and v2 that can be had.

    Returns
    -------
    systems : list of System
        Resamplers first.
    left_out : dict of str to NovasrError
        Which of v1 and v2 is missing, and why.

    Raises
    ------
    WeightsError, StreamError
        If one of `weights` cannot be had.
    """
    asked = [named(item) for item in dict.fromkeys(weights)]
    names = [system.name for system in asked] + [*RESAMPLERS, *NAMED_WEIGHTS]
    asked = [
        System(item, system.weights)
        if item != system.name and names.count(system.name) > 1
        else system
        for item, system in zip(dict.fromkeys(weights), asked, strict=True)
    ]
    if not baselines:
        return asked, {}
    found: list[System] = [System(name) for name in RESAMPLERS]
    left_out: dict[str, NovasrError] = {}
    for name in (item for item in NAMED_WEIGHTS if item not in weights):
        try:
            found.append(named(name))
        except NovasrError as error:
            left_out[name] = error
    return found + asked, left_out
