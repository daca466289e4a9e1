"""WebDataset: tar files in which the members of a sample share a name up to its first dot."""

from __future__ import annotations

import contextlib
import copy
import gzip
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, ClassVar, Literal, cast

from novasr.audio.writing import AUDIO_SUFFIXES
from novasr.errors import AudioFileError
from novasr.sets.outcome import Outcome
from novasr.sets.shares import Share
from novasr.sets.unit import Lookup, Made, size_or_nothing
from novasr.sets.workplace import Workplace, result_suffix, writing

SUFFIXES = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True)
class TarUnit:
    """A shard.

    Attributes
    ----------
    id : str
        Its path below the output folder.
    source : Path
        Where it is.
    weight : float
        Its size in bytes.
    """

    id: str
    source: Path
    weight: float
    retries_failed = False

    @property
    def place(self) -> str:
        """Where the result lies."""
        return self.id

    def run(self, workplace: Workplace) -> Made:
        """Copy it member by member; recordings are enhanced, or as they were."""
        shard = workplace.scratch / "shard"
        names = _Names(self.source)
        outcomes: list[Outcome] = []
        with (
            writing(workplace.output / self.id),
            _reading(self.source) as source,
            _writing(shard, self.source) as result,
        ):
            before = 0
            for member in source:
                self._copy(member, source, result, names, workplace, outcomes)
                if not _is_packed(self.source):
                    workplace.tick(None, member.offset - before)
                    before = member.offset
                _forget(source)
                _forget(result)
        workplace.tick(None, self.weight - before)
        return Made({self.id: workplace.publish(shard, self.id)}, outcomes)

    def recording(self, number: int, folder: Path) -> Path:
        """Extract a recording."""
        return _extract(self.source, number, folder / "before")

    def result(self, number: int, outcome: Outcome, output: Path, folder: Path) -> Path:
        """Extract a result."""
        return _extract(output / self.id, number, folder / "after")

    def _copy(
        self,
        member: tarfile.TarInfo,
        source: tarfile.TarFile,
        result: tarfile.TarFile,
        names: _Names,
        workplace: Workplace,
        outcomes: list[Outcome],
    ) -> None:
        content = source.extractfile(member) if member.isreg() else None
        if content is None:
            linked = copy.copy(member)
            linked.linkname = names.of(member.linkname)
            result.addfile(_without(linked, "linkpath") if member.linkname else linked)
        elif not _is_audio(member):
            result.addfile(_entry(member, member.name, member.size), content)
        else:
            outcomes.append(self._add_enhanced(member, content, result, names, workplace))
            workplace.tick(outcomes[-1], 0.0)

    def _add_enhanced(
        self,
        member: tarfile.TarInfo,
        content: IO[bytes],
        result: tarfile.TarFile,
        names: _Names,
        workplace: Workplace,
    ) -> Outcome:
        suffix = PurePosixPath(member.name).suffix
        spilled = workplace.scratch / f"member{suffix.lower()}"
        with spilled.open("wb") as file:
            shutil.copyfileobj(content, file)
        outcome, made = workplace.enhance(spilled, f"{self.id}/{member.name}", suffix)
        name = member.name if made is None else names.of_result(member.name, suffix)
        found = spilled if made is None else made
        with found.open("rb") as file:
            result.addfile(_entry(member, name, found.stat().st_size), file)
        return replace(outcome, result=name)


class _Names:
    """Names in a shard before and after: no result takes that of another member."""

    def __init__(self, shard: Path) -> None:
        with _reading(shard) as source:
            self._taken = set()
            for member in source:
                self._taken.add(member.name)
                _forget(source)
        self._renamed: dict[str, str] = {}

    def of_result(self, name: str, suffix: str) -> str:
        """Name the result of a recording."""
        made = result_suffix(suffix)
        if made == suffix.lower():
            return name
        renamed = name[: -len(suffix)] + made
        if renamed in self._taken:
            renamed = name + made
        self._taken.add(renamed)
        self._renamed[name] = renamed
        return renamed

    def of(self, name: str) -> str:
        """Give the name of today, to which a link leads."""
        return self._renamed.get(name, name)


class _Member(tarfile.TarInfo):
    """A member whose damaged header is an error; `tarfile` takes all but the first one for the end of the file."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> _Member:
        """Read the next header."""
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error} at byte {tarfile_.offset}") from None


class TarShards:
    """Shards, each of which becomes one of the same name.

    Parameters
    ----------
    shards : sequence of (Path, str)
        The files, and their paths below the output folder.
    share : Share
        Which of them to do.
    """

    kind = "WebDataset"
    identity: ClassVar[dict[str, str]] = {}

    def __init__(self, shards: Sequence[tuple[Path, str]], share: Share) -> None:
        self._shards, self._share = shards, share

    def units(self) -> Iterator[TarUnit]:
        """Yield the shards of this share."""
        for number, (path, place) in enumerate(self._shards):
            if self._share.has_number(number):
                yield TarUnit(place, path, size_or_nothing(path))

    def write_lists(
        self, output: Path, lookup: Lookup, treatment_facts: dict[str, Any]
    ) -> list[Path]:
        """Shards list themselves."""
        return []


def _forget(shard: tarfile.TarFile) -> None:
    """Drop the list of all members so far, which may be millions."""
    shard.members.clear()  # type: ignore[attr-defined]


def _entry(member: tarfile.TarInfo, name: str, size: int) -> tarfile.TarInfo:
    """Copy what a tar file says of a member, under another name; what is stored sparsely is stored whole."""
    entry = _without(copy.copy(member), "path", "size", "GNU.sparse.")
    entry.name, entry.size = name, size
    if member.issparse():
        entry.type, entry.sparse = tarfile.REGTYPE, None
    return entry


def _without(member: tarfile.TarInfo, *keys: str) -> tarfile.TarInfo:
    """Leave out what a longer header said, which would prevail."""
    kept = {key: value for key, value in member.pax_headers.items() if not key.startswith(keys)}
    member.pax_headers = kept
    return member


def _is_audio(member: tarfile.TarInfo) -> bool:
    return PurePosixPath(member.name).suffix.lower() in AUDIO_SUFFIXES


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() in (".gz", ".tgz")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[tarfile.TarFile]:
    """Read a shard from its start to its end."""
    mode: Literal["r|gz", "r|"] = "r|gz" if _is_packed(path) else "r|"
    try:
        with tarfile.open(path, mode, tarinfo=_Member) as shard:
            yield shard
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise AudioFileError(
            f"{path}: damaged, or no tar file ({error}): copy or make it again"
        ) from error


@contextlib.contextmanager
def _writing(path: Path, source: Path) -> Iterator[tarfile.TarFile]:
    """Write a shard that is packed as `source` is; the same members give the same bytes."""
    with contextlib.ExitStack() as opened:
        file: Any = opened.enter_context(path.open("wb"))
        if _is_packed(source):
            file = opened.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
        yield opened.enter_context(
            tarfile.open(fileobj=cast("BinaryIO", file), mode="w|", format=tarfile.PAX_FORMAT)
        )


def _extract(shard: Path, number: int, stem: Path) -> Path:
    """Give the recording with this number as a file."""
    with tarfile.open(shard) as source:
        recordings = (member for member in source if member.isreg() and _is_audio(member))
        for place, member in enumerate(recordings):
            content = source.extractfile(member)
            if place == number and content is not None:
                path = stem.with_suffix(PurePosixPath(member.name).suffix)
                with path.open("wb") as file:
                    shutil.copyfileobj(content, file)
                return path
    raise AudioFileError(f"{shard}: has no recording {number}")
