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
from novasr.sets.workplace import Workplace, result_suffix, suffix_of, writing

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

SUFFIXES = (".parquet",)

_GROUP_BYTES = 16 << 20  # of recordings in a row group, or one recording: what is held at once
_GROUP_ROWS = 1_000


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
    retries_failed = False

    @property
    def place(self) -> str:
        """Where the result lies."""
        return self.id

    def run(self, workplace: Workplace) -> Made:
        """Copy it row by row, with other recordings."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = workplace.scratch / "table"
        outcomes: list[Outcome] = []
        with writing(workplace.output / self.id), _opened(self.source) as source:
            share = self.weight / max(1, source.metadata.num_rows)
            schema = _with_rate(source.schema_arrow, self.column, workplace.treatment.settings.rate)
            with pq.ParquetWriter(table, schema, **_storage(source, self.column)) as writer:
                group: list[pa.RecordBatch] = []
                held = 0
                for row in _rows(source, self.source):
                    made, size, outcome = self._enhanced(row, schema, len(outcomes), workplace)
                    del row  # with its recording
                    group.append(made)
                    held += size
                    outcomes.append(outcome)
                    workplace.tick(outcome, share)
                    if held >= _GROUP_BYTES or len(group) >= _GROUP_ROWS:
                        writer.write_table(pa.Table.from_batches(group, schema))
                        group, held = [], 0
                        pa.default_memory_pool().release_unused()
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
        self, row: pa.RecordBatch, schema: pa.Schema, number: int, workplace: Workplace
    ) -> tuple[pa.RecordBatch, int, Outcome]:
        """Give the row with another recording, the size of that, and what became of it."""
        import pyarrow as pa

        place = schema.get_field_index(self.column)
        kind = schema.field(place).type
        name = f"{self.id}/{number}"
        try:
            content, path = _content(row.column(place)[0], self.source.parent)
        except OSError as error:
            reason = f"{name}: {error.filename}: {error.strerror}"
            return row.cast(schema), 0, Outcome(name, "failed", reason, result=str(number))
        if content is None:
            reason = f"{name}: holds no recording"
            return row.cast(schema), 0, Outcome(name, "empty", reason, result=str(number))
        suffix = suffix_of(path, content[:4].to_pybytes())
        spilled = workplace.scratch / f"row{suffix.lower()}"
        with spilled.open("wb") as file:
            file.write(content)
        size = content.size
        outcome, made = workplace.enhance(spilled, name, suffix)
        outcome = replace(outcome, result=str(number))
        if made is None:
            return row.cast(schema), size, outcome
        whole = pa.py_buffer(made.read_bytes())
        column = _binary(whole, kind.field("bytes").type if pa.types.is_struct(kind) else kind)
        if pa.types.is_struct(kind):
            renamed = path and str(PurePosixPath(path).with_suffix(result_suffix(suffix)))
            fields = [kind.field(at) for at in range(kind.num_fields)]
            told = {"bytes": column, "path": pa.array([renamed], kind.field("path").type)}
            column = pa.StructArray.from_arrays(
                [told.get(field.name, row.column(place).field(field.name)) for field in fields],
                fields=fields,
            )
        columns = [column if at == place else row.column(at) for at in range(row.num_columns)]
        return pa.RecordBatch.from_arrays(columns, schema=schema), whole.size, outcome


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
        mine = [table for number, table in enumerate(tables) if share.has_number(number)]
        self._tables = [(path, place, _audio_column(path, column)) for path, place in mine]
        self._column = column

    @property
    def identity(self) -> dict[str, str]:
        """Which recordings of the tables it is."""
        return {} if self._column is None else {"column": self._column}

    def units(self) -> Iterator[TableUnit]:
        """Yield the tables of this share."""
        for path, place, column in self._tables:
            yield TableUnit(place, path, size_or_nothing(path), column)

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


def _rows(source: pq.ParquetFile, path: Path) -> Iterator[pa.RecordBatch]:
    """Yield one row at a time: a row group may hold hours."""
    import pyarrow as pa

    try:
        for batch in source.iter_batches(batch_size=1, use_threads=False):
            yield from (batch.slice(row, 1) for row in range(batch.num_rows))
    except (pa.ArrowException, OSError) as error:
        raise AudioFileError(f"{path}: damaged table: {error}") from error


def _audio_column(path: Path, wanted: str | None) -> str:
    with _opened(path) as source:
        schema = source.schema_arrow
    import pyarrow as pa

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


def _content(value: pa.Scalar, folder: Path) -> tuple[pa.Buffer | None, str | None]:
    """Give the bytes of a recording without a copy, and what its file was called."""
    import pyarrow as pa

    path = None
    if pa.types.is_struct(value.type):
        if not value.is_valid:
            return None, None
        path, value = value["path"].as_py(), value["bytes"]
    if value.is_valid:
        return value.as_buffer(), path
    return (pa.py_buffer((folder / path).read_bytes()) if path else None), path


def _binary(content: pa.Buffer, kind: pa.DataType) -> pa.Array:
    """Make a column of one value of it, without a copy."""
    import pyarrow as pa

    width = pa.int64() if pa.types.is_large_binary(kind) else pa.int32()
    ends = pa.array([0, content.size], width).buffers()[1]
    return pa.Array.from_buffers(kind, 1, [None, ends, content])


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


def _storage(source: pq.ParquetFile, column: str) -> dict[str, Any]:
    """Store the other columns as they were, by the first row group.

    Recordings are neither compressed a second time nor indexed: each would be several more copies of them in memory.
    """
    if source.metadata.num_row_groups == 0:
        return {}
    group = source.metadata.row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    packing = {
        chunk.path_in_schema: chunk.compression
        for chunk in columns
        if chunk.path_in_schema.partition(".")[0] != column and chunk.compression != "UNCOMPRESSED"
    }
    others = [
        chunk.path_in_schema
        for chunk in columns
        if chunk.path_in_schema.partition(".")[0] != column
    ]
    unpacked = {chunk.path_in_schema: "NONE" for chunk in columns} | packing
    return {"compression": unpacked, "use_dictionary": others, "write_statistics": others}


def _extract(table: Path, column: str, number: int, stem: Path) -> Path:
    """Give the recording of this row as a file."""
    with _opened(table) as source:
        first = 0
        for group in range(source.metadata.num_row_groups):
            count = source.metadata.row_group(group).num_rows
            if number < first + count:
                values = source.read_row_group(group, columns=[column]).column(column)
                content, _ = _content(values[number - first], table.parent)
                assert content is not None
                path = stem.with_suffix(suffix_of(None, content[:4].to_pybytes()))
                with path.open("wb") as file:
                    file.write(content)
                return path
            first += count
    raise AudioFileError(f"{table}: has no row {number}")
