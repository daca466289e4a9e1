"""How much of the texture above the cut-off the low band tells: what bounds any model without a bank.

    python bench/texture_limit.py TRAINING... --test FOLDER... [--steps 1200] [--bands 4,8]

The power of modulation in octaves from 1 to 32 Hz is measured in bands of levels (93.75 a second, as the model studio
has them, 2.5 s) of recordings and of what `wide` makes of them. A network learns, on the clips of the recipe `studio`,
by how many dB they differ, in each band and octave; it sees all that wide sees and what wide made, ahead and behind.
Printed is the root of the mean squared difference over the test's clips: as wide leaves it, and what would be left if
the network's estimates, or half of them, were followed exactly.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor, nn

import novasr
from novasr.evaluation.signals import fit
from novasr.families.studio.architecture import (
    CONDITIONS,
    FRAME,
    HIGH_BANDS,
    LOW_BANDS,
    RATE_HZ,
    SCALE,
)
from novasr.families.studio.bands import high_centres_hz
from novasr.families.studio.conditions import Situation, situation
from novasr.families.studio.frames import Frames, Levels
from novasr.families.studio.layers import Block
from novasr.families.studio.network import silent_f0
from novasr.families.studio.training import prepare
from novasr.retrieval.sources import read_excerpt
from novasr.training.clips import TrainingClips, gather
from novasr.training.datasets import read_recordings
from novasr.training.recipe import load_recipe

FRAMES = 232
SKIPPED = RATE_HZ // 2  # in which the first guess finds its averages
OCTAVES_HZ = (1, 2, 4, 8, 16)
DB = SCALE * 10 / np.log(10)  # of a unit of relative levels
JUST_AUDIBLE_DB2 = 3.0  # keeps steady bands from counting
CHANNELS, RATE = 128, 1e-3


class Estimator(nn.Module):
    """Differences of modulation in dB, (clips, HIGH_BANDS, octaves), from a whole clip."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv1d(CONDITIONS, CHANNELS, 1)
        self.blocks = nn.Sequential(*(Block(CHANNELS, 7) for _ in range(3)))
        seen = 2 * CHANNELS + HIGH_BANDS + len(OCTAVES_HZ) * (HIGH_BANDS + LOW_BANDS)
        self.leave = nn.Sequential(
            nn.Linear(seen, 256),
            nn.GELU(),
            nn.Dropout(0.2),
            nn.Linear(256, HIGH_BANDS * len(OCTAVES_HZ)),
        )

    def forward(self, known: Situation) -> Tensor:
        x = self.blocks(self.enter(known.rest))
        above = known.above[..., :1]
        own = (modulation(level).log() / 3 - 1 for level in (known.guess, known.low))
        guess, low = own
        parts = (x.mean(-1), x.std(-1), above[..., 0], (guess * above).flatten(1), low.flatten(1))
        return self.leave(torch.cat(parts, 1)).unflatten(1, (HIGH_BANDS, -1))


def modulation(levels: Tensor) -> Tensor:
    """Give the power of modulation in dB^2, (clips, bands, octaves), of relative levels."""
    varying = DB * (levels - levels.mean(-1, keepdim=True))
    window = torch.hann_window(levels.shape[-1])
    power = torch.fft.rfft(varying * window).abs().square() / window.square().sum()
    hertz = torch.fft.rfftfreq(levels.shape[-1], FRAME / RATE_HZ)
    octaves = [power[..., (hertz >= low) & (hertz < 2 * low)].sum(-1) for low in OCTAVES_HZ]
    return torch.stack(octaves, -1) + JUST_AUDIBLE_DB2


def example(
    target: Tensor, high: Tensor, low: Tensor, cutoffs: Tensor, bandwidths: Tensor
) -> tuple[Situation, Tensor]:
    """Give what is known, and by how many dB the recording's modulation exceeds the guess's."""
    target, high, low = (levels[..., :FRAMES] for levels in (target, high, low))
    course = cutoffs[:, None].expand(-1, FRAMES)
    known = situation(Levels(high, low), course, silent_f0(high, FRAMES))
    centres = torch.from_numpy(high_centres_hz()).float()[:, None]
    inside = centres < bandwidths[:, None, None] - 300
    known = known._replace(above=known.above * inside)
    ratio = modulation(known.relative(target)) / modulation(known.guess)
    return known, 10 * torch.log10(ratio)


def squared(error: Tensor, known: Situation) -> Tensor:
    """Average over the bands above the cut-off and octaves."""
    weight = known.above[..., :1].expand_as(error)
    return (error.square() * weight).sum() / weight.sum().clamp(min=1)


def trained(folders: list[Path], steps: int) -> Estimator:
    recipe = load_recipe("studio")
    training, _ = gather(folders, recipe)
    clips = TrainingClips(training, recipe)
    torch.manual_seed(0)
    network = Estimator()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    losses = []
    for step in range(steps):
        batch = prepare(clips[step], recipe)
        known, wanted = example(
            batch.target, batch.high, batch.low, batch.cutoffs, batch.bandwidths
        )
        loss = squared(wanted - network(known), known)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append((float(squared(wanted, known)), float(loss.detach())))
        if step % 100 == 99:
            before, after = np.sqrt(np.mean(losses[-100:], axis=0))
            print(
                f"step {step + 1}: {before:.2f} dB, with the estimates {after:.2f} dB", flush=True
            )
    return network.eval()


@torch.inference_mode()
def tested(network: Estimator, folders: list[Path], bands_khz: list[float]) -> None:
    frames = Frames()
    found = defaultdict(list)
    samples = FRAMES * FRAME
    for recording in (item for folder in folders for item in read_recordings(folder)):
        audio = read_excerpt(recording.path, (SKIPPED + 3 * samples) / RATE_HZ)
        for khz in bands_khz:
            if recording.bandwidth_hz < 1000 * khz + 1000:
                continue
            rate = round(2000 * khz)
            low = soxr.resample(audio, RATE_HZ, rate, quality="VHQ")
            guess = fit(novasr.enhance(low, rate, model="wide", force=True), len(audio))
            for start in range(SKIPPED, len(audio) - samples + 1, samples):
                both = (x[start : start + samples] for x in (audio, guess))
                real, made = (torch.from_numpy(np.float32(x))[None] for x in both)
                levels = frames.levels(made)
                known, wanted = example(
                    frames.levels(real).high,
                    levels.high,
                    levels.low,
                    torch.tensor([0.97 * rate / 2]),
                    torch.tensor([recording.bandwidth_hz]),
                )
                estimate = network(known)
                left = [wanted - share * estimate for share in (0.0, 0.5, 1.0)]
                found[khz, recording.kind].append([float(squared(error, known)) for error in left])
    print(
        f"\n{'band kHz':>8} {'class':>8} {'clips':>5}  wide, dB   half the estimates   all of them"
    )
    for (khz, kind), values in sorted(found.items()):
        wide, half, full = np.sqrt(np.mean(values, axis=0))
        print(f"{khz:8g} {kind:>8} {len(values):5d} {wide:9.2f} {half:20.2f} {full:13.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--test", nargs="+", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--bands", default="4,8", help="in kHz")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = trained(options.folders, options.steps)
    tested(network, options.test, [float(band) for band in options.bands.split(",")])


if __name__ == "__main__":
    main()
