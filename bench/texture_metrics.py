"""What the scores `modulation` and `distribution` make of sounds whose texture is known.

    python bench/texture_metrics.py FOLDER... [--takes FOLDER] [--bands 4,8] [--limit N]

Above the band: noise with the recording's own envelope, of each ERB every 2.7 ms, averaged over 0.1 s, and over half of the
recording or more; each ERB's mean magnitude in every bin, with the recording's own phases; the output of the systems. --takes: recordings of
one voice whose names have the number of a sentence of CMU ARCTIC; those with two takes are compared with each other.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.signal import istft, stft

from novasr.evaluation.metrics import distribution, erb_bands, modulation
from novasr.evaluation.protocols import by_soxr
from novasr.evaluation.report import score_table
from novasr.evaluation.runner import Score, read_recording
from novasr.evaluation.signals import fit
from novasr.evaluation.summary import ALL, summarise
from novasr.evaluation.systems import System, named, tasks_of
from novasr.families.novasr import TASK
from novasr.families.task import Task
from novasr.training.datasets import Recording, read_recordings
from novasr.types import DoubleArray

SYSTEMS = [System("sinc"), System("linear"), named("base"), named("wide")]
SHORT, LONG = 512, 2048  # windows; a quarter apart
COARSE_SECONDS = 0.1


def noise_like(audio: DoubleArray, task: Task, times: float = 1) -> DoubleArray:
    """Replace what lies above the band by noise with its power in each ERB, averaged over so many times."""
    spectrum = spectrum_of(audio, SHORT, task)
    noise = spectrum_of(np.random.default_rng(0).standard_normal(len(audio)), SHORT, task)
    width = int(min(times, spectrum.shape[1]))
    for band in bands_above(SHORT, task):
        wanted, found = (
            np.convolve((np.abs(item[band]) ** 2).mean(axis=0), np.ones(width), "same")
            for item in (spectrum, noise)
        )
        spectrum[band] = noise[band] * np.sqrt(wanted / found)
    return audio_of(spectrum, SHORT, task, len(audio))


def averaged(audio: DoubleArray, task: Task) -> DoubleArray:
    """Give every bin above the band the root of its ERB's mean power, and keep the phases."""
    spectrum = spectrum_of(audio, LONG, task)
    for band in bands_above(LONG, task):
        mean = np.sqrt((np.abs(spectrum[band]) ** 2).mean(axis=0))
        spectrum[band] = mean * np.exp(1j * np.angle(spectrum[band]))
    return audio_of(spectrum, LONG, task, len(audio))


def bands_above(size: int, task: Task) -> list[slice]:
    starts = erb_bands(size, task.high_hz, task.band_hz, task.high_hz / 2)
    return [slice(*pair) for pair in pairwise(starts)]


def spectrum_of(audio: DoubleArray, size: int, task: Task) -> np.ndarray:
    return stft(audio, task.high_hz, nperseg=size, noverlap=size - size // 4)[2]


def audio_of(spectrum: np.ndarray, size: int, task: Task, frames: int) -> DoubleArray:
    return fit(istft(spectrum, task.high_hz, nperseg=size, noverlap=size - size // 4)[1], frames)


def extended(audio: DoubleArray, task: Task, system: System) -> DoubleArray:
    return fit(system.extend(by_soxr(audio, task), task), len(audio))


def makers(task: Task) -> dict[str, Callable[[DoubleArray], DoubleArray]]:
    """Name what is compared with a recording."""
    times = COARSE_SECONDS * task.high_hz / (SHORT // 4)
    return {
        "noise, fine envelope": partial(noise_like, task=task),
        "mean of each ERB": partial(averaged, task=task),
        "noise, 0.1 s envelope": partial(noise_like, task=task, times=times),
        **{item.name: partial(extended, task=task, system=item) for item in SYSTEMS},
        "noise, half or more": partial(noise_like, task=task, times=np.inf),
    }


def two_takes(folder: Path) -> list[tuple[Recording, Recording]]:
    """Pair the recordings of one sentence."""
    takes = defaultdict(list)
    for recording in read_recordings(folder):
        if sentence := re.search(r"arctic_[ab]\d+", recording.path.name):
            takes[recording.speaker, sentence[0]].append(recording)
    return [(found[0], found[1]) for found in takes.values() if len(found) == 2]


def scored(
    recording: Recording, kind: str, name: str, task: Task, pair: tuple[DoubleArray, DoubleArray]
) -> Score:
    audio, made = pair
    values = {
        "modulation": modulation(audio, made, task, bandwidth_hz=recording.bandwidth_hz),
        "distribution": distribution(audio, made, task, bandwidth_hz=recording.bandwidth_hz),
    }
    path, band_khz = str(recording.path), task.band_hz / 1000
    return Score(path, kind, recording.speaker, name, "plain", "clean", band_khz, values)


def main() -> None:
    """Score and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--takes", type=Path)
    parser.add_argument("--bands", default="4,8", help="in kHz")
    parser.add_argument("--limit", type=int, help="recordings of each folder, and pairs of takes")
    options = parser.parse_args()
    tasks = tasks_of([float(band) for band in options.bands.split(",")], TASK)
    scores: list[Score] = []
    for first, second in two_takes(options.takes)[: options.limit] if options.takes else ():
        one, other = (read_recording(item.path, TASK.high_hz) for item in (first, second))
        frames = min(len(one), len(other))
        for task in tasks:
            pair = one[:frames], other[:frames]
            scores.append(scored(first, "takes", "another take", task, pair))
            for name, make in makers(task).items():
                if name not in ("base", "wide"):  # they learnt from such recordings
                    scores.append(scored(first, "takes", name, task, (one, make(one))))
    for folder in options.folders:
        for recording in read_recordings(folder)[: options.limit]:
            audio = read_recording(recording.path, TASK.high_hz)
            for task in tasks:
                for name, make in makers(task).items():
                    pair = audio, make(audio)
                    scores.append(scored(recording, recording.kind, name, task, pair))
    rows = [row for row in summarise(scores) if row.kind != ALL]
    rows.sort(key=lambda row: row.band_khz)
    print(score_table(rows, markdown=True, vary=("band_khz",)))


if __name__ == "__main__":
    main()
