"""Parquet: tables with a column of recordings, as Hugging Face `datasets` keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from novasr.errors import AudioFileError, MissingPackageError, ParameterError, install_command
from novasr.offline.results import DEFAULT_RATE_HZ
from novasr.sets.outcome import Outcome
from novasr.sets.shares import Share
from novasr.sets.unit import Lookup, Made, size_or_nothing
from novasr.sets.workplace import Workplace, result_suffix

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

SUFFIXES = (".parquet",)

_GROUP_BYTES = 16 << 20  # of recordings in a row group, or one recording: what is held at once
_GROUP_ROWS = 1_000
_HEADERS = {b"RIFF": ".wav", b"RF64": ".wav", b"fLaC": ".flac", b"FORM": ".aiff", b"OggS": ".ogg"}


@dataclass(frozen=True)
class TableUnit:
    """A table.

    Attributes
    ----------
    id : str
        Its path below the output folder.
    source : Path
        Where it is.
    weight : float
        Its size in bytes.
    column : str
        The one with the recordings.
    """

    id: str
    source: Path
    weight: float
    column: str

    def run(self, workplace: Workplace) -> Made:
        """Copy it row by row, with other recordings."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = workplace.scratch / "table"
        outcomes: list[Outcome] = []
        with _opened(self.source) as source:
            rows = source.metadata.num_rows
            schema = _with_rate(source.schema_arrow, self.column, workplace.treatment.settings.rate)
            packing = _compression(source)
            with pq.ParquetWriter(table, schema, compression=packing) as writer:
                group: list[pa.RecordBatch] = []
                held = 0
                for row in _rows(source):
                    made, size = self._enhanced(row, schema, len(outcomes), workplace, outcomes)
                    group.append(made)
                    held += size
                    workplace.tick(outcomes[-1], self.weight / max(1, rows))
                    if held >= _GROUP_BYTES or len(group) >= _GROUP_ROWS:
                        writer.write_table(pa.Table.from_batches(group, schema))
                        group, held = [], 0
                if group:
                    writer.write_table(pa.Table.from_batches(group, schema))
        return Made({self.id: workplace.publish(table, self.id)}, outcomes)

    def recording(self, number: int, folder: Path) -> Path:
        """Extract a recording."""
        return _extract(self.source, self.column, number, folder / "before")

    def result(self, number: int, outcome: Outcome, output: Path, folder: Path) -> Path:
        """Extract a result."""
        return _extract(output / self.id, self.column, number, folder / "after")

    def _enhanced(
        self,
        row: pa.RecordBatch,
        schema: pa.Schema,
        number: int,
        workplace: Workplace,
        outcomes: list[Outcome],
    ) -> tuple[pa.RecordBatch, int]:
        """Give the row with another recording, and the size of that."""
        import pyarrow as pa

        place = schema.get_field_index(self.column)
        content, path = _content(row.column(place)[0].as_py(), self.source.parent)
        name = f"{self.id}/{number}"
        if content is None:
            outcomes.append(Outcome(name, "empty", f"{name}: holds no recording"))
            return row.cast(schema), 0
        suffix = PurePosixPath(path or "").suffix or _suffix_of(content)
        spilled = workplace.scratch / f"row{suffix.lower()}"
        spilled.write_bytes(content)
        outcome, made = workplace.enhance(spilled, name, suffix)
        if made is None:
            outcomes.append(replace(outcome, result=str(number)))
            return row.cast(schema), len(content)
        content = made.read_bytes()
        outcomes.append(replace(outcome, result=str(number)))
        kind = schema.field(place).type
        value: Any = content
        if pa.types.is_struct(kind):
            renamed = path and str(PurePosixPath(path).with_suffix(result_suffix(suffix)))
            value = {**row.column(place)[0].as_py(), "bytes": content, "path": renamed}
        columns = [column for column in row.columns]
        columns[place] = pa.array([value], kind)
        return pa.RecordBatch.from_arrays(columns, schema=schema), len(content)


class Tables:
    """Tables, each of which becomes one of the same name.

    Parameters
    ----------
    tables : sequence of (Path, str)
        The files, and their paths below the output folder.
    share : Share
        Which of them to do.
    column : str, optional
        The one with the recordings; the only one by default.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed.
    ParameterError
        If a table has no such column, or several and none was named.
    AudioFileError
        If a table cannot be read.
    """

    kind = "Parquet"

    def __init__(
        self, tables: Sequence[tuple[Path, str]], share: Share, column: str | None
    ) -> None:
        self._tables, self._share = tables, share
        self._columns = [_audio_column(path, column) for path, _ in tables]

    def units(self) -> Iterator[TableUnit]:
        """Yield the tables of this share."""
        for number, (path, place) in enumerate(self._tables):
            if self._share.has_number(number):
                yield TableUnit(place, path, size_or_nothing(path), self._columns[number])

    def write_lists(
        self, output: Path, lookup: Lookup, treatment_facts: dict[str, Any]
    ) -> list[Path]:
        """Tables list themselves."""
        return []


def _opened(path: Path) -> pq.ParquetFile:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        msg = f"{path}: Parquet needs pyarrow: {install_command('datasets')}"
        raise MissingPackageError(msg) from error
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        raise AudioFileError(f"{path}: cannot be read as Parquet: {error}") from error


def _rows(source: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Yield one row at a time: a row group may hold hours."""
    import pyarrow as pa

    try:
        for batch in source.iter_batches(batch_size=1, use_threads=False):
            yield from (batch.slice(row, 1) for row in range(batch.num_rows))
    except (pa.ArrowException, OSError) as error:
        raise AudioFileError(f"{source}: damaged table: {error}") from error


def _audio_column(path: Path, wanted: str | None) -> str:
    import pyarrow as pa

    with _opened(path) as source:
        schema = source.schema_arrow
    if wanted is not None:
        if wanted not in schema.names:
            raise ParameterError(
                f"--column {wanted}: {path} has no such column: choose one of {', '.join(schema.names)}"
            )
        kind = schema.field(wanted).type
        if not (_is_audio(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
            raise ParameterError(
                f"--column {wanted}: holds {kind} in {path}: name one with the bytes of audio files"
            )
        return wanted
    found: list[str] = [field.name for field in schema if _is_audio(field.type)]
    if len(found) != 1:
        what = "no column of recordings" if not found else f"the columns {', '.join(found)}"
        raise ParameterError(f"{path}: has {what}: name the one to enhance with --column")
    return found[0]


def _is_audio(kind: pa.DataType) -> bool:
    """Tell a column of `datasets`: the bytes of a file, and its name."""
    import pyarrow as pa

    names = (
        {kind.field(place).name for place in range(kind.num_fields)}
        if pa.types.is_struct(kind)
        else set()
    )
    return {"bytes", "path"} <= names


def _content(value: Any, folder: Path) -> tuple[bytes | None, str | None]:
    """Give the bytes of a recording, and what its file was called."""
    if not isinstance(value, dict):
        return value, None
    content, path = value["bytes"], value["path"]
    if content is None and path:
        try:
            content = (folder / path).read_bytes()
        except OSError:  # the name alone: it is passed through
            return None, path
    return content, path


def _suffix_of(content: bytes) -> str:
    """Tell the format of a recording without a name; MP3 and others are compressed."""
    return _HEADERS.get(content[:4], ".mp3")


def _with_rate(schema: pa.Schema, column: str, rate: object) -> pa.Schema:
    """Give the schema in which `datasets` finds the rate of the results, if it stated one."""
    metadata = dict(schema.metadata or {})
    if b"huggingface" not in metadata or rate == "source":
        return schema
    facts = json.loads(metadata[b"huggingface"])
    feature = facts.get("info", {}).get("features", {}).get(column, {})
    if feature.get("sampling_rate") is not None:
        feature["sampling_rate"] = rate or DEFAULT_RATE_HZ
    metadata[b"huggingface"] = json.dumps(facts).encode()
    return schema.with_metadata(metadata)


def _compression(source: pq.ParquetFile) -> dict[str, str]:
    """Give the compression of each column of the first row group."""
    if source.metadata.num_row_groups == 0:
        return {}
    group = source.metadata.row_group(0)
    columns = (group.column(place) for place in range(group.num_columns))
    return {
        column.path_in_schema: "NONE"
        if column.compression == "UNCOMPRESSED"
        else column.compression
        for column in columns
    }


def _extract(table: Path, column: str, number: int, stem: Path) -> Path:
    """Give the recording of this row as a file."""
    with _opened(table) as source:
        first = 0
        for group in range(source.metadata.num_row_groups):
            count = source.metadata.row_group(group).num_rows
            if number < first + count:
                values = source.read_row_group(group, columns=[column]).column(column)
                content, _ = _content(values[number - first].as_py(), table.parent)
                assert content is not None
                path = stem.with_suffix(_suffix_of(content))
                path.write_bytes(content)
                return path
            first += count
    raise AudioFileError(f"{table}: has no row {number}")
