"""What a bank of real high bands adds to the model wide's guess.

    python bench/bank.py speaker FOLDER... --speaker NAME [--bank-seconds 150] [--test-seconds 60] [--scales 1,2,4]
    python bench/bank.py voices FOLDER... [--voices 5] [--bank-seconds 150] [--test-seconds 20] [--visqol]
    python bench/bank.py other FOLDER... --bank FILE [--clips 24] [--seconds 6]

`speaker` makes a bank of a speaker's first recordings, as many as last so long, and tests on the next ones, joined to
passages of 10 s. `voices` makes a bank of each of the voices of which there is most, and tests each bank on each voice,
at an index rate of 1. `other` tests a bank on a choice of the folders' recordings, spread over them. Inputs are downsampled
by soxr to 8 and to 16 kHz and extended by `novasr.enhance(..., model="wide", force=True)`; the cut-off is 0.97 of half
the rate. Levels above it are then moved towards the bank's by each index rate. Printed are means over clips: LSD-HF,
`modulation` and `distribution`, all as
`novasr.evaluation.metrics` has them up to the recording's bandwidth, and the distance of the low band to the bank's in
dB. --visqol: of the own bank, ViSQOL as well. --scales: of frames averaged before they are looked up, those alone.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
import torch
from torch.nn import functional as F

import novasr.retrieval.bank
from novasr.evaluation.metrics import distribution, lsd, modulation, visqol
from novasr.evaluation.signals import fit
from novasr.families.studio.architecture import RATE_HZ
from novasr.families.studio.conditions import situation
from novasr.families.studio.frames import Frames, whole_frames
from novasr.families.studio.refiner import blended
from novasr.families.task import Task
from novasr.retrieval import Bank
from novasr.retrieval.keys import SCALES
from novasr.retrieval.sources import LEAST_BANDWIDTH_HZ, read_excerpt
from novasr.training.datasets import Recording, read_recordings

INPUT_RATES_HZ = (8_000, 16_000)
INDEX_RATES = (0.0, 0.25, 0.5, 0.75, 1.0)
PASSAGE_SECONDS = 10
BANK_SHARE = 0.65  # of a voice, at most
CUTOFF = 0.97  # of half the rate: soxr's slope


class Clip(NamedTuple):
    audio: np.ndarray
    bandwidth_hz: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True)
    speaker = commands.add_parser("speaker")
    speaker.add_argument("folders", nargs="+", type=Path)
    speaker.add_argument("--speaker", required=True)
    speaker.add_argument("--bank-seconds", type=float, default=150)
    speaker.add_argument("--test-seconds", type=float, default=60)
    speaker.add_argument("--scales", default="1,2,4")
    speaker.set_defaults(run=test_speaker)
    voices = commands.add_parser("voices")
    voices.add_argument("folders", nargs="+", type=Path)
    voices.add_argument("--voices", type=int, default=5)
    voices.add_argument("--bank-seconds", type=float, default=150)
    voices.add_argument("--test-seconds", type=float, default=20)
    voices.add_argument("--visqol", action="store_true")
    voices.set_defaults(run=test_voices)
    other = commands.add_parser("other")
    other.add_argument("folders", nargs="+", type=Path)
    other.add_argument("--bank", required=True, type=Path)
    other.add_argument("--clips", type=int, default=24)
    other.add_argument("--seconds", type=float, default=6)
    other.set_defaults(run=test_other)
    arguments = parser.parse_args()
    arguments.run(arguments)


def test_speaker(arguments: argparse.Namespace) -> None:
    scales = {int(scale): SCALES[int(scale)] for scale in arguments.scales.split(",")}
    novasr.retrieval.bank.SCALES = scales
    recordings = [item for item in found(arguments.folders) if item.speaker == arguments.speaker]
    ends = np.cumsum([item.seconds for item in recordings])
    in_bank = ends <= arguments.bank_seconds
    tested = ~in_bank & (ends <= arguments.bank_seconds + arguments.test_seconds)
    bank = Bank.build([item for item, inside in zip(recordings, in_bank) if inside])
    test = [item for item, inside in zip(recordings, tested) if inside]
    joined = np.concatenate([read_excerpt(item.path, item.seconds) for item in test])
    band_hz = min(item.bandwidth_hz for item in test)
    count = max(1, round(len(joined) / RATE_HZ / PASSAGE_SECONDS))
    print(
        f"bank: {bank.minutes:.1f} minutes; test: {len(joined) / RATE_HZ:.0f} s, {count} passages"
    )
    report(bank, (Clip(part, band_hz) for part in np.array_split(joined, count)))


def test_voices(arguments: argparse.Namespace) -> None:
    spoken = defaultdict(list)
    for item in found(arguments.folders):
        if item.bandwidth_hz >= LEAST_BANDWIDTH_HZ:
            spoken[item.speaker].append(item)
    seconds = {name: sum(item.seconds for item in items) for name, items in spoken.items()}
    names = sorted(seconds, key=seconds.__getitem__, reverse=True)[: arguments.voices]
    banks, clips = {}, {}
    for name in names:
        items = spoken[name]
        ends = np.cumsum([item.seconds for item in items])
        first = min(arguments.bank_seconds, BANK_SHARE * ends[-1])
        banks[name] = Bank.build([item for item, end in zip(items, ends) if end <= first])
        later = (ends > first) & (ends <= first + arguments.test_seconds)
        test = [item for item, inside in zip(items, later) if inside]
        audio = np.concatenate([read_excerpt(item.path, item.seconds) for item in test])
        clips[name] = Clip(audio, min(item.bandwidth_hz for item in test))
    print(
        f"{'input':>6} {'voice':>16} {'bank':>16}   LSD-HF, modulation, distribution, ViSQOL: wide, with it"
    )
    changes = defaultdict(list)
    for rate_hz in INPUT_RATES_HZ:
        for voice, name in product(names, names):
            clip, judged = clips[voice], arguments.visqol and voice == name
            by_rate = dict(scored(banks[name], clip, rate_hz, (0.0, 1.0), with_visqol=judged))
            without, made = (np.delete(by_rate[index_rate], 3) for index_rate in (0.0, 1.0))
            pairs = "  ".join(f"{a:.2f} {b:.2f}" for a, b in zip(without, made))
            print(f"{rate_hz:6d} {voice:>16} {name:>16}   {pairs}", flush=True)
            changes[rate_hz, voice == name].append(made - without)
    for (rate_hz, own), values in sorted(changes.items()):
        mean, worst = np.mean(values, axis=0), np.max(values, axis=0)
        whose = "own" if own else "another's"
        print(f"{rate_hz:6d} {whose}, n {len(values)}: {mean.round(2)}, worst {worst.round(2)}")


def test_other(arguments: argparse.Namespace) -> None:
    recordings = [item for item in found(arguments.folders) if item.seconds >= 0.5]
    places = np.linspace(0, len(recordings) - 1, min(arguments.clips, len(recordings)))
    chosen = [recordings[place] for place in places.round().astype(int)]
    clips = (Clip(read_excerpt(item.path, arguments.seconds), item.bandwidth_hz) for item in chosen)
    report(Bank.load(arguments.bank), clips)


def found(folders: list[Path]) -> list[Recording]:
    return [item for folder in folders for item in read_recordings(folder)]


def report(bank: Bank, clips: Iterator[Clip]) -> None:
    scores = defaultdict(list)
    for clip in clips:
        for rate_hz in INPUT_RATES_HZ:
            if clip.bandwidth_hz >= rate_hz / 2 + 1000:
                for index_rate, values in scored(bank, clip, rate_hz):
                    scores[rate_hz, index_rate].append(values)
    print(f"{'input':>6} {'rate':>5} {'n':>3}   LSD-HF  modulation  distribution  distance")
    for (rate_hz, index_rate), values in sorted(scores.items()):
        mean = np.nanmean(values, axis=0)
        print(
            f"{rate_hz:6d} {index_rate:5.2f} {len(values):3d} "
            f"{mean[0]:8.3f} {mean[1]:11.2f} {mean[2]:13.2f} {mean[3]:9.2f}"
        )


def scored(
    bank: Bank,
    clip: Clip,
    rate_hz: int,
    index_rates: tuple[float, ...] = INDEX_RATES,
    *,
    with_visqol: bool = False,
) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Give for each setting the scores of what it makes."""
    task = Task(rate_hz, RATE_HZ, rate_hz / 2)
    low = soxr.resample(clip.audio, RATE_HZ, rate_hz, quality="VHQ")
    guess = fit(novasr.enhance(low, rate_hz, model="wide", force=True), len(clip.audio))
    padding = whole_frames(len(guess)) - len(guess)
    audio = F.pad(torch.from_numpy(np.asarray(guess, np.float32)), (0, padding))[None]
    frames = Frames()
    levels = frames.levels(audio)
    count = levels.high.shape[-1]
    cutoffs = torch.full((1, count), CUTOFF * rate_hz / 2)
    known = situation(levels, cutoffs, torch.zeros(1, 2, count))
    retrieved = bank.levels(known)
    distance = float(retrieved.distance_db.median())
    for index_rate in index_rates:
        change = blended(torch.zeros_like(known.guess), known, retrieved, index_rate)
        made = frames.shaped(audio, change, cutoffs)[0, : len(guess)].numpy()
        limits = {"bandwidth_hz": clip.bandwidth_hz}
        yield (
            index_rate,
            (
                lsd(clip.audio, made, task, **limits)["lsd_hf"],
                modulation(clip.audio, made, task, **limits),
                distribution(clip.audio, made, task, **limits),
                distance,
                *([visqol(clip.audio, made, task)] if with_visqol else []),
            ),
        )


if __name__ == "__main__":
    main()
