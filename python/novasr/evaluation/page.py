"""A page to listen to: inputs, outputs and originals side by side, at the same level."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.signal import get_window, spectrogram

from novasr.audio.metadata import Metadata
from novasr.audio.plot import require_matplotlib
from novasr.audio.writing import Layout, write_file
from novasr.errors import AudioFileError, ParameterError, blaming
from novasr.evaluation.protocols import crossover_hz
from novasr.evaluation.runner import CLEAN, read_recording
from novasr.evaluation.signals import fit

if TYPE_CHECKING:
    from pathlib import Path

    from novasr.evaluation.runner import Score, Settings
    from novasr.evaluation.systems import System
    from novasr.families.task import Task
    from novasr.training.datasets import Recording
    from novasr.types import DoubleArray

INPUT, ORIGINAL = "input", "original"
_PEAK = 0.98
_SILENT = 1e-6
_WINDOW_SECONDS = 0.02
_RANGE_DB = 90.0
_PICTURE_INCHES = (3.6, 2.2)

_STYLE = """
body { font: 16px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 100em; padding: 0 1em; }
.versions { display: flex; flex-wrap: wrap; gap: 1em; }
figure { margin: 0; width: 22em; }
figure img, figure audio { width: 100%; }
figcaption { font-weight: bold; }
"""

# Pressing play on another version continues there, at the same place.
_SCRIPT = """
for (const clip of document.querySelectorAll(".versions")) {
  const players = [...clip.querySelectorAll("audio")];
  for (const player of players) {
    player.addEventListener("play", () => {
      for (const other of players.filter((item) => item !== player && !item.paused)) {
        player.currentTime = other.currentTime;
        other.pause();
      }
    });
  }
}
"""


@dataclass(frozen=True)
class Clip:
    """A recording that is shown.

    Attributes
    ----------
    kind, rank : str
        Its class, and ``"best"``, ``"median"`` or ``"worst"`` of it.
    recording : str
        As in :class:`Score`.
    band_khz : float
        As in :class:`Score`.
    lsd : dict of str to float
        By system.
    """

    kind: str
    rank: str
    recording: str
    band_khz: float
    lsd: dict[str, float]


@dataclass(frozen=True)
class Version:
    """One sound of a clip: its name, its rate in Hz and its audio, shape (frames,)."""

    name: str
    rate_hz: int
    audio: DoubleArray


def require_page(metrics: Sequence[str]) -> None:
    """Fail early where no page can be made.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    ParameterError
        If LSD, by which recordings are chosen, is not scored.
    """
    if "lsd" not in metrics:
        raise ParameterError("a page shows recordings by their LSD: add lsd to --metrics")
    require_matplotlib()


def make_folder(folder: Path) -> None:
    """Create the folder of a page, before hours are spent on scores.

    Raises
    ------
    AudioFileError
        If it is something else, or cannot be created or written.
    """
    if folder.exists() and not folder.is_dir():
        raise AudioFileError(f"{folder}: cannot hold a page: it is not a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioFileError(f"{folder}: cannot be created: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise AudioFileError(f"{folder}: cannot hold a page: it is write-protected")


def choose_clips(scores: Sequence[Score], judge: str) -> list[Clip]:
    """Choose the best, median and worst recording of each band and class.

    Parameters
    ----------
    scores : sequence of Score
        With LSD.
    judge : str
        The system by whose LSD they are ordered.

    Returns
    -------
    list of Clip
        By band, class and rank; fewer where a class has fewer recordings.
    """
    plain = [score for score in scores if score.variant == "plain" and score.condition == CLEAN]
    found: dict[tuple[float, str], dict[str, dict[str, float]]] = {}
    for score in plain:
        group = found.setdefault((score.band_khz, score.kind), {})
        group.setdefault(score.recording, {})[score.system] = score.values["lsd"]
    clips = []
    for (band_khz, kind), by_recording in found.items():
        order = sorted(by_recording, key=lambda name: by_recording[name][judge])
        ranks = {len(order) // 2: "median", len(order) - 1: "worst", 0: "best"}
        for place in sorted(ranks):
            name = order[place]
            clips.append(Clip(kind, ranks[place], name, band_khz, by_recording[name]))
    return clips


def write_page(
    folder: Path,
    recordings: Sequence[Recording],
    systems: Sequence[System],
    settings: Settings,
    clips: Sequence[Clip],
    judge: str,
) -> None:
    """Write ``index.html`` with sound files and spectrograms; existing files are replaced.

    All versions of a clip have the original's RMS level within the input's band, and are scaled together where one
    would clip. There is no weighting by frequency.

    Parameters
    ----------
    folder : Path
        As :func:`make_folder` has checked it.
    recordings, systems, settings
        As for :func:`novasr.evaluation.runner.evaluate`.
    clips : sequence of Clip
        What to show.
    judge : str
        As for :func:`choose_clips`.

    Raises
    ------
    AudioFileError
        If a file cannot be written.
    NovasrError
        If a recording cannot be read any more.
    """
    paths = {str(recording.path): recording.path for recording in recordings}
    tasks = {task.band_hz / 1000: task for task in settings.tasks}
    sections = []
    try:
        for number, clip in enumerate(clips, start=1):
            path, task = paths[clip.recording], tasks[clip.band_khz]
            with blaming(path):
                original = read_recording(path, settings.high_hz)
            made = list(_versions(original, systems, settings, task))
            names = _write_versions(
                folder, number, same_level(made, crossover_hz(task)), clip.band_khz
            )
            sections.append(_section(clip, path.name, names))
        (folder / "index.html").write_text(_html(sections, settings, judge), encoding="utf-8")
    except OSError as error:
        if isinstance(error, AudioFileError):
            raise
        raise AudioFileError(f"{folder}: cannot be written: {error.strerror}") from error


def _versions(
    original: DoubleArray, systems: Sequence[System], settings: Settings, task: Task
) -> Iterator[Version]:
    low = settings.degrade(original, task)
    yield Version(INPUT, task.low_hz, low)
    for system in systems:
        if system.takes(task):
            made = fit(system.extend(low, task), len(original))
            yield Version(system.name, task.high_hz, made)
    yield Version(ORIGINAL, task.high_hz, original)


def same_level(versions: Sequence[Version], below_hz: float) -> list[Version]:
    """Scale all versions to the RMS of the last one, and together so far that none of them clips.

    Parameters
    ----------
    versions : sequence of Version
        Of one recording.
    below_hz : float
        Where the RMS ends: what is above is in some versions only. Versions below -120 dB there keep their level.
    """
    levels = [_rms(item, below_hz) for item in versions]
    gains = [levels[-1] / level if min(level, levels[-1]) > _SILENT else 1.0 for level in levels]
    peak = max(gain * np.abs(item.audio).max() for gain, item in zip(gains, versions, strict=True))
    headroom = min(1.0, _PEAK / peak) if peak > 0 else 1.0
    return [
        Version(item.name, item.rate_hz, headroom * gain * item.audio)
        for gain, item in zip(gains, versions, strict=True)
    ]


def _rms(version: Version, below_hz: float) -> float:
    frames = len(version.audio)
    spectrum = np.fft.rfft(version.audio)
    spectrum[int(below_hz * frames / version.rate_hz) + 1 :] = 0
    return float(np.sqrt(np.mean(np.fft.irfft(spectrum, frames) ** 2)))


def _write_versions(
    folder: Path, number: int, versions: Sequence[Version], band_khz: float
) -> dict[str, str]:
    """Write sound and picture of each version, and give the stems of their file names."""
    levels = [_levels_db(version) for version in versions]
    loudest = max(float(level.max()) for level in levels)
    top_khz = versions[-1].rate_hz / 2000
    stems = {}
    for place, (version, level) in enumerate(zip(versions, levels, strict=True), start=1):
        stem = f"{number:02}-{place}-{re.sub(r'[^A-Za-z0-9._-]+', '-', version.name)}"
        stems[version.name] = stem
        block = version.audio[:, None].astype(np.float32)
        layout = Layout("FLAC", "PCM_16", version.rate_hz, 1)
        write_file(folder / f"{stem}.flac", layout, iter([block]), Metadata())
        seconds, own_khz = len(version.audio) / version.rate_hz, version.rate_hz / 2000
        _draw(folder / f"{stem}.png", level, (0, seconds, 0, own_khz), loudest, top_khz, band_khz)
    return stems


def _levels_db(version: Version) -> DoubleArray:
    size = round(_WINDOW_SECONDS * version.rate_hz)
    window = get_window("hann", size)
    *_, power = spectrogram(
        fit(version.audio, max(size, len(version.audio))),
        version.rate_hz,
        window,
        noverlap=size // 2,
        scaling="spectrum",
    )
    return np.asarray(10 * np.log10(power + 1e-14))


def _draw(
    destination: Path,
    level_db: DoubleArray,
    extent: tuple[float, float, float, float],
    loudest_db: float,
    top_khz: float,
    band_khz: float,
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_PICTURE_INCHES, layout="constrained")
    axes: Any = figure.subplots()
    axes.imshow(
        level_db,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap="magma",
        vmin=loudest_db - _RANGE_DB,
        vmax=loudest_db,
    )
    axes.set_facecolor("black")
    axes.set_ylim(0, top_khz)
    axes.axhline(band_khz, color="white", linewidth=0.8, linestyle="--")
    axes.set_ylabel("kHz")
    figure.savefig(destination, format="png", dpi=100)


def _section(clip: Clip, name: str, stems: dict[str, str]) -> str:
    figures = []
    for version, stem in stems.items():
        lsd = f", LSD {clip.lsd[version]:.2f}" if version in clip.lsd else ""
        figures.append(
            f"<figure><figcaption>{escape(version)}{lsd}</figcaption>"
            f'<img src="{stem}.png" alt="Spectrogram of {escape(version)}">'
            f'<audio controls preload="none" src="{stem}.flac"></audio></figure>'
        )
    text = name.encode("utf-8", "replace").decode()  # file names need not be text
    heading = f"{clip.kind}, {clip.rank} of band {clip.band_khz:g} kHz: {text}"
    return f'<h2>{escape(heading)}</h2>\n<div class="versions">\n' + "\n".join(figures) + "\n</div>"


def _html(sections: Sequence[str], settings: Settings, judge: str) -> str:
    body = "\n".join(sections)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>NovaSR: listen</title>
<style>{_STYLE}</style>
<h1>NovaSR: listen</h1>
<p>Best, median and worst recording of each class by the log-spectral distance of {escape(judge)} (LSD, lower is better;
protocol {settings.protocol}, downsampled by {settings.downsampling}). All versions of a recording have the same RMS
level within the input's band, which ends at the dashed line. Pressing play on another version continues there.</p>
{body}
<script>{_SCRIPT}</script>
</html>
"""
