"""Run systems over recordings and score what comes out."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
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
from novasr.rates import MODEL_OUTPUT_HZ
from novasr.training.datasets import Clip, LeftOut, Tell

if TYPE_CHECKING:
    from novasr.evaluation.metrics import Distance
    from novasr.evaluation.signals import Array, Audio
    from novasr.evaluation.systems import System

SHORTEST_FRAMES = 2_400  # 50 ms: all windows fit when their ends are mirrored
VARIANTS = ("plain", "replaced", "matched")
CLEAN = "clean"

#: What each metric fills in, and the module that it needs.
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
        Score up to 24 kHz whatever the recording's band.
    robustness : bool
        Score the conditions of :mod:`novasr.evaluation.robustness` as well, by LSD alone.
    save : Path, optional
        Folder for the outputs.
    """

    metrics: tuple[str, ...] = USUAL_METRICS
    protocol: Distance = "p1"
    degradation: str | None = None
    all_bins: bool = False
    robustness: bool = False
    save: Path | None = None

    @property
    def way_down(self) -> str:
        """Key of the degradation."""
        return self.degradation or USUAL_DEGRADATION[self.protocol]

    def degrade(self, audio: Audio) -> Array:
        """Bring 48 kHz to 16 kHz."""
        return DEGRADATIONS[self.way_down](audio)


@dataclass(frozen=True)
class Score:
    """What one system reached on one recording.

    Attributes
    ----------
    clip, kind, speaker : str
        The recording, its class and who speaks in it.
    system, variant, condition : str
        Whose output, with which of :data:`VARIANTS`, from which input.
    values : dict of str to float
        By column of :data:`METRICS`; NaN where a score cannot be given.
    """

    clip: str
    kind: str
    speaker: str
    system: str
    variant: str
    condition: str
    values: dict[str, float]


def require_metrics(names: Sequence[str]) -> None:
    """Fail early if a metric is unknown or what it needs is not installed.

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
            msg = f'the metric {name!r} needs {module}: pip install "novasr[evaluate]"'
            raise MissingPackageError(msg)


def evaluate(
    clips: Sequence[Clip],
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
    clips : sequence of Clip
        Recordings at 48 kHz; of several channels the first is taken.
    systems : sequence of System
        What to compare.
    settings : Settings
        How to score.
    jobs : int
        Processes.
    report : callable
        Is told the seconds of audio done and in all.
    left_out : callable, optional
        Takes the reason for each recording that cannot be used; without it the first is raised.

    Returns
    -------
    list of Score
        By recording, then condition, system and variant.

    Raises
    ------
    AudioFileError
        If an output cannot be written, or too many recordings cannot be read, are not at 48 kHz,
        shorter than 50 ms or not finite.
    NovasrError
        If a process died.
    """
    total = sum(clip.seconds for clip in clips)
    done = 0.0
    scores: list[Score] = []
    report(0, total)
    work = partial(score_clip, systems=systems, settings=settings)
    unusable = LeftOut(len(clips), left_out)
    for clip, found in zip(clips, _in_order(work, clips, jobs), strict=True):
        if isinstance(found, NovasrError):
            unusable.add(found)
        else:
            scores += found
        done += clip.seconds
        report(done, total)
    return scores


def _in_order(
    work: Callable[[Clip], list[Score] | NovasrError], clips: Sequence[Clip], jobs: int
) -> Iterator[list[Score] | NovasrError]:
    """Map over clips in this process, or in several new ones (forking would copy running threads)."""
    if jobs == 1 or len(clips) == 1:
        yield from map(work, clips)
        return
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(
        min(jobs, len(clips)), multiprocessing.get_context("spawn"), initializer=_leave_ctrl_c
    )
    try:
        yield from pool.map(work, clips)
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
    """Let the parent alone answer Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def score_clip(
    clip: Clip, systems: Sequence[System], settings: Settings
) -> list[Score] | NovasrError:
    """Score every system on one recording as :func:`evaluate` does, or tell why it cannot be used."""
    try:
        with blaming(clip.path):
            recording = read_recording(clip.path)
    except NovasrError as error:
        return error
    scores: list[Score] = []
    low = settings.degrade(recording)
    for system in systems:
        scores += _clean_scores(clip, recording, low, system, settings)
    for condition, spoil in CONDITIONS.items() if settings.robustness else ():
        low = settings.degrade(spoil(recording))
        for system in systems:
            made = fit(system.extend(low), len(recording))
            values = _lsd(clip, recording, made, settings)
            scores.append(_score(clip, system, "plain", condition, values))
    return scores


def read_recording(path: Path) -> Array:
    """Read the first channel of a recording at 48 kHz, shape (frames,)."""
    with AudioReader(path) as reader:
        if reader.sample_rate != MODEL_OUTPUT_HZ:
            msg = f"{path}: runs at {reader.sample_rate} Hz, evaluation needs 48000 Hz"
            raise AudioFormatError(msg)
        audio = np.concatenate([block[:, 0] for block in reader.blocks()])
    if len(audio) < SHORTEST_FRAMES:
        raise AudioFormatError(f"{path}: {len(audio)} frames, evaluation needs {SHORTEST_FRAMES}")
    if not np.isfinite(audio).all():
        raise AudioFormatError(f"{path}: holds NaN or infinite samples: export it again")
    return np.asarray(audio, np.float64)


def _clean_scores(
    clip: Clip, recording: Array, low: Array, system: System, settings: Settings
) -> Iterator[Score]:
    plain = fit(system.extend(low), len(recording))
    if settings.save is not None:
        _save(settings.save, system, clip, plain)
    outputs = {
        "plain": plain,
        "replaced": keep_low_band(plain, low),
        "matched": match_gain(plain, low, settings.degrade),
    }
    for variant, made in outputs.items():
        values = _values(clip, recording, low, made, settings)
        yield _score(clip, system, variant, CLEAN, values)


def _score(
    clip: Clip, system: System, variant: str, condition: str, values: dict[str, float]
) -> Score:
    return Score(str(clip.path), clip.kind, clip.speaker, system.name, variant, condition, values)


def _values(
    clip: Clip, recording: Array, low: Array, made: Array, settings: Settings
) -> dict[str, float]:
    values: dict[str, float] = {}
    for name in settings.metrics:
        if name == "lsd":
            values |= _lsd(clip, recording, made, settings)
        elif name == "mrstft":
            band = _band(clip, settings)
            values["mrstft"] = metrics.mrstft(recording, made, bandwidth_hz=band)
        elif name == "si_sdr":
            values["si_sdr"] = metrics.si_sdr(recording, made)
        elif name == "consistency":
            values["consistency"] = metrics.snr(low, fit(settings.degrade(made), len(low)))
        elif name == "visqol":
            values["visqol"] = metrics.visqol(recording, made)
        elif clip.kind in _WITH_F0:
            values |= metrics.f0_error(recording, made)
    return values


def _lsd(clip: Clip, recording: Array, made: Array, settings: Settings) -> dict[str, float]:
    band = _band(clip, settings)
    return metrics.lsd(recording, made, bandwidth_hz=band, distance=settings.protocol)


def _band(clip: Clip, settings: Settings) -> float:
    return MODEL_OUTPUT_HZ / 2 if settings.all_bins else clip.bandwidth_hz


def _save(folder: Path, system: System, clip: Clip, audio: Array) -> None:
    """Store in float: nothing is clipped."""
    place = folder / system.name.replace("/", "_") / clip.path.parent.name
    place.mkdir(parents=True, exist_ok=True)
    layout = Layout("WAV", "FLOAT", MODEL_OUTPUT_HZ, 1)
    block = audio[:, None].astype(np.float32)
    write_file(place / f"{clip.path.stem}.wav", layout, iter([block]), Metadata())
