"""Accuracy and speed of the methods of novasr.f0 on speech whose F0 is known.

    python bench/f0.py FOLDER [--clips 24] [--seconds 2.5] [--methods harvest,dio]

The folder holds recordings of speech at 48 kHz. Of each clip, Harvest and D4C give a contour, every 5 ms; its voiced stretches are
smoothed in log F0 (Hann window of 55 ms), shifted by a random interval of up to half an octave and kept within 65 to
600 Hz. WORLD synthesises speech from the recording's spectral envelope and this new contour, which therefore is the
truth for every method, Harvest included. Voiced is what the synthesis excites with pulses.

Each method tracks the synthesis every 10 ms, from 60 to 800 Hz, as it is and with white noise 10 dB below it. A frame counts as a gross
error where it is more than 20 % off; cents are the root of the mean square of the others, over frames voiced in both;
voicing errors are a share of all frames. The speed is the best of three runs over all clips as they are, after one
to warm up, in processor time of one thread, with the conversion to 16 kHz.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import soundfile as sf

from novasr.f0 import METHODS, Method, track

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about the pkg_resources that it imports
    import pyworld

try:
    import torch
except ImportError:
    pass
else:
    torch.set_num_threads(1)

Audio = npt.NDArray[np.float64]

RATE = 48_000
SYNTHESIS_MS, PERIOD_MS = 5.0, 10.0
LEAST_STRETCH = 10  # values, of which a voiced stretch consists
SMOOTHING = 11  # values
LOWEST_HZ, HIGHEST_HZ = 65.0, 600.0
NOISE_DB = 10.0
GROSS_CENTS = 1200 * np.log2(1.2)


@dataclass(frozen=True)
class Speech:
    """Speech at 48 kHz, and its F0 every 10 ms, 0 where it is unvoiced."""

    audio: Audio
    f0: Audio


def resynthesised(audio: Audio, rng: np.random.Generator) -> Speech:
    """Give the recording another F0, which is then known."""
    f0, seconds = pyworld.harvest(audio, RATE, 60.0, 800.0, SYNTHESIS_MS)
    envelope = pyworld.cheaptrick(audio, f0, seconds, RATE)
    aperiodicity = pyworld.d4c(audio, f0, seconds, RATE)
    pulses = (f0 > 0) & (aperiodicity[:, 0] < 0.999)  # the rest is noise to the synthesis
    known = contour(np.where(pulses, f0, 0), rng)
    made = pyworld.synthesize(known, envelope, aperiodicity, RATE, SYNTHESIS_MS)[: len(audio)]
    every = round(PERIOD_MS / SYNTHESIS_MS)
    return Speech(made, known[::every][: frames_of(made)])


def frames_of(audio: Audio) -> int:
    """Give the number of values that a track has."""
    return 1 + int(len(audio) // (RATE * PERIOD_MS / 1000))


def contour(f0: Audio, rng: np.random.Generator) -> Audio:
    """Smooth and shift every voiced stretch; short ones become unvoiced."""
    shift = 2 ** rng.uniform(-0.5, 0.5)
    window = np.hanning(SMOOTHING + 2)[1:-1]
    changed = np.zeros_like(f0)
    for stretch in stretches(f0 > 0):
        if len(stretch) < LEAST_STRETCH:
            continue
        padded = np.pad(np.log(f0[stretch]), SMOOTHING // 2, mode="edge")
        smooth = np.convolve(padded, window / window.sum(), mode="valid")
        changed[stretch] = np.clip(shift * np.exp(smooth), LOWEST_HZ, HIGHEST_HZ)
    return changed


def stretches(voiced: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    """Give the indices of each run of voiced values."""
    at = np.flatnonzero(voiced)
    return np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if len(at) else []


def noisy(speech: Speech, rng: np.random.Generator) -> Speech:
    """Add white noise."""
    noise = rng.standard_normal(len(speech.audio))
    gain = np.sqrt(np.mean(speech.audio**2)) * 10 ** (-NOISE_DB / 20)
    return Speech(speech.audio + gain * noise, speech.f0)


def errors(found: Iterable[Audio], truth: Iterable[Audio]) -> tuple[float, float, float]:
    """Give RMS cents, gross errors and voicing errors, the last two in percent."""
    made, real = np.concatenate(list(found)), np.concatenate(list(truth))
    both = (made > 0) & (real > 0)
    cents = 1200 * np.log2(made[both] / real[both])
    gross = np.abs(cents) > GROSS_CENTS
    fine = np.sqrt(np.mean(cents[~gross] ** 2))
    return float(fine), 100 * float(gross.mean()), 100 * float(np.mean((made > 0) != (real > 0)))


def read(folder: Path, clips: int, seconds: float) -> list[Speech]:
    """Resynthesise the beginnings of recordings, evenly chosen by name."""
    files = sorted(folder.glob("*.flac")) + sorted(folder.glob("*.wav"))
    chosen = files[:: max(1, len(files) // clips)][:clips]
    rng = np.random.default_rng(20)
    made = []
    for file in chosen:
        audio, rate = sf.read(file, frames=round(seconds * RATE), dtype="float64")
        if rate != RATE:
            raise SystemExit(f"{file}: {rate} Hz, expected {RATE}")
        made.append(resynthesised(np.ascontiguousarray(audio), rng))
    return made


def speed(method: Method, speech: Sequence[Speech]) -> float:
    """Measure seconds of audio for each second of processor time."""
    times = []
    for _ in range(3):
        start = time.process_time()
        for item in speech:
            track(item.audio, RATE, method=method)
        times.append(time.process_time() - start)
    return sum(len(item.audio) for item in speech) / RATE / min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--methods", default=",".join(METHODS))
    words = parser.parse_args()

    speech = read(words.folder, words.clips, words.seconds)
    rng = np.random.default_rng(10)
    conditions = {"clean": speech, f"noise {NOISE_DB:g} dB": [noisy(item, rng) for item in speech]}
    truth = [item.f0 for item in speech]
    values = np.concatenate(truth)
    voiced = values[values > 0]
    print(
        f"{cpu_name()}, load {os.getloadavg()[0]:.1f}; {len(speech)} clips of {words.folder.name}, {len(values)} frames, "
        f"{len(voiced)} voiced, F0 {voiced.min():.0f} to {voiced.max():.0f} Hz, median {np.median(voiced):.0f}\n"
    )
    columns = [
        f"{what}, {name}" for name in conditions for what in ("cents", "gross %", "voicing %")
    ]
    print("| method | " + " | ".join(columns) + " | x real time |")
    print("|---|" + "---:|" * (len(columns) + 1))
    for method in words.methods.split(","):
        cells = []
        for items in conditions.values():
            cells += [
                f"{x:.1f}"
                for x in errors([track(x.audio, RATE, method=method) for x in items], truth)
            ]
        print(
            f"| `{method}` | " + " | ".join(cells) + f" | {speed(method, speech):.0f} |", flush=True
        )


def cpu_name() -> str:
    """Name the processor."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU"
    )


if __name__ == "__main__":
    main()
