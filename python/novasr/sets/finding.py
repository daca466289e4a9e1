"""Which set a call means, by the names it was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from novasr.errors import AudioFileError, ParameterError
from novasr.sets import tables, tar_shards
from novasr.sets.manifest import Manifest
from novasr.sets.shares import Share
from novasr.sets.unit import DataSet

_SUFFIXES = {tar_shards.SUFFIXES: "WebDataset", tables.SUFFIXES: "Parquet"}


def holds_set(name: Path) -> bool:
    """Tell whether this is a shard or a table, or a folder with one and without recordings beside it."""
    if name.is_dir():
        from novasr.audio.folder_search import search_folder

        return bool(_shards_in(name)) and not search_folder(name, recursive=True).files
    return _kind(name) is not None


def open_set(
    names: Sequence[Path],
    manifest: Path | None,
    output: Path,
    share: Share,
    column: str | None,
) -> DataSet:
    """Find out what the set is.

    Parameters
    ----------
    names : sequence of Path
        Shards or tables, and folders of them.
    manifest : Path, optional
        A manifest, instead.
    output : Path
        Folder of the results.
    share : Share
        Which part of it to do.
    column : str, optional
        Of tables: the one with the recordings.

    Raises
    ------
    ParameterError
        If the names are of several kinds, or the results would take the place of the sources.
    AudioFileError
        If something is missing.
    """
    if column is not None and (manifest is not None or _kinds(names) != {"Parquet"}):
        raise ParameterError("--column names a column of .parquet files")
    if manifest is not None:
        if names:
            raise ParameterError(f"{names[0]}: a manifest names all inputs: leave the others out")
        return Manifest(manifest, share, output)
    shards = _with_places(names)
    kinds = {_kind(path) for path, _ in shards}
    if len(kinds) != 1 or None in kinds:
        raise ParameterError(
            "sets of one kind at a time: shards (.tar .tar.gz .tgz), tables (.parquet) or recordings"
        )
    for path, place in shards:
        if (output / place).exists() and (output / place).samefile(path):
            raise ParameterError(f"-d {output}: {path} would be replaced: choose another folder")
    if kinds == {"Parquet"}:
        return tables.Tables(shards, share, column)
    return tar_shards.TarShards(shards, share)


def _kind(path: Path) -> str | None:
    name = path.name.lower()
    return next((kind for ends, kind in _SUFFIXES.items() if name.endswith(ends)), None)


def _kinds(names: Sequence[Path]) -> set[str | None]:
    return {_kind(path) for path, _ in _with_places(names)}


def _shards_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if _kind(path) is not None and not path.name.startswith(".")
    )


def _with_places(names: Sequence[Path]) -> list[tuple[Path, str]]:
    """Give the shards and their places in the output, by which they are told apart."""
    found: dict[str, Path] = {}
    for name in names:
        inside = _shards_in(name) if name.is_dir() else [name]
        for path in inside:
            if not path.is_file():
                raise AudioFileError(f"{path}: no such file")
            place = path.relative_to(name).as_posix() if name.is_dir() else path.name
            other = found.setdefault(place, path)
            if not other.samefile(path):
                raise ParameterError(
                    f"{path} and {other} would both become {place}: enhance them into two folders"
                )
    return [(path, place) for place, path in found.items()]
