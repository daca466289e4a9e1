"""The systems to compare: resamplers as baselines, and networks by name or file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np
import soxr

from novasr.engines import chain_weights, engine_format, is_script, refines
from novasr.errors import AudioFormatError, BankWarning, NovasrError, ParameterError
from novasr.evaluation.metrics import NARROWEST_HIGH_BAND_HZ
from novasr.evaluation.protocols import extended_frames, has_whole_ratio, sinc
from novasr.evaluation.signals import fit
from novasr.families.task import Task
from novasr.offline.arrays import enhanced
from novasr.offline.enhancement import Settings
from novasr.weights.hub import NAMED_WEIGHTS, download, sha256
from novasr.weights.load import load_tensors

if TYPE_CHECKING:
    from novasr.types import AnyFloatArray, DoubleArray, FloatArray, Mode, OfflineModelName

BASE = "base"
STUDIO: OfflineModelName = "studio"
_FORMERLY_BASE = "ours"
RESAMPLERS = ("sinc", "linear")
LOWEST_RATE_HZ = 44_100  #: at which outputs are compared
_LOWEST_BAND_HZ = 4_000.0  # of the lowest rate that a stream takes


def task_of(weights: str | Path | None = None) -> Task:
    """Tell the rates and the band of a network, by default of the one in this package.

    Raises
    ------
    WeightsError, StreamError
        If it cannot be read here.
    """
    return Task.of(engine_format("auto", weights))


def tasks_of(bands_khz: Sequence[float], own: Task, high_hz: int | None = None) -> tuple[Task, ...]:
    """Tell what is to be scored: recordings that are downsampled to twice each band.

    Parameters
    ----------
    bands_khz : sequence of float
        Where the input's band is to end; empty for the network's own band, or for that of the weights in this
        package if the network takes any band.
    own : Task
        Rates and band of the network.
    high_hz : int, optional
        Rate at which outputs are compared with recordings; by default that of the network's output.

    Raises
    ------
    ParameterError
        If a band or `high_hz` is out of range.
    """
    rate_hz = own.high_hz if high_hz is None else high_hz
    if high_hz is not None and not LOWEST_RATE_HZ <= high_hz <= own.high_hz:
        msg = f"rate: {LOWEST_RATE_HZ} .. {own.high_hz} Hz, not {high_hz}"
        raise ParameterError(msg)
    if not bands_khz:
        return (replace(own if own.ratio > 1 else task_of(), high_hz=rate_hz),)
    highest_hz = rate_hz / 2 - NARROWEST_HIGH_BAND_HZ
    tasks = []
    for band_khz in dict.fromkeys(bands_khz):
        band_hz = 1000 * band_khz
        if not _LOWEST_BAND_HZ <= band_hz <= highest_hz:
            msg = (
                f"bands: {_LOWEST_BAND_HZ / 1000:g} .. {highest_hz / 1000:g} kHz, not {band_khz:g}"
            )
            raise ParameterError(msg)
        tasks.append(Task(round(2 * band_hz), rate_hz, band_hz))
    return tuple(tasks)


@dataclass(frozen=True)
class System:
    """One way from a low rate to the high one.

    Attributes
    ----------
    name : str
        As reports call it; ``"sinc"`` and ``"linear"`` are resamplers, all others networks.
    weights : str or Path, optional
        The network's weights, ``None`` for those in this package.
    own : Task
        The network's own rates and band; unused for resamplers.
    bank : Path, optional
        Of the model studio, or of weights of that family, as is `index_rate`: see :func:`novasr.enhance`.
    """

    name: str
    weights: str | Path | None = None
    own: Task = field(default_factory=task_of)
    bank: Path | None = None
    index_rate: float | None = None

    @property
    def is_network(self) -> bool:
        """Whether it is no resampler."""
        return self.weights is not None or self.name not in RESAMPLERS

    def takes(self, task: Task) -> bool:
        """Tell whether it can extend from these rates: ``linear`` needs a whole ratio."""
        return self.is_network or self.name != "linear" or has_whole_ratio(task)

    def extend(self, low: AnyFloatArray, task: Task) -> DoubleArray:
        """Upsample a recording, knowing its rate alone; what has its full band already is extended, too.

        From its own rates a network's output is taken alone (``mode="full"``), without the input's own band; where
        it ends earlier, the engine pads with zeros. From other rates the stream resamples to the
        network's input and keeps the input's own band (``mode="extend"``). To another rate than the network's, its
        output is resampled by soxr's VHQ, as ``novasr enhance --rate`` does.

        Parameters
        ----------
        low : ndarray of float, shape (frames,)
            At ``task.low_hz``.
        task : Task
            Rates and band of the recording.

        Returns
        -------
        ndarray of float64, shape (frames * high_hz / low_hz,)
            At ``task.high_hz``.
        """
        if self.is_network:
            at_home = (task.low_hz, task.band_hz) == (self.own.low_hz, self.own.band_hz)
            mode: Mode = "full" if at_home else "extend"
            audio = np.asarray(low, np.float32)
            made = self._enhance(audio, task.low_hz, mode)
            if task.high_hz != self.own.high_hz:
                made = soxr.resample(made, self.own.high_hz, task.high_hz, "VHQ")
            return fit(made, extended_frames(len(low), task))
        if self.name == "sinc":
            return fit(sinc(low, task), extended_frames(len(low), task))
        return linear(low, task.ratio)

    def _enhance(self, audio: FloatArray, rate_hz: int, mode: Mode) -> FloatArray:
        settings = Settings(
            mode, weights=self.weights, jobs=1, bank=self.bank, index_rate=self.index_rate
        )
        with catch_warnings():
            simplefilter("ignore", BankWarning)
            return enhanced(audio, rate_hz, settings, force=True)


def linear(low: AnyFloatArray, ratio: int) -> DoubleArray:
    """Interpolate between neighbours, centred as image resizers do; the ends are held."""
    places = (np.arange(ratio * len(low)) + 0.5) / ratio - 0.5
    return np.interp(places, np.arange(len(low)), low)


def named(weights: str) -> System:
    """Find the network of a name that :func:`load_weights` knows or of a file, and check it; or ``"studio"``.

    Raises
    ------
    WeightsError, StreamError
        If it cannot be fetched or read.
    """
    if weights == STUDIO:
        return System(STUDIO, STUDIO, task_of(chain_weights(STUDIO)))
    place = download(weights) if weights in NAMED_WEIGHTS else weights
    if not is_script(place):
        load_tensors(place)
    label = _label(Path(weights)) if Path(weights).suffix else weights
    return System(label, place, task_of(place))


def _label(path: Path) -> str:
    """Name a file of weights; those that ``novasr train`` writes by the folder of the run."""
    return path.resolve().parent.name if path.stem == "weights" else path.stem


def distinct(names: Sequence[str]) -> list[str]:
    """Leave out repetitions; ``"ours"`` is an old name of ``"base"``."""
    return list(dict.fromkeys(BASE if name == _FORMERLY_BASE else name for name in names))


def local_task(weights: Sequence[str]) -> Task:
    """Tell the rates and the band of the first network that needs no download, or of the default one.

    Raises
    ------
    WeightsError, StreamError
        If it cannot be read here.
    """
    for item in weights:
        if item not in NAMED_WEIGHTS:
            return named(item).own
    return task_of()


def choose(
    weights: Sequence[str],
    *,
    baselines: bool,
    bank: Path | None = None,
    index_rate: float | None = None,
) -> tuple[list[System], dict[str, NovasrError]]:
    """List the systems to compare.

    Parameters
    ----------
    weights : sequence of str
        Networks that must be available, as for :func:`named`, or ``"ours"``; each is listed once.
    baselines : bool
        Add sinc, linear, and v1 and v2 where available.
    bank, index_rate : Path and float, optional
        Of the networks that refine recordings: see :func:`novasr.enhance`.

    Returns
    -------
    systems : list of System
        Resamplers first, the networks asked for last; those that would have one name go by what was asked for.
    left_out : dict of str to NovasrError
        Which of v1 and v2 is missing, and why.

    Raises
    ------
    WeightsError, StreamError
        If one of `weights` is not available.
    AudioFormatError
        If they differ in the rate of their output.
    ParameterError, BankError, MissingPackageError
        If the bank is missing, of no use to any of them, or cannot be read.
    """
    weights = distinct(weights)
    asked = [_with_bank(named(item), bank, index_rate) for item in weights]
    for option, given in (("bank", bank), ("index_rate", index_rate)):
        if given is not None and not any(refines(item.weights) for item in asked):
            raise ParameterError(f"{option} is for the model studio: add it, or leave {option} out")
    names = [system.name for system in asked] + [*RESAMPLERS, *NAMED_WEIGHTS]
    _require_one_rate(asked)
    asked = [
        replace(system, name=item)
        if item != system.name and names.count(system.name) > 1
        else system
        for item, system in zip(weights, asked, strict=True)
    ]
    if not baselines:
        return asked, {}
    found = [System(name) for name in RESAMPLERS]
    left_out: dict[str, NovasrError] = {}
    for name in (item for item in NAMED_WEIGHTS if item not in weights):
        try:
            baseline = named(name)
            _require_one_rate([*asked, baseline])
            found.append(baseline)
        except NovasrError as error:
            left_out[name] = error
    return found + asked, left_out


def bank_of(systems: Sequence[System]) -> dict[str, Any]:
    """Name the bank that the systems take levels from, and how far, for the conditions of a report."""
    for item in systems:
        if item.bank is not None:
            return {
                "bank": str(item.bank),
                "bank_sha256": sha256(item.bank),
                "index_rate": item.index_rate,
            }
    return {}


def _with_bank(system: System, bank: Path | None, index_rate: float | None) -> System:
    if not refines(system.weights):
        return system
    settings = Settings(weights=system.weights, bank=bank, index_rate=index_rate)
    settings.check_engine()
    return replace(system, bank=bank, index_rate=settings.index_rate)


def _require_one_rate(networks: Sequence[System]) -> None:
    first = networks[0]
    for other in networks:
        if other.own.high_hz != first.own.high_hz:
            msg = (
                f"{other.name} gives {other.own.high_hz} Hz, {first.name} {first.own.high_hz} Hz: "
                "evaluate them one at a time"
            )
            raise AudioFormatError(msg)
