"""What is done of a set: appended to as units are done, and read by the next run after any end of this one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any, BinaryIO

from novasr.errors import DiskError, ParameterError
from novasr.sets.outcome import Outcome
from novasr.sets.unit import Made, Unit

_BEGINNING = b'{"set": '  # of the first line


class Journal:
    """Lines of JSON: the first says how results are made, each further one what a unit became.

    A line that a killed run left unfinished counts as none. A unit counts as done while its source is as it was and its
    files have the sizes they had.

    Parameters
    ----------
    path : Path
        The file; its folder exists.
    output : Path
        Folder of the results.
    fingerprint : dict
        Everything on which the bytes of a result depend.

    Raises
    ------
    ParameterError
        If the results there were made in another way.
    DiskError
        If it cannot be read or written.
    """

    def __init__(self, path: Path, output: Path, fingerprint: dict[str, Any]) -> None:
        self._path, self._output = path, output
        self._places: dict[bytes, int] = {}  # where the line of a unit begins
        try:
            self._file: BinaryIO = path.open("a+b")
            self._read(fingerprint)
        except OSError as error:
            raise DiskError(f"{path}: cannot be written: {error.strerror}") from error

    def __contains__(self, unit: Unit) -> bool:
        """Tell whether this unit is done."""
        place = self._places.get(_digest(unit.id))
        if place is None:
            return False
        line = self._line(place)
        failed = any(outcome["status"] == "failed" for outcome in line["outcomes"])
        return (
            line["place"] == unit.place
            and line["source"] == _stamp(unit.source)
            and not (failed and unit.retries_failed)
            and all(_size(self._output / name) == size for name, size in line["files"].items())
        )

    def add(self, unit: Unit, made: Made) -> None:
        """Note that a unit is done; its files are in their places."""
        outcomes = [outcome.line() for outcome in made.outcomes]
        line = {
            "unit": unit.id,
            "place": unit.place,
            "source": _stamp(unit.source),
            "files": made.files,
            "outcomes": outcomes,
        }
        self._append(line)

    def made(self, unit_id: str) -> Made:
        """Give what a unit became that is done."""
        line = self._line(self._places[_digest(unit_id)])
        return Made(line["files"], [Outcome.of(outcome) for outcome in line["outcomes"]])

    def close(self) -> None:
        """Leave it on the disk."""
        with contextlib.suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()

    def _read(self, head: dict[str, Any]) -> None:
        self._file.seek(0)
        if self._file.read(len(_BEGINNING)) not in (b"", _BEGINNING):
            raise ParameterError(
                f"{self._path}: is no journal of novasr, and is kept: choose another folder"
            )
        self._file.seek(0)
        found: dict[str, Any] | None = None
        place = 0
        for text in iter(self._file.readline, b""):
            line = _parsed(text)
            if line is None or (
                found is not None and "unit" not in line
            ):  # the end of a killed run
                break
            if found is None:
                found = line
            else:
                self._places[_digest(line["unit"])] = place
            place += len(text)
        if not self._places:  # nothing was made in any way yet
            self._file.truncate(0)
            self._append(head)
            return
        self._file.truncate(place)
        check_head(self._path, found or {}, head)

    def _append(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"
        try:
            place = self._file.seek(0, os.SEEK_END)
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise DiskError(f"{self._path}: cannot be written: {error.strerror}") from error
        if "unit" in line:
            self._places[_digest(line["unit"])] = place

    def _line(self, place: int) -> dict[str, Any]:
        self._file.seek(place)
        line: dict[str, Any] = json.loads(self._file.readline().decode("utf-8", "surrogateescape"))
        return line


def _parsed(text: bytes) -> dict[str, Any] | None:
    if not text.endswith(b"\n"):
        return None
    try:
        line = json.loads(text.decode("utf-8", "surrogateescape"))
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def check_head(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse a folder in which results were made in another way.

    Raises
    ------
    ParameterError
        If the heads of two journals differ; the message names what does.
    """
    for name in wanted:
        if found.get(name) != wanted[name]:
            raise ParameterError(
                f"{path}: what is there was made with {name} {found.get(name)!r}, not"
                f" {wanted[name]!r}: choose another folder, or begin anew with --overwrite"
            )


def read_head(path: Path) -> dict[str, Any] | None:
    """Read how the results of a journal were made; ``None`` if there are none yet."""
    with path.open("rb") as file:
        first, second = _parsed(file.readline()), _parsed(file.readline())
    return first if second is not None else None


def _digest(unit_id: str) -> bytes:
    """Stand for a name in memory: a set may have millions."""
    return hashlib.blake2b(unit_id.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _stamp(source: Path) -> list[int] | None:
    try:
        status = source.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
