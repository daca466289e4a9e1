"""Manifests: a line of JSON for each recording or cut, as NeMo and Lhotse keep them."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TextIO

from novasr.errors import AudioFileError, DiskError, ParameterError
from novasr.filesystem.replacing import replacing
from novasr.sets.manifest_lines import LhotseLine, NemoLine, read_line
from novasr.sets.outcome import Outcome
from novasr.sets.places import Places, digest
from novasr.sets.shares import Share
from novasr.sets.unit import Lookup, Made, size_or_nothing
from novasr.sets.workplace import Workplace, result_suffix

_OURS = ("journal", "report")  # names that a list of results cannot have


@dataclass(frozen=True)
class RecordingUnit:
    """A recording that a manifest names.

    Attributes
    ----------
    id : str
        Its path as the manifest has it.
    source : Path
        Where it is.
    weight : float
        Its size in bytes.
    place : str
        Path of the result below the output folder, without the suffix.
    original_place : str
        Path below the output folder of what is passed through.
    """

    id: str
    source: Path
    weight: float
    place: str
    original_place: str
    retries_failed = True  # it costs nothing, and the reason may be gone

    def run(self, workplace: Workplace) -> Made:
        """Enhance it, or copy what cannot be enhanced."""
        suffix = self.source.suffix
        outcome, made = workplace.enhance(self.source, self.id, suffix)
        files: dict[str, int] = {}
        if made is not None:
            name = f"{self.place}{result_suffix(suffix)}"
            files[name] = workplace.publish(made, name)
            outcome = replace(outcome, result=name)
        else:
            try:
                size = workplace.publish_copy(self.source, self.original_place)
            except DiskError:
                raise
            except OSError:  # it cannot be read: the lists go on naming it where it is
                pass
            else:
                files[self.original_place] = size
                outcome = replace(outcome, result=self.original_place)
        workplace.tick(outcome, self.weight)
        return Made(files, [outcome])

    def recording(self, number: int, folder: Path) -> Path:
        """Give the recording."""
        return self.source

    def result(self, number: int, outcome: Outcome, output: Path, folder: Path) -> Path:
        """Give the result."""
        return output / outcome.result


class Manifest:
    """A manifest in NeMo's form (``audio_filepath``) or Lhotse's (cuts or recordings).

    Each file is enhanced once, however many lines name it. Paths of NeMo's are relative to the manifest, of Lhotse's
    to the working folder, as their own readers take them.

    Parameters
    ----------
    path : Path
        ``.jsonl`` or ``.json``, or that and ``.gz``.
    share : Share
        Which part of it to do. A line belongs to the part of its first file; one that lines of several parts name is
        done in each of them, with the same result.
    output : Path
        Folder of the results, in which none of the sources lies.

    Raises
    ------
    ParameterError
        If a line is no such line; the message names it. If results would take the place of sources or of each other.
    AudioFileError
        If it cannot be read.
    """

    kind = "manifest"

    def __init__(self, path: Path, share: Share, output: Path) -> None:
        self._path, self._share = path, share
        if path.name.partition(".")[0].partition("-")[0] in _OURS:
            raise ParameterError(
                f"{path}: its list of results would be called like one of novasr's: rename it"
            )
        if os.path.realpath(output / path.name) == os.path.realpath(path):
            raise ParameterError(f"-d {output}: holds the manifest itself: choose another folder")
        self._places = Places(lambda: (path for _, path in self._sources(Share())), output)

    @property
    def identity(self) -> dict[str, str]:
        """Which manifest it is."""
        return {"manifest": str(self._path.absolute())}

    def units(self) -> Iterator[RecordingUnit]:
        """Yield the recordings of this share, each once, in the order of the lines."""
        seen: set[bytes] = set()
        for name, path in self._sources(self._share):
            key = digest(_id(name))
            if key not in seen:
                seen.add(key)
                place, original = self._places.of(path)
                yield RecordingUnit(_id(name), path, size_or_nothing(path), place, original)

    def write_lists(
        self, output: Path, lookup: Lookup, treatment_facts: dict[str, Any]
    ) -> list[Path]:
        """Write the manifest of the results: the same lines, with other files."""
        listed = output / self._share.marked(self._path.name)

        def result_of(name: str) -> Outcome:
            return lookup(_id(name)).outcomes[0]

        with replacing(listed) as temporary, _open_text(temporary, "w", listed) as file:
            for line in self._lines(self._share):
                file.write(_text(line.with_results(result_of, output, treatment_facts)) + "\n")
        return [listed]

    def _sources(self, share: Share) -> Iterator[tuple[str, Path]]:
        return (source for line in self._lines(share) for source in line.sources())

    def _lines(self, share: Share) -> Iterator[NemoLine | LhotseLine]:
        try:
            with _open_text(self._path, "r", self._path) as file:
                for number, text in enumerate(file, 1):
                    if text.strip():
                        line = read_line(text, f"{self._path}:{number}", self._path.parent)
                        if share.has_name(_id(line.sources()[0][0])):
                            yield line
        except FileNotFoundError as error:
            raise AudioFileError(f"{self._path}: no such manifest") from error
        except (OSError, EOFError, UnicodeError, zlib.error) as error:
            if isinstance(error, AudioFileError):
                raise
            raise AudioFileError(f"{self._path}: cannot be read: {error}") from error


def _id(name: str) -> str:
    """Give one name for the spellings of a path."""
    return os.path.normpath(name)


def _text(line: dict[str, Any]) -> str:
    text = json.dumps(line, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which JSON alone can write
        return json.dumps(line)
    return text


@contextlib.contextmanager
def _open_text(path: Path, mode: Literal["r", "w"], named: Path) -> Iterator[TextIO]:
    """Open a file that is compressed if `named` ends in ``.gz``; the same text gives the same bytes."""
    encoding = "utf-8-sig" if mode == "r" else "utf-8"
    with contextlib.ExitStack() as opened:
        binary: Any = opened.enter_context(path.open(f"{mode}b"))
        if named.suffix == ".gz":
            packed = gzip.GzipFile("", f"{mode}b", fileobj=binary, mtime=0)
            binary = opened.enter_context(packed)
        yield opened.enter_context(io.TextIOWrapper(binary, encoding, newline="\n"))
