"""The systems to compare: resamplers as baselines, and networks by name or file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from novasr.engines import engine_format, is_script
from novasr.errors import AudioFormatError, NovasrError, ParameterError
from novasr.evaluation.protocols import sinc
from novasr.evaluation.signals import fit
from novasr.families.task import Task
from novasr.offline.arrays import enhance
from novasr.weights.hub import NAMED_WEIGHTS, download
from novasr.weights.load import load_tensors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from novasr.types import AnyFloatArray, DoubleArray

OURS = "ours"
RESAMPLERS = ("sinc", "linear")


def task_of(weights: Path | None = None) -> Task:
    """Tell the rates and the band of a network, by default of the one in this package.

    Raises
    ------
    WeightsError, StreamError
        If it cannot be read here.
    """
    return Task.of(engine_format("auto", weights))


@dataclass(frozen=True)
class System:
    """One way from the low rate to the high one.

    Attributes
    ----------
    name : str
        As reports call it; ``"sinc"`` and ``"linear"`` are resamplers, all others networks.
    weights : Path, optional
        The network's weights, ``None`` for those in this package.
    task : Task
        Rates and band.
    """

    name: str
    weights: Path | None = None
    task: Task = field(default_factory=task_of)

    def extend(self, low: AnyFloatArray) -> DoubleArray:
        """Upsample N frames to ``ratio * N``; a network's output alone, without the input's own band.

        Where a network's output ends earlier, the engine pads with zeros.
        """
        if self.weights is None and self.name == "sinc":
            return fit(sinc(low, self.task), self.task.ratio * len(low))
        if self.weights is None and self.name == "linear":
            return linear(low, self.task.ratio)
        audio = np.asarray(low, np.float32)
        made = enhance(audio, self.task.low_hz, mode="full", weights=self.weights)
        return np.asarray(made, np.float64)


def linear(low: AnyFloatArray, ratio: int) -> DoubleArray:
    """Interpolate between neighbours, centred as image resizers do; the ends are held."""
    places = (np.arange(ratio * len(low)) + 0.5) / ratio - 0.5
    return np.interp(places, np.arange(len(low)), low)


def named(weights: str) -> System:
    """Find the network of ``ours``, ``v1``, ``v2`` or a file, and read it once to check it.

    Raises
    ------
    WeightsError, StreamError
        If it cannot be fetched or read.
    ParameterError
        If it takes any band: there is no protocol for that yet.
    """
    if weights == OURS:
        return System(OURS)
    path = download(weights) if weights in NAMED_WEIGHTS else Path(weights)
    if not is_script(path):
        load_tensors(path)
    task = task_of(path)
    if task.ratio == 1:
        msg = f"weights {weights!r}: evaluation has no protocol yet for a model that takes any band"
        raise ParameterError(msg)
    return System(weights if weights in NAMED_WEIGHTS else _label(path), path, task)


def _label(path: Path) -> str:
    """Name a file of weights; those that ``novasr train`` writes by the folder of the run."""
    return path.resolve().parent.name if path.stem == "weights" else path.stem


def local_task(weights: Sequence[str]) -> Task:
    """Tell the rates and the band of the first network that needs no download, or of the default one.

    Raises
    ------
    WeightsError, StreamError
        If it cannot be read here.
    """
    for item in weights:
        if item not in NAMED_WEIGHTS:
            return named(item).task
    return task_of()


def choose(
    weights: Sequence[str], *, baselines: bool
) -> tuple[list[System], dict[str, NovasrError]]:
    """List the systems to compare.

    Parameters
    ----------
    weights : sequence of str
        Networks that must be available, as for :func:`named`.
    baselines : bool
        Add sinc, linear, and v1 and v2 where available.

    Returns
    -------
    systems : list of System
        Resamplers first.
    left_out : dict of str to NovasrError
        Which of v1 and v2 is missing, and why.

    Raises
    ------
    WeightsError, StreamError
        If one of `weights` is not available.
    AudioFormatError
        If they differ in their rates or band.
    """
    asked = [named(item) for item in dict.fromkeys(weights)]
    names = [system.name for system in asked] + [*RESAMPLERS, *NAMED_WEIGHTS]
    task = _common_task(asked)
    asked = [
        replace(system, name=item)
        if item != system.name and names.count(system.name) > 1
        else system
        for item, system in zip(dict.fromkeys(weights), asked, strict=True)
    ]
    if not baselines:
        return asked, {}
    found: list[System] = [System(name, task=task) for name in RESAMPLERS]
    left_out: dict[str, NovasrError] = {}
    for name in (item for item in NAMED_WEIGHTS if item not in weights):
        try:
            baseline = named(name)
            _common_task([*found, baseline])
            found.append(baseline)
        except NovasrError as error:
            left_out[name] = error
    return found + asked, left_out


def _common_task(systems: Sequence[System]) -> Task:
    first = systems[0]
    for other in systems:
        if other.task != first.task:
            msg = (
                f"{other.name} works from {other.task}, {first.name} from {first.task}: "
                "evaluate them one at a time"
            )
            raise AudioFormatError(msg)
    return first.task
