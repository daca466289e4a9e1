"""Folders of 48 kHz recordings with what is known of each: their true band, speaker and licence."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from novasr.analysis import file_info
from novasr.audio.writing import AUDIO_SUFFIXES
from novasr.errors import AudioFileError, AudioFormatError

MANIFEST = "manifest.csv"
_SUNG = re.compile(r"\b(sung|singing)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes
    ----------
    path : Path
        The audio file.
    seconds : float
        Its length.
    bandwidth_hz : float
        Where its band ends: above it there is nothing to learn from or to score.
    speaker, licence, source : str
        As the manifest tells; empty where it does not.
    kind : str
        ``"speech"``, ``"singing"``, ``"music"`` or ``"sfx"``, or what the manifest has as ``class``.
    """

    path: Path
    seconds: float
    bandwidth_hz: float
    speaker: str = ""
    licence: str = ""
    source: str = ""
    kind: str = "speech"


def read_clips(folder: str | Path) -> list[Clip]:
    """List the recordings of a folder.

    A ``manifest.csv`` in it is believed: column ``file`` names each recording, ``bandwidth_khz`` its
    band, and ``seconds``, ``speaker``, ``licence``, ``source_repo`` and ``class`` are kept if they are
    there. Without a class it is told by a file name that begins with ``music_`` or ``sfx_``, by
    "music" or "sfx" for a speaker, by "sung" or "singing" in ``speaker`` or ``note``; else it is speech.
    What it leaves out is measured; so is every audio file of a folder (and of those in it) without one.

    Parameters
    ----------
    folder : str or path
        Where the recordings are.

    Returns
    -------
    list of Clip
        In the manifest's order, or by name.

    Raises
    ------
    AudioFileError
        If the folder, or a file that the manifest names, is missing, or there are no recordings.
    AudioFormatError
        If the manifest lacks the column ``file`` or holds a number that cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise AudioFileError(f"{folder}: no such folder")
    manifest = folder / MANIFEST
    clips = _from_manifest(manifest) if manifest.is_file() else _from_files(folder)
    if not clips:
        raise AudioFileError(f"{folder}: holds no recordings (audio files or a {MANIFEST})")
    return clips


def _from_manifest(manifest: Path) -> list[Clip]:
    clips = []
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{manifest}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        raise AudioFormatError(msg) from error
    for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), start=2):
        if not row.get("file"):
            raise AudioFormatError(f"{manifest}: line {number} has no column 'file'")
        path = manifest.parent / row["file"]
        if not path.is_file():
            raise AudioFileError(f"{path}: no such file, though {manifest} names it")
        try:
            seconds = float(row["seconds"]) if row.get("seconds") else None
            band = 1000 * float(row["bandwidth_khz"]) if row.get("bandwidth_khz") else None
        except ValueError as error:
            raise AudioFormatError(f"{manifest}: line {number}: {error}") from error
        if seconds is None or band is None:
            measured = file_info(path)
            seconds = measured.seconds if seconds is None else seconds
            band = measured.bandwidth_hz if band is None else band
        known = {key: row.get(key) or "" for key in ("speaker", "licence")}
        kind = row.get("class") or _kind(path, known["speaker"], row.get("note") or "")
        source = row.get("source_repo") or ""
        clips.append(Clip(path, seconds, band, source=source, kind=kind, **known))
    return clips


def _from_files(folder: Path) -> list[Clip]:
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    infos = (file_info(path) for path in sorted(paths))
    return [
        Clip(info.path, info.seconds, info.bandwidth_hz, kind=_kind(info.path)) for info in infos
    ]


def _kind(path: Path, speaker: str = "", note: str = "") -> str:
    for kind in ("music", "sfx"):
        if path.name.startswith(f"{kind}_") or speaker == kind:
            return kind
    return "singing" if _SUNG.search(f"{speaker} {note}") else "speech"
