"""Draw spectrograms side by side: a narrow-band input, what a model makes of it, and the recording.

    python bench/spectrogram_triples.py FILE@BAND... -o triples.png [--model wide] [--seconds 3]

BAND is in kHz (the recording is resampled to twice that rate), or `telephone` or `g711` as in `novasr evaluate --robustness`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soxr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.signal import ShortTimeFFT

import novasr
from novasr.evaluation.robustness import CONDITIONS
from novasr.training.clips import load_audio
from novasr.types import AnyFloatArray, FloatArray

RATE_HZ = 48_000
WINDOW, HOP = 1_536, 384
RANGE_DB = 80.0
TELEPHONE_RATE_HZ = 8_000


def narrowed(recording: AnyFloatArray, band: str) -> tuple[FloatArray, int]:
    """Give the input that a model gets, and its rate."""
    rate_hz = TELEPHONE_RATE_HZ if band in CONDITIONS else round(2_000 * float(band))
    full = CONDITIONS[band](recording, RATE_HZ) if band in CONDITIONS else recording
    return np.asarray(soxr.resample(full, RATE_HZ, rate_hz, quality="VHQ"), np.float32), rate_hz


def draw(axes: Axes, audio: AnyFloatArray, loudest_db: float | None, title: str) -> float:
    """Draw one spectrogram and return the level of its loudest line."""
    transform = ShortTimeFFT(np.hanning(WINDOW), HOP, RATE_HZ, scale_to="magnitude")
    level_db = 10 * np.log10(transform.spectrogram(np.asarray(audio, np.float64)) + 1e-14)
    loudest_db = float(level_db.max()) if loudest_db is None else loudest_db
    axes.imshow(
        level_db,
        origin="lower",
        aspect="auto",
        extent=(0.0, len(audio) / RATE_HZ, 0.0, RATE_HZ / 2_000),
        cmap="magma",
        vmin=loudest_db - RANGE_DB,
        vmax=loudest_db,
    )
    axes.set_title(title, loc="left", fontsize=9)
    axes.set_yticks(range(0, 25, 8))
    axes.tick_params(labelsize=8)
    return loudest_db


def main() -> None:
    """Draw a row for each recording."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("recordings", nargs="+", metavar="FILE@BAND")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", default="wide")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    figure = Figure(figsize=(11, 1.9 * len(options.recordings)), layout="constrained")
    grid = figure.subplots(len(options.recordings), 3, sharex="row", sharey=True, squeeze=False)
    for row, name in zip(grid, options.recordings, strict=True):
        path, band = name.rsplit("@", 1)
        recording = load_audio(Path(path), RATE_HZ)[: round(options.seconds * RATE_HZ)]
        low, low_hz = narrowed(recording, band)
        made = novasr.enhance(low, low_hz, model=options.model, force=True)
        high = soxr.resample(low, low_hz, RATE_HZ, quality="VHQ")
        kind = band if band in CONDITIONS else f"{band} kHz"
        loudest = draw(row[2], recording, None, f"{Path(path).stem}: the recording")
        draw(row[0], high, loudest, f"input, {kind}")
        draw(row[1], made, loudest, options.model)
        row[0].set_ylabel("kHz", fontsize=8)
    figure.savefig(options.output, dpi=80)


if __name__ == "__main__":
    main()
