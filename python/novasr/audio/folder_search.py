"""Which files in a folder are recordings."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from novasr.audio.writing import AUDIO_SUFFIXES
from novasr.errors import AudioFileError

# What systems keep beside recordings, besides names that begin with a dot (as our unfinished files do).
_OF_THE_SYSTEM = frozenset(
    {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}
)


@dataclass
class Found:
    """What a folder holds.

    Attributes
    ----------
    files : list of Path
        Recordings, by name.
    others : Counter of str
        How many files of other types, by suffix.
    """

    files: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def search_folder(folder: Path, *, recursive: bool) -> Found:
    """Find the recordings in a folder by their suffixes.

    Parameters
    ----------
    folder : Path
        Where to search; hidden files and what systems keep beside them are passed over.
    recursive : bool
        Whether to search the folders inside, too; symbolic links to folders are not followed.

    Returns
    -------
    Found
        Recordings and a count of the rest.

    Raises
    ------
    AudioFileError
        If a folder cannot be read.
    """
    found = Found()
    for path in _visible_files(folder, recursive=recursive):
        if path.suffix.lower() in AUDIO_SUFFIXES:
            found.files.append(path)
        else:
            found.others[path.suffix.lower()] += 1
    found.files.sort()
    return found


def count_others(others: Counter[str]) -> str:
    """Put the count of other files in words.

    Examples
    --------
    >>> count_others(Counter({".txt": 1, ".m4a": 2}))
    '3 files of other types (2 .m4a, 1 .txt)'
    """
    total = others.total()
    ranked = sorted(others.items(), key=lambda item: (-item[1], item[0] or "~"))
    kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in ranked)
    return f"{total} {'file' if total == 1 else 'files'} of other types ({kinds})"


def _visible_files(folder: Path, *, recursive: bool) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_refuse):
        yield from (
            path for name in names if _is_visible(name) and (path := Path(place, name)).is_file()
        )
        folders[:] = [name for name in folders if recursive and _is_visible(name)]


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _OF_THE_SYSTEM


def _refuse(error: OSError) -> None:
    raise AudioFileError(f"{error.filename}: cannot be read: {error.strerror}") from error
