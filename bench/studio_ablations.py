"""What each part of the model studio brings: differences to the model wide, with intervals.

    python bench/studio_ablations.py FOLDER... --weights FILE [--steps 1,8] [--rates 0,0.5 --bank FILE] [--latents 0,0.5]
        [--also FILE]... [--bands 4,8] [--metrics lsd,modulation,distribution] [--limit N]

--steps: of the flow. --rates: index rates of a bank. --latents: no flow, but the recordings' own latents with noise of
so much, which is the best that a flow could do; and their own levels, whole or with wide's averages over a second, without the autoencoder. --also: other weights, of runs that differ in one setting.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import novasr
from novasr.evaluation import runner
from novasr.evaluation.report import difference_cell, mean_cell, score_table
from novasr.evaluation.signals import fit
from novasr.evaluation.summary import ALL, differences, summarise
from novasr.evaluation.systems import tasks_of
from novasr.families.studio.architecture import SCALE
from novasr.families.studio.conditions import situation
from novasr.families.studio.flow import noise
from novasr.families.studio.frames import whole_frames
from novasr.families.studio.local import deviation
from novasr.families.studio.network import StudioNetwork, silent_f0
from novasr.families.task import Task
from novasr.families.wide import TASK
from novasr.training.datasets import read_recordings
from novasr.types import DoubleArray
from novasr.weights.load import load_model

WIDE = "wide"
System = Callable[[DoubleArray, DoubleArray, Task], DoubleArray]


def enhanced(
    recording: DoubleArray, low: DoubleArray, task: Task, **settings: object
) -> DoubleArray:
    made = novasr.enhance(low.astype(np.float32), task.low_hz, force=True, **settings)
    return fit(made.astype(np.float64), len(recording))


def from_latents(
    recording: DoubleArray,
    low: DoubleArray,
    task: Task,
    *,
    network: StudioNetwork,
    amount: float | None = None,
    averages: bool = True,
) -> DoubleArray:
    """Decode the recording's own latents, with noise on them, or take its levels, with their averages or without."""
    guess = enhanced(recording, low, task, model=WIDE)
    whole = whole_frames(len(guess))
    audio, real = (
        F.pad(torch.from_numpy(x).float()[None], (0, whole - len(x))) for x in (guess, recording)
    )
    with torch.inference_mode():
        levels = network.frames.levels(audio)
        frames = levels.high.shape[-1]
        cutoffs = torch.full((1, frames), task.band_hz)
        known = situation(levels, cutoffs, silent_f0(audio, frames))
        real_levels = known.relative(network.frames.levels(real).high)
        departure = (real_levels - known.guess) * known.above
        fast = deviation(departure) * known.above
        if amount is None:
            change = SCALE * (departure if averages else fast)
        else:
            latents = network.autoencoder.encode(fast, known.above)
            change = network.change(known, latents + amount * noise(0, frames))
        made = network.frames.shaped(audio, change, cutoffs)
    return made[0, : len(recording)].double().numpy()


def systems(options: argparse.Namespace) -> dict[str, System]:
    """Name what is compared."""
    weights = options.weights
    found: dict[str, System] = {WIDE: partial(enhanced, model=WIDE)}
    for steps in options.steps:
        name = f"{steps} step" + "s" * (steps > 1)
        found[name] = partial(enhanced, weights=weights, steps=steps)
    for rate in options.rates:
        found[f"index rate {rate:g}"] = partial(
            enhanced, weights=weights, bank=options.bank, index_rate=rate
        )
    network = load_model(weights) if options.latents else None
    if options.latents:
        found["own levels"] = partial(from_latents, network=network)
        found["own departures"] = partial(from_latents, network=network, averages=False)
    for amount in options.latents:
        found[f"own latents, noise {amount:g}"] = partial(
            from_latents, network=network, amount=amount
        )
    for other in options.also:
        found[Path(other).parent.name] = partial(enhanced, weights=other)
    return found


def numbers(kind: type) -> Callable[[str], Sequence[float]]:
    return lambda text: [kind(item) for item in text.split(",")]


def main() -> None:
    """Score, and print the scores and their differences to those of wide."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--steps", type=numbers(int), default=[1])
    parser.add_argument("--rates", type=numbers(float), default=[])
    parser.add_argument("--bank", type=Path)
    parser.add_argument("--latents", type=numbers(float), default=[])
    parser.add_argument("--also", action="append", default=[])
    parser.add_argument("--bands", type=numbers(float), default=[4.0, 8.0], help="in kHz")
    parser.add_argument("--metrics", default="lsd,modulation,distribution")
    parser.add_argument("--limit", type=int, help="recordings of each folder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = systems(options)
    tasks = tasks_of(options.bands, TASK)
    settings = runner.Settings(metrics=tuple(options.metrics.split(",")), tasks=tasks)
    scores = []
    for folder in options.folders:
        for recording in read_recordings(folder)[: options.limit]:
            audio = runner.read_recording(recording.path, TASK.high_hz)
            for task in tasks:
                case, low = (
                    runner.Case(recording, audio, task, settings),
                    settings.degrade(audio, task),
                )
                for name, make in found.items():
                    values = runner.measure(case, low, make(audio, low, task))
                    scores.append(
                        runner.Score(
                            str(recording.path),
                            recording.kind,
                            recording.speaker,
                            name,
                            "plain",
                            runner.CLEAN,
                            task.band_hz / 1000,
                            values,
                        )
                    )
    for rows, cell in (
        (summarise(scores), mean_cell),
        (differences(scores, WIDE), difference_cell),
    ):
        rows = [row for row in rows if row.kind != ALL]
        print(score_table(rows, markdown=True, vary=("band_khz",), cell=cell), "\n")


if __name__ == "__main__":
    main()
