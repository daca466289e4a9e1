"""Folders of recordings, with each one's true bandwidth, speaker and licence."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from novasr.audio.analysis import FileInfo, file_info
from novasr.audio.folder_search import count_others, search_folder
from novasr.errors import AudioFileError, NovasrError, ParameterError, blaming

MANIFEST = "manifest.csv"
_FOLDERS = re.compile(r"(?:^|[^a-z])(music|sfx)(?![a-z])", re.IGNORECASE)
_SUNG = re.compile(r"\b(sung|singing)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes
    ----------
    path : Path
        The audio file.
    seconds : float
        Its length.
    bandwidth_hz : float
        Where its band ends; nothing above is trained on or scored.
    speaker, licence, source : str
        From the manifest; empty where it does not say.
    kind : str
        ``"speech"``, ``"singing"``, ``"music"`` or ``"sfx"``, or the manifest's ``class``.
    """

    path: Path
    seconds: float
    bandwidth_hz: float
    speaker: str = ""
    licence: str = ""
    source: str = ""
    kind: str = "speech"


Tell = Callable[[NovasrError], None]


class LeftOut:
    """Counts and reports unusable recordings; too many (all, or more than one and a tenth) are an error.

    Parameters
    ----------
    total : int
        How many recordings there are.
    tell : callable, optional
        Called with the reason for each; without it the first one is raised.
    """

    def __init__(self, total: int, tell: Tell | None) -> None:
        self._total, self._tell, self._count = total, tell, 0

    def add(self, reason: NovasrError) -> None:
        """Leave one out.

        Raises
        ------
        NovasrError
            If it is one too many.
        """
        if self._tell is None or self._total == 1:
            raise reason
        self._tell(reason)
        self._count += 1
        if self._count == self._total or self._count > max(1, self._total // 10):
            raise AudioFileError(
                f"{self._count} of {self._total} recordings cannot be used: mend or remove them"
            )


def read_recordings(folder: str | Path, left_out: Tell | None = None) -> list[Recording]:
    """List the recordings of a folder.

    A ``manifest.csv`` in it is trusted: column ``file`` names each recording, ``bandwidth_khz`` its band;
    ``seconds``, ``speaker``, ``licence``, ``source_repo`` and ``class`` are optional. Without a class, a
    file name that starts with ``music_`` or ``sfx_``, the speaker "music" or "sfx", "sung" or "singing"
    in ``speaker`` or ``note``, or the nearest folder, from `folder` on, with the word music or sfx in its
    name determines it; else it is speech. Missing values are measured. Without a
    manifest every audio file of the folder and its subfolders is measured.

    Parameters
    ----------
    folder : str or path
        Where the recordings are.
    left_out : callable, optional
        Called with the reason for each unreadable recording; without it the first one is raised.

    Returns
    -------
    list of Recording
        In the manifest's order, or by name.

    Raises
    ------
    AudioFileError
        If the folder is missing, there are no recordings, or too many are unreadable.
    ParameterError
        If the manifest lacks the column ``file`` or holds an invalid number.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise AudioFileError(f"{folder}: no such folder")
    manifest = folder / MANIFEST
    if manifest.is_file():
        return _from_manifest(manifest, left_out)
    return _from_files(folder, left_out)


def _from_manifest(manifest: Path, tell: Tell | None) -> list[Recording]:
    recordings = []
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{manifest}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        raise ParameterError(msg) from error
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if not rows:
        raise AudioFileError(f"{manifest}: names no recordings")
    left_out = LeftOut(len(rows), tell)
    for number, row in enumerate(rows, start=2):
        if not row.get("file"):
            raise ParameterError(f"{manifest}: line {number} has no column 'file'")
        path = manifest.parent / row["file"]
        if not path.is_file():
            left_out.add(AudioFileError(f"{path}: no such file, though {manifest} names it"))
            continue
        try:
            seconds = float(row["seconds"]) if row.get("seconds") else None
            band = 1000 * float(row["bandwidth_khz"]) if row.get("bandwidth_khz") else None
        except ValueError as error:
            raise ParameterError(f"{manifest}: line {number}: {error}") from error
        if seconds is None or band is None:
            measured = _measured(path, left_out)
            if measured is None:
                continue
            seconds = measured.seconds if seconds is None else seconds
            band = measured.bandwidth_hz if band is None else band
        known = {key: row.get(key) or "" for key in ("speaker", "licence")}
        told = known["speaker"], row.get("note") or ""
        kind = row.get("class") or _kind(path, manifest.parent, *told)
        source = row.get("source_repo") or ""
        recordings.append(Recording(path, seconds, band, source=source, kind=kind, **known))
    return recordings


def _from_files(folder: Path, tell: Tell | None) -> list[Recording]:
    found = search_folder(folder, recursive=True)
    if not found.files:
        only = f", only {count_others(found.others)}" if found.others else ""
        raise AudioFileError(f"{folder}: holds no recordings (audio files or a {MANIFEST}){only}")
    left_out = LeftOut(len(found.files), tell)
    infos = (_measured(path, left_out) for path in found.files)
    return [
        Recording(info.path, info.seconds, info.bandwidth_hz, kind=_kind(info.path, folder))
        for info in infos
        if info is not None
    ]


def _measured(path: Path, left_out: LeftOut) -> FileInfo | None:
    try:
        with blaming(path):
            return file_info(path)
    except NovasrError as error:
        left_out.add(error)
        return None


def _kind(path: Path, folder: Path, speaker: str = "", note: str = "") -> str:
    for kind in ("music", "sfx"):
        if path.name.startswith(f"{kind}_") or speaker == kind:
            return kind
    if _SUNG.search(f"{speaker} {note}"):
        return "singing"
    names = (folder.absolute().name, *path.parent.relative_to(folder).parts)
    found = [match.group(1).lower() for name in names if (match := _FOLDERS.search(name))]
    return found[-1] if found else "speech"
