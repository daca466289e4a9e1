"""Bank files: safetensors, which hold data and no code, with a description of what is inside."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from novasr.checks import is_number, is_whole
from novasr.errors import BankError
from novasr.families.studio.architecture import (
    FFT,
    FRAME,
    HIGH_BANDS,
    HIGHEST_HIGH_HZ,
    HIGHEST_LOW_HZ,
    LEVEL_BANDS,
    LEVEL_FLOOR,
    LEVEL_FRAMES,
    LOW_BANDS,
    LOWEST_HIGH_HZ,
    LOWEST_LOW_HZ,
    POWER_FLOOR,
    RATE_HZ,
    SMOOTHED_BANDS,
)
from novasr.families.studio.local import NEIGHBOURS
from novasr.filesystem.replacing import replacing
from novasr.retrieval.entries import LOWEST_DB, STEP_DB, Entries
from novasr.retrieval.index import CELLS, CODE_BANDS, CODES, Tables
from novasr.retrieval.keys import LOW_KEYS, RANGES, SCALES, STORED

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIX = ".novabank"
VERSION = 1
_MOST_BYTES = 1 << 28
_DAMAGED = "copy it again, or build it anew (novasr bank build)"
# What levels mean: a bank of other values would be read wrongly.
_MEANING = {
    "rate_hz": RATE_HZ,
    "fft": FFT,
    "frame": FRAME,
    "high": [HIGH_BANDS, LOWEST_HIGH_HZ, HIGHEST_HIGH_HZ],
    "low": [LOW_BANDS, LOWEST_LOW_HZ, HIGHEST_LOW_HZ],
    "low_stored": [STORED.start, STORED.stop],
    "level": [LEVEL_BANDS, LEVEL_FRAMES, LEVEL_FLOOR],
    "smoothed": [SMOOTHED_BANDS, list(NEIGHBOURS), POWER_FLOOR],
    "step_db": STEP_DB,
    "lowest_db": LOWEST_DB,
}

AllTables = dict[tuple[str, int], Tables]


@dataclasses.dataclass(frozen=True)
class Source:
    """A recording in a bank.

    Attributes
    ----------
    file : str
        Its name, without a folder.
    frames : int
        How many entries are of it.
    bandwidth_hz : float
        Where its band ends.
    speaker, licence, source, kind : str
        As its manifest says; empty where it does not.
    """

    file: str
    frames: int
    bandwidth_hz: float
    speaker: str = ""
    licence: str = ""
    source: str = ""
    kind: str = ""


def write(path: Path, entries: Entries, sources: list[Source], tables: AllTables) -> None:
    """Write a bank; the same content gives the same bytes.

    Raises
    ------
    AudioFileError
        If it cannot be written.
    """
    from safetensors.numpy import save

    tensors: dict[str, NDArray[Any]] = {"low": entries.low, "high": entries.high}
    for (span, scale), trained in tables.items():
        tensors[f"cells.{span}.{scale}"] = trained.cells
        tensors[f"codes.{span}.{scale}"] = trained.codes
    described = {
        "version": VERSION,
        "meaning": _MEANING,
        "sha256": _digest(tensors),
        "recordings": [dataclasses.asdict(source) for source in sources],
    }
    # One text: safetensors keeps the order of several in no order.
    content = save(tensors, metadata={"novasr_bank": json.dumps(described, ensure_ascii=False)})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def read(path: Path) -> tuple[Entries, list[Source], AllTables]:
    """Read and check a bank.

    Raises
    ------
    BankError
        If it is missing, damaged, no bank, or of another version.
    """
    described, tensors = _open(path)
    try:
        version, meaning = described["version"], described["meaning"]
        if version != VERSION or meaning != _MEANING:
            raise BankError(
                f"bank {path}: is of version {version}, this novasr reads version {VERSION} with its own bands: "
                "build it anew (novasr bank build)"
            )
        sources = [_checked(Source(**item)) for item in described["recordings"]]
        digest = described["sha256"]
        frames = sum(source.frames for source in sources)
        if frames == 0:
            raise TypeError
    except (KeyError, TypeError) as error:
        raise BankError(f"bank {path}: its description is damaged: {_DAMAGED}") from error
    if _digest(tensors) != digest:
        raise BankError(f"bank {path}: is damaged (its checksum is wrong): {_DAMAGED}")
    low = _taken(path, tensors, "low", (frames, LOW_KEYS), np.uint8)
    high = _taken(path, tensors, "high", (frames, HIGH_BANDS), np.uint8)
    tables: AllTables = {}
    for span, bands in RANGES.items():
        width = bands.stop - bands.start
        for scale in SCALES:
            if f"cells.{span}.{scale}" in tensors:
                tables[span, scale] = Tables(
                    _taken(path, tensors, f"cells.{span}.{scale}", (CELLS, width), np.float32),
                    _taken(
                        path,
                        tensors,
                        f"codes.{span}.{scale}",
                        (width // CODE_BANDS, CODES, CODE_BANDS),
                        np.float32,
                    ),
                )
    return Entries(low, high), sources, tables


def _checked(source: Source) -> Source:
    """Raise TypeError for values of other kinds than a bank has."""
    texts = (source.file, source.speaker, source.licence, source.source, source.kind)
    numbers = is_whole(source.frames) and is_number(source.bandwidth_hz)
    if not (numbers and source.frames > 0 and all(isinstance(text, str) for text in texts)):
        raise TypeError
    return source


def _open(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    from safetensors import SafetensorError, safe_open

    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # a name that no file can have
        missing = isinstance(error, FileNotFoundError)
        reason = "no such file" if missing else getattr(error, "strerror", None) or str(error)
        raise BankError(
            f"bank {path}: {reason}: give a file that novasr bank build has made"
        ) from error
    if not path.is_file():
        state = "is a folder" if path.is_dir() else "is no file"
        raise BankError(f"bank {path}: {state}: give a file that novasr bank build has made")
    if status.st_size > _MOST_BYTES:
        raise BankError(f"bank {path}: is larger than any bank ({_MOST_BYTES >> 20} MB)")
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("novasr_bank")
            if text is None:
                raise BankError(
                    f"bank {path}: holds no bank: give a file that novasr bank build has made"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        described = json.loads(text)
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        if isinstance(error, BankError):
            raise
        reason = str(error).partition("\n")[0]
        raise BankError(
            f"bank {path}: is no bank, or damaged ({reason}): give one that novasr bank build made, or {_DAMAGED}"
        ) from error
    return described, tensors


def _taken(
    path: Path, tensors: dict[str, NDArray[Any]], name: str, shape: tuple[int, ...], dtype: type
) -> NDArray[Any]:
    found = tensors.get(name)
    if (
        found is None
        or found.shape != shape
        or found.dtype != dtype
        or not np.isfinite(found).all()
    ):
        raise BankError(f"bank {path}: {name!r} is missing or not of shape {shape}: {_DAMAGED}")
    return found


def _digest(tensors: dict[str, NDArray[Any]]) -> str:
    """Hash the content, for which safetensors has no checksum."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()
