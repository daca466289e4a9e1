"""Chunks of WAV and RF64 files that tell of the sound: bext, iXML, cue points with their labels, loops.

Layouts: RIFF (IBM and Microsoft, 1991; the smpl chunk 1994), bext (EBU Tech 3285), ds64 (EBU Tech 3306),
iXML (gallery.co.uk/ixml). Positions count samples: at another rate they become other numbers.
"""

from __future__ import annotations

import errno
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from novasr.audio.chunks import list_chunks
from novasr.audio.tags import decoded
from novasr.audio.window import Window

_KEPT = {
    b"bext": "bext",
    b"iXML": "iXML",
    b"cue ": "cue points",
    b"LIST": "labels",
    b"smpl": "loops",
}
#: Others that tell of the sound, and that are not carried over.
_DROPPED = {b"cart", b"axml", b"chna", b"inst", b"acid", b"_PMX", b"plst"}
_INFO = {
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"ICRD": "date",
    b"IGNR": "genre",
    b"ITRK": "tracknumber",
    b"IPRT": "tracknumber",
    b"ICMT": "comment",
    b"ICOP": "copyright",
    b"IENG": "engineer",
    b"IKEY": "keywords",
    b"ISBJ": "subject",
    b"ISRC": "source",
    b"ITCH": "encodedby",
    b"ISFT": "software",
}
_LARGEST_BYTES = 1 << 26
_32_BITS = 0xFFFF_FFFF
_BEXT_BYTES, _BEXT_TIME, _BEXT_VERSION, _BEXT_LOUDNESS = 602, 338, 346, 412
_NO_LOUDNESS = 0x7FFF

Scale: TypeAlias = Callable[[int], int]


class DamagedChunkError(ValueError):
    """A chunk that cannot be carried over; the message is the reason."""


@dataclass(frozen=True)
class WavChunk:
    """A chunk as it is in the source.

    Attributes
    ----------
    name, body : bytes
        Without the size between them.
    order : {"<", ">"}
        Of the bytes in its numbers.
    """

    name: bytes
    body: bytes
    order: str = "<"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return "text" if self.is_info else _KEPT[self.name]

    @property
    def is_info(self) -> bool:
        """Whether it holds title, artist and the like."""
        return self.name == b"LIST" and self.body[:4] == b"INFO"


def read_wav_chunks(window: Window) -> tuple[list[WavChunk], list[str], list[str]]:
    """Read what a WAV or RF64 file says beside its sound.

    Parameters
    ----------
    window : Window
        The file, its sizes put right.

    Returns
    -------
    chunks : list of WavChunk
        In their order.
    dropped : list of str
        Names of those that are not carried over.
    warnings : list of str
        What is damaged.
    """
    big = window.at(0, 4) == b"RIFX"
    chunks, dropped, warnings = [], [], []
    for name, body, size in list_chunks(window, "big" if big else "little"):
        if name in _DROPPED:
            dropped.append(name.decode())
        if name not in _KEPT or (name == b"LIST" and window.at(body, 4) not in (b"adtl", b"INFO")):
            continue
        if size > _LARGEST_BYTES or body + size > window.size:
            warnings.append(f"{_KEPT[name]} left out: damaged")
            continue
        chunks.append(WavChunk(name, window.at(body, size), ">" if big else "<"))
    return chunks, dropped, warnings


def info_texts(chunks: list[WavChunk]) -> dict[str, str]:
    """Return the texts of a WAV under the names of Vorbis comments."""
    texts: dict[str, str] = {}
    for chunk in chunks:
        if chunk.is_info:
            for name, body in _items(chunk):
                known = _INFO.get(name, name.decode("latin-1").lower())
                texts.setdefault(known, decoded(body.split(b"\0")[0], "cp1252"))
    return texts


def convert(chunk: WavChunk, old_rate: int, new_rate: int) -> bytes:
    """Return the body of a chunk for the same sound at another rate, in little-endian order.

    Parameters
    ----------
    chunk : WavChunk
        From the source.
    old_rate, new_rate : int
        In Hz.

    Returns
    -------
    bytes
        Without name and size.

    Raises
    ------
    DamagedChunkError
        If it does not hold what it should, or a position becomes too large for its 32 bits.
    """
    ratio = Fraction(new_rate, old_rate)

    def scale(frames: int) -> int:
        return round(frames * ratio)

    try:
        if chunk.name == b"bext":
            return _bext(chunk, scale)
        if chunk.name == b"iXML":
            return _ixml(chunk.body, old_rate, new_rate, scale)
        if chunk.name == b"cue ":
            return _cue_points(chunk, scale)
        if chunk.name == b"smpl":
            return _loops(chunk, old_rate, new_rate, scale)
        return _list(chunk, scale)
    except (struct.error, OverflowError) as error:
        raise DamagedChunkError("damaged") from error


def append_chunks(path: Path, chunks: list[tuple[bytes, bytes]]) -> None:
    """Add chunks behind the sound of a complete WAV or RF64 file; on an error it stays as it was.

    Parameters
    ----------
    path : Path
        A file that libsndfile wrote.
    chunks : list of (name, body)
        To be added in this order.

    Raises
    ------
    OSError
        If the disk is full.
    DamagedChunkError
        If a WAV would become larger than its size field can say.
    """
    added = b"".join(
        name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
        for name, body in chunks
    )
    with path.open("r+b", buffering=0) as file:  # a buffer would write again when it is closed
        end = file.seek(0, os.SEEK_END)
        padding = end % 2
        riff_size = end + padding + len(added) - 8
        file.seek(0)
        long = file.read(4) == b"RF64"
        if riff_size > _32_BITS and not long:
            raise DamagedChunkError("no room below 4 GiB, choose .rf64")
        try:
            file.seek(end)
            if file.write(bytes(padding) + added) < padding + len(added):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(end)
            raise
        file.seek(20 if long else 4)  # ds64 is the first chunk of an RF64
        file.write(riff_size.to_bytes(8 if long else 4, "little"))


def _bext(chunk: WavChunk, scale: Scale) -> bytes:
    if len(chunk.body) < _BEXT_BYTES:
        raise DamagedChunkError("damaged")
    body = bytearray(chunk.body)
    low, high, version = struct.unpack_from(chunk.order + "IIH", body, _BEXT_TIME)
    struct.pack_into("<QH", body, _BEXT_TIME, scale(high << 32 | low), version)
    if version >= 2:
        struct.pack_into("<5H", body, _BEXT_LOUDNESS, *[_NO_LOUDNESS] * 5)
    return bytes(body)


def _ixml(body: bytes, old_rate: int, new_rate: int, scale: Scale) -> bytes:
    """Change the numbers and leave all other bytes as they are."""
    dated = _element(body, b"TIMESTAMP_SAMPLE_RATE") in ([old_rate], [])
    for name in (b"FILE_SAMPLE_RATE", b"TIMESTAMP_SAMPLE_RATE"):
        body = _with_numbers(body, name, lambda rate: new_rate if rate == old_rate else rate)
    if dated:
        since = b"TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_"
        body = _with_halves(body, since + b"HI", since + b"LO", scale)
    body = _with_halves(body, b"BWF_TIME_REFERENCE_HIGH", b"BWF_TIME_REFERENCE_LOW", scale)
    body = _with_halves(body, b"SYNC_POINT_HIGH", b"SYNC_POINT_LOW", scale)
    return _with_numbers(body, b"SYNC_POINT_EVENT_DURATION", scale)


def _pattern(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(<" + name + rb"(?:\s[^>]*)?>\s*)(\d{1,20})(?=\s*</" + name + rb">)")


def _element(body: bytes, name: bytes) -> list[int]:
    return [int(found[2]) for found in _pattern(name).finditer(body)]


def _with_numbers(body: bytes, name: bytes, change: Callable[[int], int]) -> bytes:
    return _pattern(name).sub(lambda found: found[1] + b"%d" % change(int(found[2])), body)


def _with_halves(body: bytes, high: bytes, low: bytes, scale: Scale) -> bytes:
    """Scale 64-bit numbers that are stored as two elements each."""
    highs, lows = _element(body, high), _element(body, low)
    if len(highs) != len(lows):
        return body
    scaled = [scale(a << 32 | b) for a, b in zip(highs, lows, strict=True)]
    upper, lower = iter(scaled), iter(scaled)
    body = _with_numbers(body, high, lambda _: next(upper) >> 32)
    return _with_numbers(body, low, lambda _: next(lower) & _32_BITS)


def _cue_points(chunk: WavChunk, scale: Scale) -> bytes:
    (count,) = struct.unpack_from(chunk.order + "I", chunk.body)
    made = [struct.pack("<I", count)]
    for number in range(_plausible(count, 24, len(chunk.body) - 4)):
        name, position, kind, start, block, offset = struct.unpack_from(
            chunk.order + "II4sIII", chunk.body, 4 + 24 * number
        )
        # In a compressed file the offset counts from a block, which the result does not have.
        offset = position if start or block else offset
        made.append(
            struct.pack("<II4sIII", name, _fit(scale(position)), kind, 0, 0, _fit(scale(offset)))
        )
    return b"".join(made)


def _loops(chunk: WavChunk, old_rate: int, new_rate: int, scale: Scale) -> bytes:
    head = list(struct.unpack_from(chunk.order + "9I", chunk.body))
    if abs(head[2] * old_rate - 10**9) <= old_rate:  # nanoseconds for a sample
        head[2] = round(10**9 / new_rate)
    count = _plausible(head[7], 24, len(chunk.body) - 36)
    made = [struct.pack("<9I", *head)]
    for number in range(count):
        name, kind, first, last, fraction, times = struct.unpack_from(
            chunk.order + "6I", chunk.body, 36 + 24 * number
        )
        # The last sample is part of the loop: what scales is the point behind it.
        first, last = _fit(scale(first)), _fit(scale(last + 1) - 1)
        made.append(struct.pack("<6I", name, kind, first, last, fraction, times))
    return b"".join([*made, chunk.body[36 + 24 * count :]])


def _list(chunk: WavChunk, scale: Scale) -> bytes:
    made = [chunk.body[:4]]
    for name, item in _items(chunk):
        body = item
        if name in (b"labl", b"note", b"file"):
            (point,) = struct.unpack_from(chunk.order + "I", body)
            body = struct.pack("<I", point) + body[4:]
        elif name == b"ltxt":
            point, length, *rest = struct.unpack_from(chunk.order + "II4s4H", body)
            body = struct.pack("<II4s4H", point, _fit(scale(length)), *rest) + body[20:]
        made += [name, struct.pack("<I", len(body)), body, bytes(len(body) % 2)]
    return b"".join(made)


def _items(chunk: WavChunk) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks within a list."""
    position = 4
    while position + 8 <= len(chunk.body):
        name, size = struct.unpack_from(chunk.order + "4sI", chunk.body, position)
        position += 8
        if position + size > len(chunk.body):
            raise DamagedChunkError("damaged")
        yield name, chunk.body[position : position + size]
        position += size + size % 2


def _plausible(count: int, size: int, there: int) -> int:
    if count * size > there:
        raise DamagedChunkError("damaged")
    return count


def _fit(position: int) -> int:
    if position > _32_BITS:
        raise DamagedChunkError("a position is too large for 32 bits at the new rate")
    return position
