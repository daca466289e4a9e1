"""Recordings in memory, and the batch of every step."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr
import torch
from torch import Tensor
from torch.utils.data import Dataset

from novasr.audio.reading import AudioReader
from novasr.errors import AudioFileError, NovasrError, RecipeError, blaming
from novasr.training.datasets import Clip, LeftOut, Tell, read_clips
from novasr.training.degrade import HIGH_HZ, MARGIN, PLAYED_BAND_HZ, change_speed, degrade
from novasr.training.recipe import Recipe
from novasr.types import FloatArray

Batch = tuple[Tensor, Tensor, Tensor]
_END = Clip(Path(), 0.0, 0.0)


class TrainingClips(Dataset[Batch]):
    """Batch number n is the same in every run with the same seed, whatever came before it."""

    def __init__(
        self, clips: Sequence[Clip], recipe: Recipe, left_out: LeftOut | None = None
    ) -> None:
        left_out = left_out or LeftOut(len(clips), None)
        self.recipe = recipe
        self.clips: list[Clip] = []
        self.audio, self.bandwidths = [], []
        for clip in clips:
            try:
                audio, rate = _load(clip.path)
            except NovasrError as error:
                left_out.add(error)
                continue
            self.clips.append(clip)
            self.audio.append(audio)
            limit = PLAYED_BAND_HZ if rate > HIGH_HZ else HIGH_HZ / 2
            self.bandwidths.append(min(clip.bandwidth_hz, limit))
        if not self.clips:
            raise RecipeError("no recording is left to train on: mend those named above")
        self.weights = _weights(self.clips, recipe)

    def __getitem__(self, step: int) -> Batch:
        """Make a batch.

        Returns
        -------
        tuple of Tensor
            (clips, 1, frames) at 16 kHz, (clips, 1, 3 * frames) at 48 kHz, (clips,) bandwidths in Hz.
        """
        rng = np.random.default_rng([self.recipe.seed, step])
        low_frames = round(self.recipe.data.seconds * HIGH_HZ / 3)
        lows, highs, bands = [], [], []
        for _ in range(self.recipe.data.clips):
            audio, band = self._pick(rng, 3 * low_frames + 2 * MARGIN)
            if rng.random() < self.recipe.degradation.mix_chance:
                other, other_band = self._pick(rng, len(audio))
                audio = audio + other * np.float32(rng.uniform(0.1, 1.0))
                band = min(band, other_band)
            low, high = degrade(audio, self.recipe.degradation, rng)
            lows.append(low)
            highs.append(high)
            bands.append(band)
        return (
            torch.from_numpy(np.stack(lows))[:, None],
            torch.from_numpy(np.stack(highs))[:, None],
            torch.tensor(bands),
        )

    def _pick(self, rng: np.random.Generator, frames: int) -> tuple[FloatArray, float]:
        which = int(rng.choice(len(self.audio), p=self.weights))
        recording, band = self.audio[which], self.bandwidths[which]
        chances = self.recipe.degradation
        speed = rng.uniform(*chances.speed) if rng.random() < chances.speed_chance else 1.0
        needed = int(np.ceil(frames * speed)) + 64
        if len(recording) < needed:
            recording = np.pad(recording, (0, needed - len(recording)))
        start = int(rng.integers(len(recording) - needed + 1))
        audio = recording[start : start + needed].astype(np.float32) / np.float32(32768)
        if speed == 1.0:
            return audio[:frames], band
        return change_speed(audio, speed, frames), min(band * speed, PLAYED_BAND_HZ)


def gather(
    folders: Sequence[str | Path], recipe: Recipe, left_out: Tell | None = None
) -> tuple[list[Clip], list[Clip]]:
    """Read the manifests and set recordings for validation apart.

    A recording that is named twice counts once; kinds to which the recipe gives no share are left out,
    and so are files that cannot be read, as by :func:`novasr.training.datasets.read_clips`.

    Returns
    -------
    tuple of list of Clip
        For training, for validation.

    Raises
    ------
    RecipeError
        If no recording has the band and kind that the recipe asks for, or none is left to train on.
    """
    data = recipe.data
    found = {
        clip.path.resolve(): clip for folder in folders for clip in read_clips(folder, left_out)
    }
    names = ", ".join(map(str, folders))
    wide = [clip for clip in found.values() if clip.bandwidth_hz >= data.least_bandwidth_hz]
    if not wide:
        widest = max(clip.bandwidth_hz for clip in found.values())
        msg = (
            f"{names}: no recording reaches {data.least_bandwidth_hz / 1000:g} kHz "
            f"(the widest: {widest / 1000:.1f} kHz)"
        )
        raise RecipeError(msg)
    clips = [clip for clip in wide if data.kind_shares.get(clip.kind, 0.0) > 0]
    if not clips:
        kinds = ", ".join(sorted({clip.kind for clip in wide}))
        msg = f"{names}: all is {kinds}, of which the recipe's kind_shares want nothing"
        raise RecipeError(msg)
    every = max(2, round(1 / data.held_out)) if data.held_out > 0 else 0
    last = len(clips) - 1 if every and 1 < len(clips) < every else -1
    apart = [
        clip.speaker in data.held_out_speakers
        or number == last
        or bool(every and number % every == every - 1)
        for number, clip in enumerate(clips)
    ]
    training = [clip for clip, out in zip(clips, apart, strict=True) if not out]
    if not training:
        raise RecipeError(f"{names}: all speakers are held out, none is left to train on")
    return training, [clip for clip, out in zip(clips, apart, strict=True) if out]


def fingerprint(*groups: Sequence[Clip]) -> str:
    """Sum up which recordings a run uses, wherever their folder is."""
    lines = (f"{clip.path.name} {clip.seconds}" for group in groups for clip in [*group, _END])
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def load_audio(path: Path) -> FloatArray:
    """Read the louder channel of a recording at 48 kHz."""
    return _load(path)[0].astype(np.float32) / np.float32(32768)


def _load(path: Path) -> tuple[npt.NDArray[np.int16], int]:
    with blaming(path), AudioReader(path) as reader:
        rate = reader.sample_rate
        channels = np.concatenate(list(reader.blocks()))
    if not np.isfinite(channels).all():
        raise AudioFileError(f"{path}: holds NaN or infinite samples; repair or remove it")
    audio = channels[:, int(np.argmax(np.square(channels).sum(axis=0)))]
    if rate != HIGH_HZ:
        audio = soxr.resample(audio, rate, HIGH_HZ, quality="VHQ")
    return np.asarray(np.round(np.clip(audio, -1, 1 - 2**-15) * 32768), np.int16), rate


def _weights(clips: Sequence[Clip], recipe: Recipe) -> npt.NDArray[np.float64]:
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    for clip in clips:
        seconds[clip.kind, clip.speaker] += clip.seconds
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
        data.kind_shares.get(clip.kind, 0.0)
        * balanced[clip.kind, clip.speaker]
        / totals[clip.kind]
        * clip.seconds
        / seconds[clip.kind, clip.speaker]
        for clip in clips
    ]
    return np.asarray(weights, np.float64) / float(np.sum(weights))
