"""Recordings in memory, and the batch of clips for each step."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import soxr
import torch
from torch import Tensor
from torch.utils.data import Dataset

from novasr.audio.reading import AudioReader
from novasr.errors import AudioFileError, NovasrError, RecipeError, blaming
from novasr.families import in_torch
from novasr.training.datasets import LeftOut, Recording, Tell, read_recordings
from novasr.training.degrade import change_speed, degrade, margin_frames, resampled_band_hz
from novasr.training.recipe import Data, Recipe
from novasr.types import DoubleArray, FloatArray

_END = Recording(Path(), 0.0, 0.0)


class Batch(NamedTuple):
    """The clips of one step.

    Attributes
    ----------
    low, high : Tensor, shape (clips, 1, frames) and (clips, 1, ratio * frames)
        Inputs and targets.
    bandwidths : Tensor, shape (clips,)
        Where the targets' bands end, in Hz.
    cutoffs : Tensor, shape (clips,)
        Where the inputs' bands end, in Hz.
    """

    low: Tensor
    high: Tensor
    bandwidths: Tensor
    cutoffs: Tensor


class TrainingClips(Dataset[Batch]):
    """Batches of clips; batch n depends on n and the seed alone."""

    def __init__(
        self, recordings: Sequence[Recording], recipe: Recipe, left_out: LeftOut | None = None
    ) -> None:
        left_out = left_out or LeftOut(len(recordings), None)
        self.recipe, self.task = recipe, in_torch(recipe.family).TASK
        self.recordings: list[Recording] = []
        self.audio, self.bandwidths = [], []
        for recording in recordings:
            try:
                audio, rate = _load(recording.path, self.task.high_hz)
            except NovasrError as error:
                left_out.add(error)
                continue
            self.recordings.append(recording)
            self.audio.append(audio)
            highest_hz = self.task.high_hz
            limit = resampled_band_hz(self.task) if rate > highest_hz else highest_hz / 2
            self.bandwidths.append(min(recording.bandwidth_hz, limit))
        if not self.recordings:
            raise RecipeError("no recording is left to train on: mend those named above")
        self.weights = _weights(self.recordings, recipe)

    def __getitem__(self, step: int) -> Batch:
        """Make a batch."""
        rng = np.random.default_rng([self.recipe.seed, step])
        task = self.task
        low_frames = round(self.recipe.data.seconds * task.high_hz / task.ratio)
        frames = task.ratio * low_frames + 2 * margin_frames(task)
        lows, highs, bands, cutoffs = [], [], [], []
        for _ in range(self.recipe.data.clips):
            audio, band = self._pick(rng, frames)
            if rng.random() < self.recipe.degradation.mix_chance:
                other, other_band = self._pick(rng, len(audio))
                audio = audio + other * np.float32(rng.uniform(0.1, 1.0))
                band = min(band, other_band)
            low, high, cutoff = degrade(audio, self.recipe.degradation, task, rng)
            lows.append(low)
            highs.append(high)
            bands.append(band)
            cutoffs.append(cutoff)
        return Batch(
            torch.from_numpy(np.stack(lows))[:, None],
            torch.from_numpy(np.stack(highs))[:, None],
            torch.tensor(bands),
            torch.tensor(cutoffs, dtype=torch.float32),
        )

    def _pick(self, rng: np.random.Generator, frames: int) -> tuple[FloatArray, float]:
        which = int(rng.choice(len(self.audio), p=self.weights))
        samples, band = self.audio[which], self.bandwidths[which]
        chances = self.recipe.degradation
        speed = rng.uniform(*chances.speed) if rng.random() < chances.speed_chance else 1.0
        needed = int(np.ceil(frames * speed)) + 64
        if len(samples) < needed:
            before = int(rng.integers(needed - len(samples) + 1))
            samples = np.pad(samples, (before, needed - len(samples) - before))
        start = int(rng.integers(len(samples) - needed + 1))
        audio = samples[start : start + needed].astype(np.float32) / np.float32(32768)
        if speed == 1.0:
            return audio[:frames], band
        played = change_speed(audio, speed, frames, self.task.high_hz)
        return played, min(band * speed, resampled_band_hz(self.task))


class _Prepared(Dataset[Any]):
    """Batches as their family wants them."""

    def __init__(self, clips: TrainingClips, prepare: Callable[[Batch, Recipe], Any]) -> None:
        self.clips, self.prepare = clips, prepare

    def __getitem__(self, step: int) -> Any:
        return self.prepare(self.clips[step], self.clips.recipe)


def prepared(clips: TrainingClips) -> Dataset[Any]:
    """Give the batches of a run, which the family may turn into something else where they are loaded."""
    prepare = getattr(in_torch(clips.recipe.family), "prepare", None)
    return clips if prepare is None else _Prepared(clips, prepare)


def gather(
    folders: Sequence[str | Path], recipe: Recipe, left_out: Tell | None = None
) -> tuple[list[Recording], list[Recording]]:
    """Read the folders and set recordings for validation apart.

    A recording that is listed twice counts once. Kinds without a share in the recipe are left out, and so
    are unreadable files, as by :func:`novasr.training.datasets.read_recordings`.

    Returns
    -------
    tuple of list of Recording
        For training, for validation.

    Raises
    ------
    RecipeError
        If no recording has the band and kind that the recipe asks for, or none is left to train on.
    """
    data = recipe.data
    found = {
        recording.path.resolve(): recording
        for folder in folders
        for recording in read_recordings(folder, left_out)
    }
    names = ", ".join(map(str, folders))
    wide = [
        recording
        for recording in found.values()
        if recording.bandwidth_hz >= data.least_bandwidth_hz
    ]
    if not wide:
        widest = max(recording.bandwidth_hz for recording in found.values())
        msg = (
            f"{names}: no recording reaches {data.least_bandwidth_hz / 1000:g} kHz "
            f"(the widest: {widest / 1000:.1f} kHz)"
        )
        raise RecipeError(msg)
    free = [recording for recording in wide if not _is_left_out(recording, data)]
    if not free:
        beginnings = ", ".join(data.left_out_licences)
        msg = f"{names}: all licences begin with what the recipe leaves out: {beginnings}"
        raise RecipeError(msg)
    recordings = [recording for recording in free if data.kind_shares.get(recording.kind, 0.0) > 0]
    if not recordings:
        kinds = ", ".join(sorted({recording.kind for recording in free}))
        msg = (
            f"{names}: all recordings are {kinds}, to which the recipe's kind_shares give no share"
        )
        raise RecipeError(msg)
    every = max(2, round(1 / data.held_out_share)) if data.held_out_share > 0 else 0
    last = len(recordings) - 1 if every and 1 < len(recordings) < every else -1
    apart = [
        recording.speaker in data.held_out_speakers
        or number == last
        or bool(every and number % every == every - 1)
        for number, recording in enumerate(recordings)
    ]
    training = [recording for recording, out in zip(recordings, apart, strict=True) if not out]
    if not training:
        raise RecipeError(f"{names}: all speakers are held out, none is left to train on")
    return training, [recording for recording, out in zip(recordings, apart, strict=True) if out]


def _is_left_out(recording: Recording, data: Data) -> bool:
    beginnings = tuple(licence.lower() for licence in data.left_out_licences)
    return bool(beginnings) and recording.licence.lower().startswith(beginnings)


def fingerprint(*groups: Sequence[Recording]) -> str:
    """Hash the names and lengths of a run's recordings, wherever their folder is."""
    lines = (
        f"{recording.path.name} {recording.seconds}"
        for group in groups
        for recording in [*group, _END]
    )
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def load_audio(path: Path, rate_hz: int) -> FloatArray:
    """Read the louder channel of a recording, resampled to a rate."""
    return _load(path, rate_hz)[0].astype(np.float32) / np.float32(32768)


def _load(path: Path, rate_hz: int) -> tuple[npt.NDArray[np.int16], int]:
    """Return the samples and the file's own rate."""
    with blaming(path), AudioReader(path) as reader:
        file_hz = reader.sample_rate
        channels = np.concatenate(list(reader.blocks()))
    if not np.isfinite(channels).all():
        raise AudioFileError(f"{path}: holds NaN or infinite samples; repair or remove it")
    audio = channels[:, int(np.argmax(np.square(channels).sum(axis=0)))]
    if file_hz != rate_hz:
        audio = soxr.resample(audio, file_hz, rate_hz, quality="VHQ")
    return np.asarray(np.round(np.clip(audio, -1, 1 - 2**-15) * 32768), np.int16), file_hz


def _weights(recordings: Sequence[Recording], recipe: Recipe) -> DoubleArray:
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    for recording in recordings:
        seconds[recording.kind, recording.speaker] += recording.seconds
    data = recipe.data
    balanced = {
        (kind, speaker): total ** (1 - data.speaker_balance)
        * data.speaker_weights.get(speaker, 1.0)
        for (kind, speaker), total in seconds.items()
    }
    totals: dict[str, float] = defaultdict(float)
    for (kind, _), value in balanced.items():
        totals[kind] += value
    weights = [
        data.kind_shares.get(recording.kind, 0.0)
        * balanced[recording.kind, recording.speaker]
        / totals[recording.kind]
        * recording.seconds
        / seconds[recording.kind, recording.speaker]
        for recording in recordings
    ]
    return np.asarray(weights, np.float64) / float(np.sum(weights))
