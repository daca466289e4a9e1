"""Accuracy of the running cut-off estimator on degraded recordings.

    python bench/cutoff_accuracy.py FOLDER... [--per-clip 12] [--seconds 4] [--markdown]

Each folder holds recordings at 48 kHz and a `manifest.csv` with the columns `file` and `bandwidth_khz`. Every
recording of at least 18 kHz passes through a random choice of low-pass filters, resamplers and codecs (those of ffmpeg
where it is installed), with and without noise, at a peak of -6 dBFS.

The true cut-off of a degradation is measured, not assumed: where white noise that passes through it is attenuated by
20 dB; for recordings of at least 20 kHz as they are, 24 kHz. The error of a clip is the median over the hops from 0.5 s
of active signal on; active are hops whose sound above 280 Hz is less than 30 dB below a peak that decays by 6 dB a
second. A clip counts as steady from the time on at which it has been within 10 % of the truth for 0.3 s; a move is a
change of more than 2 % from then on. The time to follow counts active signal, until the estimate is within 10 %.
"""

from __future__ import annotations

import argparse
import csv
import functools
import io
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr
from scipy import signal

from novasr.audio.cutoff import cutoffs

Audio = npt.NDArray[np.float32]
Effect = Callable[[Audio], Audio]

RATE = 48_000
HOP = 256
FULL_BAND_HZ = 24_000.0
BANDS_HZ = (2_000, 3_000, 3_400, 4_000, 5_000, 6_000, 8_000, 10_000, 11_000, 12_000, 14_000, 16_000)
TRUTH_DB = -20.0
SETTLING_SECONDS = 0.5
NOISES = ("none", "16 bit", "hiss -60 dB", "hiss -70 dB", "hiss -55 dB before")


@dataclass(frozen=True)
class Degradation:
    """A low-pass of one kind, with a nominal band in Hz."""

    kind: str
    band_hz: int
    apply: Effect


@dataclass(frozen=True)
class Recording:
    """A clip at 48 kHz and the end of its own band."""

    name: str
    audio: Audio
    band_hz: float


@dataclass(frozen=True)
class Result:
    """What the estimator made of one degraded clip; ratios to the truth."""

    kind: str
    band_hz: int
    noise: str
    error: float
    full_band: bool
    steady_minutes: float
    moves: int


# Degradations


def fit(audio: Audio, frames: int) -> Audio:
    """Cut or pad to `frames`, as float32."""
    short = np.asarray(audio[:frames], np.float32)
    return np.pad(short, (0, frames - len(short)))


def resampled(audio: Audio, rate: int) -> Audio:
    """Down to `rate` and up again."""
    return fit(soxr.resample(soxr.resample(audio, RATE, rate), rate, RATE), len(audio))


def filtered(audio: Audio, sections: npt.NDArray[np.float64]) -> Audio:
    """Pass through second-order sections."""
    return np.asarray(signal.sosfilt(sections, audio), np.float32)


def through_libsndfile(audio: Audio, rate: int, subtype: str, telephone: bool = False) -> Audio:
    """Code at a low rate, after the band-pass of a telephone network if `telephone`."""
    low = soxr.resample(audio, RATE, rate)
    if telephone:
        low = filtered(low, signal.butter(4, 300, "high", fs=rate, output="sos"))
        low = filtered(low, signal.ellip(8, 0.3, 50, 3_400, fs=rate, output="sos"))
    with io.BytesIO() as file:
        sf.write(file, np.clip(low, -1, 1), rate, subtype, format="WAV")
        file.seek(0)
        decoded, _ = sf.read(file, dtype="float32")
    return fit(soxr.resample(decoded, rate, RATE), len(audio))


def through_ffmpeg(audio: Audio, extension: str, options: Sequence[str]) -> Audio:
    """Code and decode with ffmpeg."""
    quiet = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-i"]
    with tempfile.TemporaryDirectory() as folder:
        source, coded, decoded = (
            f"{folder}/{name}" for name in ("a.wav", f"b.{extension}", "c.wav")
        )
        sf.write(source, audio, RATE, "FLOAT")
        subprocess.run([*quiet, source, *options, coded], check=True)
        subprocess.run([*quiet, coded, "-c:a", "pcm_f32le", decoded], check=True)
        result, rate = sf.read(decoded, dtype="float32")
    return fit(result if rate == RATE else soxr.resample(result, rate, RATE), len(audio))


def filters(band_hz: int) -> list[Degradation]:
    """Give the filters for one band."""
    designs = {
        f"Butterworth {order}": signal.butter(order, band_hz, fs=RATE, output="sos")
        for order in (4, 6, 8, 10)
    }
    designs["Chebyshev 8"] = signal.cheby1(8, 0.5, band_hz, fs=RATE, output="sos")
    designs["elliptic 7"] = signal.ellip(7, 0.5, 60, band_hz, fs=RATE, output="sos")
    rate = round(2 * band_hz / 0.95)  # soxr's transition ends at half of it
    return [
        Degradation("resampler", band_hz, functools.partial(resampled, rate=rate)),
        *(
            Degradation(kind, band_hz, functools.partial(filtered, sections=sos))
            for kind, sos in designs.items()
        ),
    ]


def codecs() -> list[Degradation]:
    """Give the codecs; ffmpeg's only where it is installed."""
    found = [
        Degradation(
            "A-law",
            3_400,
            functools.partial(through_libsndfile, rate=8_000, subtype="ALAW", telephone=True),
        ),
        Degradation(
            "GSM", 3_800, functools.partial(through_libsndfile, rate=8_000, subtype="GSM610")
        ),
    ]
    if shutil.which("ffmpeg") is None:
        return found

    def add(kind: str, band_hz: int, extension: str, *options: str) -> None:
        found.append(
            Degradation(
                kind,
                band_hz,
                functools.partial(through_ffmpeg, extension=extension, options=options),
            )
        )

    add("G.722", 7_600, "mkv", "-ar", "16000", "-c:a", "g722")
    add("mSBC", 7_600, "msbc", "-ar", "16000", "-c:a", "sbc", "-msbc", "1", "-strict", "-2")
    for band_hz in (4_000, 8_000, 12_000):
        add("Opus", band_hz, "ogg", "-c:a", "libopus", "-b:a", "24k", "-cutoff", str(band_hz))
    for band_hz, rate in ((10_000, "48k"), (11_000, "64k"), (14_000, "96k"), (16_000, "128k")):
        add("MP3", band_hz, "mp3", "-c:a", "libmp3lame", "-b:a", rate, "-cutoff", str(band_hz))
    for band_hz, rate in ((10_000, "48k"), (12_000, "64k"), (16_000, "96k")):
        add("AAC", band_hz, "m4a", "-c:a", "aac", "-b:a", rate, "-cutoff", str(band_hz))
    return found


def hiss(audio: Audio, rms_db: float, rng: np.random.Generator) -> Audio:
    """Add white noise."""
    return np.asarray(audio + 10 ** (rms_db / 20) * rng.standard_normal(len(audio)), np.float32)


def quantised(audio: Audio) -> Audio:
    """Round to 16 bits."""
    return np.asarray(np.round(np.clip(audio, -1, 1) * 32767) / 32767, np.float32)


def degraded(audio: Audio, effect: Effect, noise: str, rng: np.random.Generator) -> Audio:
    """Apply a degradation and one of NOISES."""
    if noise.endswith("before"):
        return effect(hiss(audio, -55, rng))
    result = effect(audio)
    if noise == "16 bit":
        return quantised(result)
    return hiss(result, float(noise.split()[1]), rng) if noise.startswith("hiss") else result


def true_cutoff_hz(effect: Effect) -> float:
    """Measure where white noise is attenuated by 20 dB against the middle of the band."""
    noise = hiss(np.zeros(4 * RATE, np.float32), -20, np.random.default_rng(1))
    welch = functools.partial(signal.welch, fs=RATE, nperseg=4096, window="blackmanharris")
    hertz, power = welch(effect(noise))
    gain_db = 10 * np.log10(signal.medfilt(power / welch(noise)[1], 5) + 1e-15)
    passband_db = np.median(gain_db[(hertz > 600) & (hertz < 1_500)])
    end = float(hertz[np.nonzero(gain_db > passband_db + TRUTH_DB)[0][-1]])
    return end if end < 0.96 * FULL_BAND_HZ else FULL_BAND_HZ


# Measurements


def recordings(folder: Path, least_hz: float, seconds: float) -> list[Recording]:
    """Read the recordings of a folder with at least that band, at a peak of -6 dBFS."""
    found = []
    with (folder / "manifest.csv").open(encoding="utf-8") as text:
        for row in csv.DictReader(text):
            band_hz = 1_000 * float(row["bandwidth_khz"] or 0)
            if band_hz < least_hz:
                continue
            audio, rate = sf.read(
                folder / row["file"], dtype="float32", frames=int(seconds * RATE), always_2d=True
            )
            if rate == RATE and len(audio) >= RATE and audio.any():
                found.append(
                    Recording(row["file"], 0.5 * audio[:, 0] / np.max(np.abs(audio[:, 0])), band_hz)
                )
    return found


def active_seconds(audio: Audio) -> npt.NDArray[np.float64]:
    """Count the active signal up to each hop; hum is none."""
    sections = signal.butter(4, 280, "high", fs=RATE, output="sos")
    hops = filtered(audio, sections)[: len(audio) // HOP * HOP].reshape(-1, HOP)
    power = np.mean(hops.astype(np.float64) ** 2, axis=1)
    decay = 10 ** (-0.6 * HOP / RATE)
    peak = functools.reduce(lambda peaks, p: [*peaks, max(p, decay * peaks[-1])], power, [0.0])[1:]
    return np.cumsum((power > 1e-3 * np.array(peak)) & (power > 1e-8)) * HOP / RATE


def measure(audio: Audio, degradation: Degradation, noise: str, truth_hz: float) -> Result | None:
    """Follow one clip; None if it is active for less than a second."""
    hz = cutoffs(audio)[:, 0]
    active = active_seconds(audio)
    if active[-1] < 1.0:
        return None
    errors = np.abs(hz / truth_hz - 1)
    steady = steady_from(errors, active)
    changes = np.abs(np.diff(hz[steady:])) / hz[steady:-1]
    return Result(
        degradation.kind,
        degradation.band_hz,
        noise,
        float(np.median(errors[active >= SETTLING_SECONDS])),
        bool(hz[-1] >= FULL_BAND_HZ),
        (len(hz) - steady) * HOP / RATE / 60,
        int(np.sum(changes > 0.02)),
    )


def steady_from(errors: npt.NDArray[np.float32], active: npt.NDArray[np.float64]) -> int:
    """Find the hop from which on a clip counts as steady; its end if there is none."""
    hops = round(0.3 * RATE / HOP)
    good = np.convolve(errors < 0.1, np.ones(hops))[: len(errors)] > hops - 0.5
    found = np.nonzero(good & (active >= SETTLING_SECONDS))[0]
    return int(found[0]) if len(found) else len(errors) - 1


def accuracy(clips: Iterable[Recording], per_clip: int) -> list[Result]:
    """Measure each clip through a random choice of degradations, and as it is."""
    degradations = [d for band_hz in BANDS_HZ for d in filters(band_hz)] + codecs()
    truths = [true_cutoff_hz(d.apply) for d in degradations]
    untouched = Degradation("full band", int(FULL_BAND_HZ), lambda audio: audio)
    results = []
    for clip in clips:
        rng = np.random.default_rng(zlib.crc32(clip.name.encode()))
        cases = [
            (degradations[i], NOISES[rng.integers(len(NOISES))], truths[i])
            for i in rng.permutation(len(degradations))[:per_clip]
        ]
        if clip.band_hz >= 20_000:
            cases += [(untouched, noise, FULL_BAND_HZ) for noise in NOISES[:3]]
        for degradation, noise, truth_hz in cases:
            audio = degraded(clip.audio, degradation.apply, noise, rng)
            results.append(measure(audio, degradation, noise, truth_hz))
    return [result for result in results if result is not None]


def times_to_follow(clips: Iterable[Recording]) -> dict[str, list[float]]:
    """Measure the active seconds after a switch between two bands, for clips that had found the first."""
    effects: dict[str, Effect] = {
        **{
            str(hz): functools.partial(resampled, rate=round(2 * hz / 0.95))
            for hz in (3_400, 8_000, 12_000, 16_000)
        },
        "full": lambda audio: audio,
    }
    truths = {name: true_cutoff_hz(effect) for name, effect in effects.items()}
    pairs = [("full", "3400"), ("3400", "full"), ("8000", "3400"), ("3400", "8000")]
    pairs += [
        ("full", "12000"),
        ("12000", "full"),
        ("16000", "8000"),
        ("8000", "16000"),
        ("full", "16000"),
    ]
    times: dict[str, list[float]] = {f"{first} to {second} Hz": [] for first, second in pairs}
    for clip in clips:
        versions = {name: quantised(effect(clip.audio)) for name, effect in effects.items()}
        switch = len(clip.audio) // HOP
        for first, second in pairs:
            audio = np.concatenate([versions[first], versions[second]])
            hz, active = cutoffs(audio)[:, 0], active_seconds(audio)
            if abs(hz[switch - 2] / truths[first] - 1) > 0.1:
                continue
            found = np.nonzero(np.abs(hz[switch:] / truths[second] - 1) < 0.1)[0]
            elapsed = active[switch + found[0]] - active[switch] if len(found) else np.inf
            times[f"{first} to {second} Hz"].append(float(elapsed))
    return times


# Tables


def row(name: str, results: Sequence[Result]) -> list[str]:
    """Give one line of the table of errors."""
    errors = np.array([result.error for result in results])
    missed = np.mean([result.full_band for result in results])
    minutes = sum(result.steady_minutes for result in results)
    moves = sum(result.moves for result in results)
    values = [
        np.median(errors),
        np.quantile(errors, 0.9),
        np.mean(errors < 0.05),
        np.mean(errors < 0.1),
        missed,
    ]
    return [
        name,
        str(len(errors)),
        *(f"{100 * value:.1f}" for value in values),
        f"{moves / max(minutes, 1e-9):.1f}",
    ]


def show(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], markdown: bool) -> None:
    """Print a table."""
    print(f"\n{title}\n")
    for number, line in enumerate([header, *rows]):
        cells = [line[0].ljust(22), *(cell.rjust(10) for cell in line[1:])]
        print("| " + " | ".join(cells) + " |" if markdown else " ".join(cells))
        if markdown and number == 0:
            print("|---|" + "---:|" * (len(cells) - 1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--per-clip", type=int, default=12, help="degradations of each clip")
    parser.add_argument("--seconds", type=float, default=4.0, help="taken of each clip")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    clips = [
        clip for folder in options.folders for clip in recordings(folder, 18_000, options.seconds)
    ]
    results = accuracy(clips, options.per_clip)
    header = ["", "n", "median %", "p90 %", "in 5 %", "in 10 %", "full %", "moves/min"]
    lowpass = [result for result in results if result.kind != "full band"]
    steep = [result for result in lowpass if not result.kind.startswith("Butterworth")]
    kinds = dict.fromkeys(result.kind for result in results)
    show(
        "By degradation",
        header,
        (row(k, [r for r in results if r.kind == k]) for k in sorted(kinds)),
        options.markdown,
    )
    bands = sorted({result.band_hz for result in steep})
    by_band = [row(f"{b} Hz", [r for r in steep if r.band_hz == b]) for b in bands]
    show("By band, without Butterworth filters", header, by_band, options.markdown)
    by_noise = [row(n, [r for r in steep if r.noise == n]) for n in NOISES]
    totals = [row("all of these", steep), row("with Butterworth", lowpass)]
    show("By noise, without Butterworth filters", header, by_noise + totals, options.markdown)
    times = times_to_follow(
        clip for clip in clips if clip.band_hz >= 20_000 and len(clip.audio) >= 2.5 * RATE
    )
    rows = [
        [name, str(len(t)), f"{np.median(t):.2f}", f"{np.quantile(t, 0.9, method='higher'):.2f}",
         f"{100 * np.mean(np.array(t) <= SETTLING_SECONDS):.0f}"]
        for name, t in times.items() if t
    ]  # fmt: skip
    show(
        "Active seconds to follow a switch",
        ["", "n", "median", "p90", "in 0.5 s %"],
        rows,
        options.markdown,
    )


if __name__ == "__main__":
    main()
