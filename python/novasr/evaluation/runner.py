"""Run systems over recordings and score their outputs."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from novasr.audio.metadata import Metadata
from novasr.audio.reading import AudioReader
from novasr.audio.writing import Layout, write_file
from novasr.errors import (
    AudioFormatError,
    MissingPackageError,
    NovasrError,
    ParameterError,
    blaming,
    install_command,
)
from novasr.evaluation import metrics
from novasr.evaluation.protocols import (
    DEGRADATIONS,
    USUAL_DEGRADATION,
    keep_low_band,
    match_gain,
)
from novasr.evaluation.robustness import CONDITIONS
from novasr.evaluation.signals import fit
from novasr.evaluation.systems import System, task_of
from novasr.families.task import Task
from novasr.training.datasets import LeftOut, Recording, Tell

if TYPE_CHECKING:
    from novasr.evaluation.metrics import Distance
    from novasr.types import AnyFloatArray, DoubleArray

SHORTEST_FRAMES = 2_400  # all windows fit when their ends are mirrored
_LEAST_SHARE = 0.6  # of the rate: a recording at less holds too little of the band that is scored
VARIANTS = ("plain", "replaced", "matched")
CLEAN = "clean"

#: Columns of each metric, and the module that it needs.
METRICS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "lsd": (("lsd", "lsd_lf", "lsd_hf"), None),
    "mrstft": (("mrstft",), None),
    "si_sdr": (("si_sdr",), None),
    "consistency": (("consistency",), None),
    "f0": (("f0_cents", "f0_gross", "voicing"), "pyworld"),
    "visqol": (("visqol",), "visqol"),
}
USUAL_METRICS = ("lsd", "mrstft", "si_sdr", "consistency", "f0")
_WITH_F0 = ("speech", "singing")


@dataclass(frozen=True)
class Settings:
    """How to score.

    Attributes
    ----------
    metrics : tuple of str
        Keys of :data:`METRICS`.
    protocol : {"p1", "p2"}
        Whose log-spectral distance and average.
    degradation : str, optional
        Key of :data:`DEGRADATIONS`; by default the protocol's.
    all_bins : bool
        Score up to half the high rate, whatever the recording's band.
    robustness : bool
        Score the conditions of :mod:`novasr.evaluation.robustness` as well, by LSD alone.
    save : Path, optional
        Folder for the outputs.
    task : Task
        Rates and band of the systems, by default of the network in this package.
    """

    metrics: tuple[str, ...] = USUAL_METRICS
    protocol: Distance = "p1"
    degradation: str | None = None
    all_bins: bool = False
    robustness: bool = False
    save: Path | None = None
    task: Task = field(default_factory=task_of)

    @property
    def downsampling(self) -> str:
        """Key of the degradation."""
        return self.degradation or USUAL_DEGRADATION[self.protocol]

    def degrade(self, audio: AnyFloatArray) -> DoubleArray:
        """Downsample a recording to the systems' input."""
        return DEGRADATIONS[self.downsampling](audio, self.task)


@dataclass(frozen=True)
class Score:
    """The scores of one system on one recording.

    Attributes
    ----------
    recording, kind, speaker : str
        The recording, its class and its speaker.
    system, variant, condition : str
        Whose output, with which of :data:`VARIANTS`, from which input.
    values : dict of str to float
        By column of :data:`METRICS`; NaN where a score is undefined.
    """

    recording: str
    kind: str
    speaker: str
    system: str
    variant: str
    condition: str
    values: dict[str, float]


def require_metrics(names: Sequence[str]) -> None:
    """Fail early if a metric is unknown or its package is missing.

    Raises
    ------
    ParameterError
        If there is no such metric.
    MissingPackageError
        If a package is missing; the message says how to install it.
    """
    for name in names:
        if name not in METRICS:
            msg = f"no metric is called {name!r}: choose from {', '.join(METRICS)}"
            raise ParameterError(msg)
        module = METRICS[name][1]
        if module is not None and find_spec(module) is None:
            msg = f"the metric {name!r} needs {module}: {install_command('evaluate')}"
            raise MissingPackageError(msg)


def evaluate(
    recordings: Sequence[Recording],
    systems: Sequence[System],
    settings: Settings,
    *,
    jobs: int = 1,
    report: Callable[[float, float], None] = lambda done, total: None,
    left_out: Tell | None = None,
) -> list[Score]:
    """Score every system on every recording.

    Parameters
    ----------
    recordings : sequence of Recording
        Recordings at the high rate; of several channels the first is used.
    systems : sequence of System
        The systems to compare.
    settings : Settings
        How to score.
    jobs : int
        Processes.
    report : callable
        Called with the seconds of audio done and in total.
    left_out : callable, optional
        Called with the reason for each unusable recording; without it the first one is raised.

    Returns
    -------
    list of Score
        By recording, then condition, system and variant.

    Raises
    ------
    AudioFileError
        If an output cannot be written, or too many recordings are unreadable, not at the
        high rate, are shorter than :data:`SHORTEST_FRAMES` or not finite.
    NovasrError
        If a process died.
    """
    total = sum(recording.seconds for recording in recordings)
    done = 0.0
    scores: list[Score] = []
    report(0, total)
    work = partial(score_recording, systems=systems, settings=settings)
    unusable = LeftOut(len(recordings), left_out)
    for recording, found in zip(recordings, _in_order(work, recordings, jobs), strict=True):
        if isinstance(found, NovasrError):
            unusable.add(found)
        else:
            scores += found
        done += recording.seconds
        report(done, total)
    return scores


def _in_order(
    work: Callable[[Recording], list[Score] | NovasrError],
    recordings: Sequence[Recording],
    jobs: int,
) -> Iterator[list[Score] | NovasrError]:
    """Map over recordings in this process, or in several new ones (forking would copy running threads)."""
    if jobs == 1 or len(recordings) == 1:
        yield from map(work, recordings)
        return
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(
        min(jobs, len(recordings)), multiprocessing.get_context("spawn"), initializer=_leave_ctrl_c
    )
    try:
        yield from pool.map(work, recordings)
    except BrokenProcessPool as error:
        raise NovasrError("a process died, perhaps for memory: try --jobs 1") from error
    except BaseException:  # an error or Ctrl-C: do not finish what has begun
        for child in multiprocessing.active_children():
            if child not in others:
                child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_ctrl_c() -> None:
    """Leave Ctrl-C to the parent process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def score_recording(
    recording: Recording, systems: Sequence[System], settings: Settings
) -> list[Score] | NovasrError:
    """Score every system on one recording as :func:`evaluate` does, or return why it cannot be used."""
    try:
        with blaming(recording.path):
            original = read_recording(recording.path, settings.task.high_hz)
    except NovasrError as error:
        return error
    scores: list[Score] = []
    low = settings.degrade(original)
    for system in systems:
        scores += _clean_scores(recording, original, low, system, settings)
    for condition, alter in CONDITIONS.items() if settings.robustness else ():
        low = settings.degrade(alter(original, settings.task.high_hz))
        for system in systems:
            made = fit(system.extend(low), len(original))
            values = _lsd(recording, original, made, settings)
            scores.append(_score(recording, system, "plain", condition, values))
    return scores


def read_recording(path: Path, rate_hz: int) -> DoubleArray:
    """Read the first channel of a recording at that rate, shape (frames,)."""
    with AudioReader(path) as reader:
        _check_rate(path, reader.sample_rate, rate_hz)
        audio = np.concatenate([block[:, 0] for block in reader.blocks()])
    if len(audio) < SHORTEST_FRAMES:
        raise AudioFormatError(f"{path}: {len(audio)} frames, evaluation needs {SHORTEST_FRAMES}")
    if not np.isfinite(audio).all():
        raise AudioFormatError(f"{path}: holds NaN or infinite samples: export it again")
    return np.asarray(audio, np.float64)


def _check_rate(path: Path, found_hz: int, rate_hz: int) -> None:
    if found_hz == rate_hz:
        return
    remedy = f"convert it to {rate_hz} Hz"
    if found_hz < _LEAST_SHARE * rate_hz:
        remedy = (
            "converting it would not bring the upper band back, which is scored: use the original"
        )
    msg = f"{path}: is at {found_hz} Hz, evaluation needs {rate_hz} Hz: {remedy}"
    raise AudioFormatError(msg)


def usable(
    recordings: Sequence[Recording], rate_hz: int, left_out: Tell | None = None
) -> list[Recording]:
    """Leave out the recordings whose headers already say that they cannot be scored.

    Parameters
    ----------
    recordings : sequence of Recording
        What is to be scored.
    rate_hz : int
        The high rate.
    left_out : callable, optional
        As for :func:`evaluate`.

    Returns
    -------
    list of Recording
        The others.

    Raises
    ------
    NovasrError
        As :func:`evaluate`.
    """
    unusable = LeftOut(len(recordings), left_out)
    found = []
    for recording in recordings:
        try:
            with blaming(recording.path), AudioReader(recording.path) as reader:
                _check_rate(recording.path, reader.sample_rate, rate_hz)
            found.append(recording)
        except NovasrError as error:
            unusable.add(error)
    return found


def _clean_scores(
    recording: Recording,
    original: DoubleArray,
    low: DoubleArray,
    system: System,
    settings: Settings,
) -> Iterator[Score]:
    plain = fit(system.extend(low), len(original))
    if settings.save is not None:
        _save(settings, system, recording, plain)
    outputs = {
        "plain": plain,
        "replaced": keep_low_band(plain, low, settings.task),
        "matched": match_gain(plain, low, settings.degrade),
    }
    for variant, made in outputs.items():
        values = _values(recording, original, low, made, settings)
        yield _score(recording, system, variant, CLEAN, values)


def _score(
    recording: Recording, system: System, variant: str, condition: str, values: dict[str, float]
) -> Score:
    return Score(
        str(recording.path),
        recording.kind,
        recording.speaker,
        system.name,
        variant,
        condition,
        values,
    )


def _values(
    recording: Recording,
    original: DoubleArray,
    low: DoubleArray,
    made: DoubleArray,
    settings: Settings,
) -> dict[str, float]:
    values: dict[str, float] = {}
    for name in settings.metrics:
        if name == "lsd":
            values |= _lsd(recording, original, made, settings)
        elif name == "mrstft":
            band = _band(recording, settings)
            values["mrstft"] = metrics.mrstft(original, made, settings.task, bandwidth_hz=band)
        elif name == "si_sdr":
            values["si_sdr"] = metrics.si_sdr(original, made)
        elif name == "consistency":
            values["consistency"] = metrics.snr(low, fit(settings.degrade(made), len(low)))
        elif name == "visqol":
            values["visqol"] = metrics.visqol(original, made, settings.task)
        elif recording.kind in _WITH_F0:
            values |= metrics.f0_error(original, made, settings.task)
    return values


def _lsd(
    recording: Recording, original: DoubleArray, made: DoubleArray, settings: Settings
) -> dict[str, float]:
    band, distance = _band(recording, settings), settings.protocol
    return metrics.lsd(original, made, settings.task, bandwidth_hz=band, distance=distance)


def _band(recording: Recording, settings: Settings) -> float:
    return settings.task.high_hz / 2 if settings.all_bins else recording.bandwidth_hz


def _save(settings: Settings, system: System, recording: Recording, audio: DoubleArray) -> None:
    """Write in float, so that nothing is clipped."""
    assert settings.save is not None
    place = settings.save / system.name.replace("/", "_") / recording.path.parent.name
    place.mkdir(parents=True, exist_ok=True)
    layout = Layout("WAV", "FLOAT", settings.task.high_hz, 1)
    block = audio[:, None].astype(np.float32)
    write_file(place / f"{recording.path.stem}.wav", layout, iter([block]), Metadata())
