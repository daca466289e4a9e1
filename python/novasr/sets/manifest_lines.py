"""Lines of manifests: NeMo's recordings and segments, Lhotse's recordings and cuts."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from novasr.errors import ParameterError
from novasr.sets.outcome import Outcome

#: Gives what became of a source, by its name in the manifest.
ResultOf = Callable[[str], Outcome]

_RATE_KEYS = ("sample_rate", "sampling_rate")  # of lines that state it beside the recording
_OLD_SOUND = ("transforms", "features")  # what Lhotse keeps of a recording as it was


class NemoLine:
    """One recording, or a segment of one."""

    def __init__(self, line: dict[str, Any], folder: Path) -> None:
        self._line, self._folder = line, folder
        self._name: str = line["audio_filepath"]

    def sources(self) -> list[tuple[str, Path]]:
        """Give the file: its name in the manifest, and its path."""
        return [(self._name, self._folder / self._name)]

    def with_results(
        self, result_of: ResultOf, output: Path, facts: dict[str, Any]
    ) -> dict[str, Any]:
        """Give the line of the result; its path is absolute, or relative to the manifest, as the source's is."""
        outcome = result_of(self._name)
        enhanced = outcome.status == "enhanced"
        line = dict(self._line)
        if not outcome.result:
            line["audio_filepath"] = str((self._folder / self._name).absolute())
        elif Path(self._name).is_absolute():
            line["audio_filepath"] = str((output / outcome.result).absolute())
        else:
            line["audio_filepath"] = outcome.result
        for key in _RATE_KEYS:
            if enhanced and key in line:
                line[key] = facts["rate"] or outcome.sample_rate
        return {**line, **_told([outcome], facts)}


class LhotseLine:
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
        self, result_of: ResultOf, output: Path, facts: dict[str, Any]
    ) -> dict[str, Any]:
        """Give the line of the results; as it was, if not all of its files were enhanced: a cut has one rate."""
        line = copy.deepcopy(self._line)
        found = list(_recordings(line))
        outcomes = [result_of(name) for name, _ in self.sources()]
        whole = all(outcome.status == "enhanced" for outcome in outcomes)
        for holder, recording in found:
            mine = [result_of(source["source"]) for source in recording["sources"]]
            if holder is not None:
                told = _told(mine if whole else outcomes, facts)
                holder["custom"] = {**(holder.get("custom") or {}), **told}
            if whole:
                for source, outcome in zip(recording["sources"], mine, strict=True):
                    source["source"] = str(output / outcome.result)
                _change_rate(recording, facts["rate"])
        if whole:
            for padding in _paddings(line):
                _change_rate(padding, facts["rate"])
        return line


def read_line(text: str, where: str, folder: Path) -> NemoLine | LhotseLine:
    """Read one line.

    Parameters
    ----------
    text : str
        JSON.
    where : str
        What errors call it.
    folder : Path
        Of the manifest.

    Raises
    ------
    ParameterError
        If it names no recordings in files.
    """
    try:
        line = json.loads(text)
    except ValueError as error:
        raise ParameterError(f"{where}: is no JSON ({error})") from error
    read: NemoLine | LhotseLine | None = None
    if isinstance(line, dict):
        if isinstance(line.get("audio_filepath"), str) and line["audio_filepath"]:
            read = NemoLine(line, folder)
        elif any(_recordings(line)):
            _check_recordings(line, where)
            read = LhotseLine(line)
    if read is None:
        raise ParameterError(
            f'{where}: neither has "audio_filepath" (NeMo) nor a recording with "sources" (Lhotse)'
        )
    for name, _ in read.sources():
        _check_name(name, where)
    return read


def _told(outcomes: list[Outcome], facts: dict[str, Any]) -> dict[str, Any]:
    enhanced = all(outcome.status == "enhanced" for outcome in outcomes)
    return {
        "bandwidth_in": round(min(outcome.bandwidth_in for outcome in outcomes)),
        **{name: value if enhanced else None for name, value in facts["told"].items()},
    }


def _change_rate(recording: dict[str, Any], rate: int | None) -> None:
    if rate is not None:
        frames = round(recording["num_samples"] * rate / recording["sampling_rate"])
        recording.update(num_samples=frames, sampling_rate=rate, duration=frames / rate)


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


def _paddings(value: Any) -> Iterator[dict[str, Any]]:
    """Find the silence in Lhotse's mixed cuts."""
    if isinstance(value, dict):
        if value.get("type") == "PaddingCut":
            yield value
        for inner in value.values():
            yield from _paddings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _paddings(inner)


def _check_recordings(line: dict[str, Any], where: str) -> None:
    for holder, recording in _recordings(line):
        for kept in _OLD_SOUND:
            if recording.get(kept) or (holder or {}).get(kept):
                raise ParameterError(
                    f"{where}: has {kept} of the sound as it was: take them out first"
                    " (CutSet.drop_features(), or save_audios())"
                )
        for source in recording["sources"]:
            kind = source.get("type") if isinstance(source, dict) else None
            if kind != "file" or not isinstance(source.get("source"), str):
                raise ParameterError(
                    f"{where}: the recording {recording.get('id')!r} is of type {kind!r}: only those in"
                    " files can be enhanced; save it with CutSet.save_audios() first"
                )


def _check_name(name: str, where: str) -> None:
    try:
        usable = bool(os.fsencode(name)) and "\0" not in name
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise ParameterError(f"{where}: no file can be called {name!r}")
