"""Manifests: a line of JSON for each recording or cut, as NeMo and Lhotse keep them."""

from __future__ import annotations

import contextlib
import copy
import gzip
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TextIO, cast

from novasr.errors import AudioFileError, DiskError, ParameterError
from novasr.filesystem.replacing import replacing
from novasr.sets.outcome import Outcome
from novasr.sets.shares import Share
from novasr.sets.unit import Lookup, Made, size_or_nothing
from novasr.sets.workplace import Workplace, result_suffix

_RATE_KEYS = ("sample_rate", "sampling_rate")  # of lines that state it beside the recording


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
        Path below the output folder without the suffix.
    """

    id: str
    source: Path
    weight: float
    place: str

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
            name = f"{self.place}{suffix}"
            try:
                files[name] = workplace.publish_copy(self.source, name)
                outcome = replace(outcome, result=name)
            except DiskError:
                raise
            except OSError:  # it cannot be read: the lists go on naming it where it is
                pass
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
        Which part of it to do; all lines of a file are in the same part.
    output : Path
        Folder of the results; not that of the sources or of the manifest.

    Raises
    ------
    ParameterError
        If a line is no such line; the message names it. If results would take the place of sources.
    AudioFileError
        If it cannot be read.
    """

    kind = "manifest"

    def __init__(self, path: Path, share: Share, output: Path) -> None:
        self._path, self._share = path, share
        self._places = _places(self._all_sources(), output)
        if _same(output / path.name, path):
            raise ParameterError(f"-d {output}: holds the manifest itself: choose another folder")

    def units(self) -> Iterator[RecordingUnit]:
        """Yield the recordings of this share, each once, in the order of the lines."""
        seen: set[bytes] = set()
        for name, path in self._all_sources():
            key = _digest(name)
            if key not in seen and self._share.has_name(name):
                seen.add(key)
                yield RecordingUnit(name, path, size_or_nothing(path), self._places(path))

    def write_lists(
        self, output: Path, lookup: Lookup, treatment_facts: dict[str, Any]
    ) -> list[Path]:
        """Write the manifest of the results: the same lines, with other files."""
        listed = output / self._share.marked(self._path.name)

        def result_of(name: str) -> Outcome:
            return lookup(name).outcomes[0]

        with replacing(listed) as temporary, _open_text(temporary, "w", listed) as file:
            for line in self._lines():
                sources = [name for name, _ in line.sources()]
                if sources and self._share.has_name(sources[0]):
                    made = line.with_results(result_of, output, treatment_facts)
                    file.write(json.dumps(made, ensure_ascii=False) + "\n")
        return [listed]

    def _all_sources(self) -> Iterator[tuple[str, Path]]:
        return (source for line in self._lines() for source in line.sources())

    def _lines(self) -> Iterator[_NemoLine | _LhotseLine]:
        try:
            with _open_text(self._path, "r", self._path) as file:
                for number, text in enumerate(file, 1):
                    if text.strip():
                        yield _line_of(text, f"{self._path}:{number}", self._path.parent)
        except FileNotFoundError as error:
            raise AudioFileError(f"{self._path}: no such manifest") from error
        except (OSError, EOFError, UnicodeError) as error:
            raise AudioFileError(f"{self._path}: cannot be read: {error}") from error


class _NemoLine:
    """One recording, or a segment of one."""

    def __init__(self, line: dict[str, Any], folder: Path) -> None:
        self._line, self._folder = line, folder
        self._name: str = line["audio_filepath"]

    def sources(self) -> list[tuple[str, Path]]:
        """Give the file: its name in the manifest, and its path."""
        return [(self._name, self._folder / self._name)]

    def with_results(
        self, result_of: Callable[[str], Outcome], output: Path, facts: dict[str, Any]
    ) -> dict[str, Any]:
        """Give the line of the result."""
        outcome = result_of(self._name)
        line = dict(self._line)
        if outcome.result:
            # As absolute, or as relative to its manifest, as the source's.
            absolute = Path(self._name).is_absolute()
            line["audio_filepath"] = (
                str((output / outcome.result).absolute()) if absolute else outcome.result
            )
        else:
            line["audio_filepath"] = str((self._folder / self._name).absolute())
        enhanced = outcome.status == "enhanced"
        for key in _RATE_KEYS:
            if enhanced and key in line:
                line[key] = facts["rate"] or outcome.sample_rate
        line["bandwidth_in"] = round(outcome.bandwidth_in)
        line["model"] = facts["model"] if enhanced else None
        line["weights_sha256"] = facts["weights_sha256"] if enhanced else None
        return line


class _LhotseLine:
    """A cut of any kind, or a recording."""

    def __init__(self, line: dict[str, Any]) -> None:
        self._line = line

    def sources(self) -> list[tuple[str, Path]]:
        """Give the files of all recordings in it."""
        return [
            (source["source"], Path(source["source"]))
            for _, recording in _recordings(self._line)
            for source in recording["sources"]
        ]

    def with_results(
        self, result_of: Callable[[str], Outcome], output: Path, facts: dict[str, Any]
    ) -> dict[str, Any]:
        """Give the line of the result."""
        line = copy.deepcopy(self._line)
        for holder, recording in list(_recordings(line)):
            outcomes = [result_of(source["source"]) for source in recording["sources"]]
            for source, outcome in zip(recording["sources"], outcomes, strict=True):
                if outcome.result:
                    source["source"] = str(output / outcome.result)
            enhanced = all(outcome.status == "enhanced" for outcome in outcomes)
            if holder is not None:
                holder["custom"] = {
                    **(holder.get("custom") or {}),
                    "bandwidth_in": round(min(outcome.bandwidth_in for outcome in outcomes)),
                    "model": facts["model"] if enhanced else None,
                    "weights_sha256": facts["weights_sha256"] if enhanced else None,
                }
            if enhanced:
                made = facts["rate"] or recording["sampling_rate"]
                recording["num_samples"] = round(
                    recording["num_samples"] * made / recording["sampling_rate"]
                )
                recording["sampling_rate"] = made
                recording["duration"] = recording["num_samples"] / made
        return line


def _line_of(text: str, where: str, folder: Path) -> _NemoLine | _LhotseLine:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise ParameterError(f"{where}: is no JSON ({error})") from error
    if isinstance(line, dict):
        if isinstance(line.get("audio_filepath"), str) and line["audio_filepath"]:
            return _NemoLine(line, folder)
        recordings = list(_recordings(line))
        if recordings:
            for _, recording in recordings:
                for source in recording["sources"]:
                    if source.get("type") != "file":
                        raise ParameterError(
                            f"{where}: the recording {recording.get('id')!r} is of type"
                            f" {source.get('type')!r}: only those in files can be enhanced; save it with"
                            " CutSet.save_audios() first"
                        )
            return _LhotseLine(line)
    raise ParameterError(
        f'{where}: neither has "audio_filepath" (NeMo) nor a recording with "sources" (Lhotse)'
    )


def _recordings(
    value: Any, holder: dict[str, Any] | None = None
) -> Iterator[tuple[dict[str, Any] | None, dict[str, Any]]]:
    """Find Lhotse's recordings, wherever they are in a cut, and the cuts that hold them."""
    if isinstance(value, dict):
        known = value.keys() >= {"sampling_rate", "num_samples"}
        if known and isinstance(value.get("sources"), list):
            yield holder, value
        else:
            for inner in value.values():
                yield from _recordings(inner, value if "recording" in value else None)
    elif isinstance(value, list):
        for inner in value:
            yield from _recordings(inner)


def _places(sources: Iterator[tuple[str, Path]], output: Path) -> Callable[[Path], str]:
    """Find where below the output folder each result is to lie: as below the folder that all sources share.

    Two that differ in nothing but their suffixes, of which one changes, keep it in the name.
    """
    common: str | None = None
    stems: dict[bytes, bytes | None] = {}  # stem -> the file that has it alone, or None
    for _, path in sources:
        whole = _whole(path)
        folder = str(whole.parent)
        common = folder if common is None else _common(common, folder)
        stem, file = _digest(str(whole.with_suffix(""))), _digest(str(whole))
        stems[stem] = file if stems.get(stem, file) == file else None
    if common is not None and _same(output, Path(common)):
        raise ParameterError(
            f"-d {output}: is the folder of the recordings, whose place the results would take:"
            " choose another one"
        )

    def place(path: Path) -> str:
        whole = _whole(path)
        relative = whole.relative_to(cast("str", common))
        alone = stems[_digest(str(whole.with_suffix("")))] is not None
        shared = not alone and whole.suffix.lower() not in (".wav", ".flac")
        return relative.as_posix() if shared else relative.with_suffix("").as_posix()

    return place


def _whole(path: Path) -> Path:
    """Give an absolute path without following links, whose names tell more than those of what they lead to."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _common(one: str, other: str) -> str:
    try:
        return os.path.commonpath([one, other])
    except ValueError as error:
        raise ParameterError(
            f"{one} and {other}: on different drives: make two manifests"
        ) from error


def _digest(name: str) -> bytes:
    return hashlib.blake2b(os.fsencode(name), digest_size=16).digest()


@contextlib.contextmanager
def _open_text(path: Path, mode: Literal["r", "w"], named: Path) -> Iterator[TextIO]:
    """Open a file that is compressed if `named` ends in ``.gz``; the same text gives the same bytes."""
    with contextlib.ExitStack() as opened:
        binary: Any = opened.enter_context(path.open(f"{mode}b"))
        if named.suffix == ".gz":
            packed = gzip.GzipFile("", f"{mode}b", fileobj=binary, mtime=0)
            binary = opened.enter_context(packed)
        yield opened.enter_context(io.TextIOWrapper(binary, "utf-8", newline="\n"))
