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
import soxr

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
    require_degradation,
)
from novasr.evaluation.robustness import CONDITIONS, SCORED_FROM_HZ
from novasr.evaluation.signals import fit
from novasr.evaluation.systems import LOWEST_RATE_HZ, System, task_of
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
    "detail": (("detail", "brightness"), None),
    "modulation": (("modulation",), None),
    "distribution": (("distribution",), None),
    "mrstft": (("mrstft",), None),
    "si_sdr": (("si_sdr",), None),
    "consistency": (("consistency",), None),
    "f0": (("f0_cents", "f0_gross", "voicing"), "pyworld"),
    "visqol": (("visqol",), "visqol"),
}
USUAL_METRICS = ("lsd", "detail", "mrstft", "si_sdr", "consistency", "f0")
_WITH_F0 = ("speech", "singing")


@dataclass(frozen=True)
class Settings:
    """How to score.

    Attributes
    ----------
    metrics : tuple of str
        Keys of :data:`METRICS`.
    variants : tuple of str
        Of :data:`VARIANTS`.
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
    tasks : tuple of Task
        Rates and bands of the inputs, all to one high rate; by default those of the network in this package.
    """

    metrics: tuple[str, ...] = USUAL_METRICS
    variants: tuple[str, ...] = VARIANTS
    protocol: Distance = "p1"
    degradation: str | None = None
    all_bins: bool = False
    robustness: bool = False
    save: Path | None = None
    tasks: tuple[Task, ...] = field(default_factory=lambda: (task_of(),))

    def __post_init__(self) -> None:
        """Check that the inputs can be made."""
        for task in self.tasks:
            require_degradation(self.downsampling, task)

    @property
    def high_hz(self) -> int:
        """Rate of the recordings."""
        return self.tasks[0].high_hz

    @property
    def downsampling(self) -> str:
        """Key of the degradation."""
        return self.degradation or USUAL_DEGRADATION[self.protocol]

    def degrade(self, audio: AnyFloatArray, task: Task) -> DoubleArray:
        """Downsample a recording to the systems' input."""
        return DEGRADATIONS[self.downsampling](audio, task)


@dataclass(frozen=True)
class Score:
    """The scores of one system on one recording.

    Attributes
    ----------
    recording, kind, speaker : str
        The recording, its class and its speaker.
    system, variant, condition : str
        Whose output, with which of :data:`VARIANTS`, from which input.
    band_khz : float
        Where the band of the input ends.
    values : dict of str to float
        By column of :data:`METRICS`; NaN where a score is undefined.
    """

    recording: str
    kind: str
    speaker: str
    system: str
    variant: str
    condition: str
    band_khz: float
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
        Recordings at the high rate, or a higher one; of several channels the first is used.
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
        By recording, then band, condition, system and variant.

    Raises
    ------
    AudioFileError
        If an output cannot be written, or too many recordings are unreadable, below the
        high rate, shorter than :data:`SHORTEST_FRAMES` or not finite.
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
            original = read_recording(recording.path, settings.high_hz)
    except NovasrError as error:
        return error
    degraded = {
        condition: alter(original, settings.high_hz)
        for condition, alter in (CONDITIONS.items() if settings.robustness else ())
    }
    scores: list[Score] = []
    for task in settings.tasks:
        case = Case(recording, original, task, settings)
        able = [system for system in systems if system.takes(task)]
        low = settings.degrade(original, task)
        for system in able:
            scores += _clean_scores(case, low, system)
        for condition, altered in degraded.items():
            low = settings.degrade(altered, task)
            for system in able:
                made = fit(system.extend(low, task), len(original))
                values = _lsd(case, made, SCORED_FROM_HZ.get(condition, 0.0))
                scores.append(_score(case, system, "plain", condition, values))
    return scores


def read_recording(path: Path, rate_hz: int) -> DoubleArray:
    """Read the first channel of a recording at that rate, shape (frames,); a higher one is brought down."""
    with AudioReader(path) as reader:
        found_hz = reader.sample_rate
        _check_rate(path, found_hz, rate_hz)
        audio = np.concatenate([block[:, 0] for block in reader.blocks()])
    audio = soxr.resample(audio.astype(np.float64), found_hz, rate_hz, "VHQ")
    if len(audio) < SHORTEST_FRAMES:
        raise AudioFormatError(f"{path}: {len(audio)} frames, evaluation needs {SHORTEST_FRAMES}")
    if not np.isfinite(audio).all():
        raise AudioFormatError(f"{path}: holds NaN or infinite samples: export it again")
    return np.asarray(audio)


def _check_rate(path: Path, found_hz: int, rate_hz: int) -> None:
    if found_hz >= rate_hz:
        return
    remedy = f"convert it to {rate_hz} Hz"
    if found_hz >= LOWEST_RATE_HZ:
        remedy += f", or compare at a lower rate (novasr evaluate --rate {found_hz})"
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


@dataclass(frozen=True)
class Case:
    """A recording, its audio of shape (frames,) at the high rate, and how it is to be restored and scored."""

    recording: Recording
    original: DoubleArray
    task: Task
    settings: Settings

    @property
    def bandwidth_hz(self) -> float:
        """Highest frequency that is scored."""
        return self.task.high_hz / 2 if self.settings.all_bins else self.recording.bandwidth_hz


def _clean_scores(case: Case, low: DoubleArray, system: System) -> Iterator[Score]:
    plain = fit(system.extend(low, case.task), len(case.original))
    if case.settings.save is not None:
        _save(case, system, plain)
    degrade = partial(case.settings.degrade, task=case.task)
    outputs = {
        "plain": lambda: plain,
        "replaced": lambda: keep_low_band(plain, low, case.task),
        "matched": lambda: match_gain(plain, low, degrade),
    }
    for variant in case.settings.variants:
        values = measure(case, low, outputs[variant]())
        yield _score(case, system, variant, CLEAN, values)


def _score(
    case: Case, system: System, variant: str, condition: str, values: dict[str, float]
) -> Score:
    recording, band_khz = case.recording, case.task.band_hz / 1000
    return Score(
        str(recording.path),
        recording.kind,
        recording.speaker,
        system.name,
        variant,
        condition,
        band_khz,
        values,
    )


def measure(case: Case, low: DoubleArray, made: DoubleArray) -> dict[str, float]:
    """Score an output by the metrics of the settings: shape (frames,) at the high rate, `low` is its input."""
    original, task, band = case.original, case.task, case.bandwidth_hz
    values: dict[str, float] = {}
    for name in case.settings.metrics:
        if name == "lsd":
            values |= _lsd(case, made)
        elif name == "detail":
            distance = case.settings.protocol
            values |= metrics.detail(original, made, task, bandwidth_hz=band, distance=distance)
        elif name == "modulation":
            values["modulation"] = metrics.modulation(original, made, task, bandwidth_hz=band)
        elif name == "distribution":
            values["distribution"] = metrics.distribution(original, made, task, bandwidth_hz=band)
        elif name == "mrstft":
            values["mrstft"] = metrics.mrstft(original, made, task, bandwidth_hz=band)
        elif name == "si_sdr":
            values["si_sdr"] = metrics.si_sdr(original, made)
        elif name == "consistency":
            back = fit(case.settings.degrade(made, task), len(low))
            values["consistency"] = metrics.snr(low, back)
        elif name == "visqol":
            values["visqol"] = metrics.visqol(original, made, task)
        elif case.recording.kind in _WITH_F0:
            values |= metrics.f0_error(original, made, task)
    return values


def _lsd(case: Case, made: DoubleArray, from_hz: float = 0.0) -> dict[str, float]:
    return metrics.lsd(
        case.original,
        made,
        case.task,
        from_hz=from_hz,
        bandwidth_hz=case.bandwidth_hz,
        distance=case.settings.protocol,
    )


def _save(case: Case, system: System, audio: DoubleArray) -> None:
    """Write in float, so that nothing is clipped."""
    settings, recording = case.settings, case.recording
    assert settings.save is not None
    place = settings.save / system.name.replace("/", "_")
    if len(settings.tasks) > 1:
        place /= f"{case.task.band_hz / 1000:g} kHz"
    place /= recording.path.parent.name
    place.mkdir(parents=True, exist_ok=True)
    layout = Layout("WAV", "FLOAT", settings.high_hz, 1)
    block = audio[:, None].astype(np.float32)
    write_file(place / f"{recording.path.stem}.wav", layout, iter([block]), Metadata())
