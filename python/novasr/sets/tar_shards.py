"""WebDataset: tar files in which the members of a sample share a name up to its first dot."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Literal, cast

from novasr.audio.writing import AUDIO_SUFFIXES
from novasr.errors import AudioFileError
from novasr.sets.outcome import Outcome
from novasr.sets.shares import Share
from novasr.sets.unit import Lookup, Made, size_or_nothing
from novasr.sets.workplace import Workplace, result_suffix

SUFFIXES = (".tar", ".tar.gz", ".tgz")

_BLOCK = 512  # of a tar file


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

    def run(self, workplace: Workplace) -> Made:
        """Copy it member by member; recordings are enhanced, or as they were."""
        shard = workplace.scratch / "shard"
        outcomes: list[Outcome] = []
        with _reading(self.source) as source, _writing(shard, self.source) as result:
            for member in source:
                content = source.extractfile(member) if member.isreg() else None
                if content is None or not _is_audio(member):
                    result.addfile(member, content)
                    continue
                outcomes.append(self._add_enhanced(member, content, result, workplace))
                share = member.size + 2 * _BLOCK
                workplace.tick(outcomes[-1], min(share, self.weight) if self._plain else 0.0)
        return Made({self.id: workplace.publish(shard, self.id)}, outcomes)

    def recording(self, number: int, folder: Path) -> Path:
        """Extract a recording."""
        return _extract(self.source, number, folder / "before")

    def result(self, number: int, outcome: Outcome, output: Path, folder: Path) -> Path:
        """Extract a result."""
        return _extract(output / self.id, number, folder / "after")

    @property
    def _plain(self) -> bool:
        return self.source.suffix == ".tar"

    def _add_enhanced(
        self,
        member: tarfile.TarInfo,
        content: IO[bytes],
        result: tarfile.TarFile,
        workplace: Workplace,
    ) -> Outcome:
        suffix = PurePosixPath(member.name).suffix
        spilled = workplace.scratch / f"member{suffix.lower()}"
        with spilled.open("wb") as file:
            shutil.copyfileobj(content, file)
        outcome, made = workplace.enhance(spilled, f"{self.id}/{member.name}", suffix)
        entry = replace_name(member, member.name)
        if made is not None:
            entry = replace_name(member, _renamed(member.name, suffix))
            entry.size = made.stat().st_size
        with (made or spilled).open("rb") as file:
            result.addfile(entry, file)
        return replace(outcome, result=entry.name)


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


def replace_name(member: tarfile.TarInfo, name: str) -> tarfile.TarInfo:
    """Copy what a tar file says of a member, under another name."""
    entry = member.replace(name=name, deep=False)
    # What a longer header said of the old name and size would prevail.
    entry.pax_headers = {
        key: value for key, value in member.pax_headers.items() if key not in ("path", "size")
    }
    return entry


def _is_audio(member: tarfile.TarInfo) -> bool:
    return PurePosixPath(member.name).suffix.lower() in AUDIO_SUFFIXES


def _renamed(name: str, suffix: str) -> str:
    made = result_suffix(suffix)
    return name if made == suffix.lower() else name[: -len(suffix)] + made


def _packed(path: Path) -> bool:
    return path.suffix in (".gz", ".tgz")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[tarfile.TarFile]:
    """Read a shard from its start to its end."""
    mode: Literal["r|gz", "r|"] = "r|gz" if _packed(path) else "r|"
    try:
        with tarfile.open(path, mode) as shard:
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
        if _packed(source):
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
