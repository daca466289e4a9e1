"""Where the results of recordings lie below the output folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from novasr.errors import ParameterError
from novasr.sets.workplace import result_suffix

_KEPT = (".wav", ".flac")  # suffixes that a result has as well


class Places:
    """As below the folder that all sources share, with the suffix of the result.

    Where names differ in the suffix alone, one that changes is kept in the name: ``a.mp3.flac`` beside ``a.flac``. Of
    each source some bytes are kept, for a set may have millions.

    Parameters
    ----------
    sources : callable
        Gives all of the set, not of one share; some may come more than once.
    output : Path
        Folder of the results.

    Raises
    ------
    ParameterError
        If a source lies in `output`, two results would have one name, or the sources share no folder.
    """

    def __init__(self, sources: Callable[[], Iterable[Path]], output: Path) -> None:
        self._common = ""
        self._stems: dict[bytes, bytes | None] = {}  # -> the file that has it alone, or None
        inside = tuple(f"{folder}{os.sep}" for folder in (_whole(output), os.path.realpath(output)))
        for path in map(_whole, sources()):
            if str(path).startswith(inside):
                raise ParameterError(
                    f"-d {output}: {path} lies in it, whose place a result could take: choose another folder"
                )
            folder = str(path.parent)
            self._common = _common(self._common, folder) if self._common else folder
            stem, file = _folded(path.with_suffix("")), digest(str(path))
            self._stems[stem] = file if self._stems.get(stem, file) == file else None
        taken: dict[bytes, bytes] = {}
        for path in map(_whole, sources()):
            place, original = self.of(path)
            for name in {f"{place}{result_suffix(path.suffix)}", original}:
                other = taken.setdefault(_folded(Path(name)), digest(str(path)))
                if other != digest(str(path)):
                    raise ParameterError(
                        f"{path}: would become {name}, as another recording of the set would: rename one"
                    )

    def of(self, source: Path) -> tuple[str, str]:
        """Give the place of the result, without its suffix, and that of what is passed through."""
        path = _whole(source)
        relative = path.relative_to(self._common)
        alone = self._stems[_folded(path.with_suffix(""))] is not None
        stem = relative.with_suffix("") if alone or path.suffix in _KEPT else relative
        return stem.as_posix(), relative.as_posix()


def digest(name: str) -> bytes:
    """Stand for a name in memory."""
    return hashlib.blake2b(os.fsencode(name), digest_size=16).digest()


def _folded(path: Path) -> bytes:
    """Stand for a name where capitals do not count, as on some file systems."""
    return digest(str(path).casefold())


def _whole(path: Path) -> Path:
    """Give an absolute path without following links, whose names tell more than those of what they lead to."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def _common(one: str, other: str) -> str:
    try:
        return os.path.commonpath([one, other])
    except ValueError as error:
        raise ParameterError(
            f"{one} and {other}: on different drives: make two manifests"
        ) from error
