"""Distance of both models behind low-passes of every slope, by edge: the cut-off is told to nobody.

    python bench/lowpass_sweep.py FOLDER... [--every 5] [--edges 2,3,5,6,8,10,12,14]

Each folder holds recordings at 48 kHz and a `manifest.csv` with the columns `file` and `bandwidth_khz`; of all together
every fifth is taken. It passes through a low-pass at 48 kHz, `novasr.enhance(..., force=True)` extends it, and the LSD to
the original is taken up to the recording's own band. Prints a table in Markdown: `wide` (`base`), the better one in bold.
"""

from __future__ import annotations

import argparse
import csv
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr
from scipy import signal

import novasr
from novasr.evaluation.metrics import lsd
from novasr.families.task import Task

Audio = npt.NDArray[np.float32]

RATE = 48_000
WHOLE = Task(RATE, RATE, RATE / 2)  # the distance over all bins alone is used


def resampler(audio: Audio, edge_hz: float) -> Audio:
    """Down to twice the edge and back: steep."""
    narrow = soxr.resample(audio, RATE, 2 * edge_hz, "VHQ")
    return soxr.resample(narrow, 2 * edge_hz, RATE, "VHQ")[: len(audio)]


def elliptic(audio: Audio, edge_hz: float) -> Audio:
    """Order 7, ripple 0.1 dB, 60 dB down."""
    return filtered(audio, signal.ellip(7, 0.1, 60, edge_hz, fs=RATE, output="sos"))


def butterworth(audio: Audio, edge_hz: float) -> Audio:
    """Order 8: 48 dB an octave."""
    return filtered(audio, signal.butter(8, edge_hz, fs=RATE, output="sos"))


def filtered(audio: Audio, sections: npt.NDArray[np.float64]) -> Audio:
    """Filter forward, as a converter or a mixing desk does."""
    return signal.sosfilt(sections, audio).astype(np.float32)


LOW_PASSES: dict[str, Callable[[Audio, float], Audio]] = {
    "soxr": resampler,
    "elliptic, order 7": elliptic,
    "Butterworth, order 8": butterworth,
}


def recordings(folders: list[Path], every: int) -> list[tuple[Audio, float]]:
    """Read every so many recordings, one channel, with their bands in Hz."""
    rows = [
        (folder / row["file"], 1_000 * float(row["bandwidth_khz"]))
        for folder in folders
        for row in csv.DictReader((folder / "manifest.csv").read_text().splitlines())
    ]
    return [
        (sf.read(path, dtype="float32", always_2d=True)[0][:, 0], hz) for path, hz in rows[::every]
    ]


def distance(
    clips: list[tuple[Audio, float]], low_pass: Callable[[Audio], Audio], model: str
) -> float:
    """Mean over the recordings."""
    found = []
    for clip, bandwidth_hz in clips:
        made = novasr.enhance(low_pass(clip), RATE, model=model, force=True)
        found.append(lsd(clip[: len(made)], made, WHOLE, bandwidth_hz=bandwidth_hz)["lsd"])
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--edges", default="2,3,5,6,8,10,12,14", help="in kHz")
    options = parser.parse_args()
    edges = [float(khz) for khz in options.edges.split(",")]
    clips = recordings(options.folders, options.every)
    print(
        f"{len(clips)} recordings\n\n| low-pass at | {' | '.join(f'{khz:g} kHz' for khz in edges)} |"
    )
    print("|---" * (len(edges) + 1) + "|")
    for name, low_pass in LOW_PASSES.items():
        cells = []
        for khz in edges:
            cut = functools.partial(low_pass, edge_hz=1_000 * khz)
            wide, base = (distance(clips, cut, model) for model in ("wide", "base"))
            best = wide < base
            cells.append(f"**{wide:.2f}** ({base:.2f})" if best else f"{wide:.2f} (**{base:.2f}**)")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
