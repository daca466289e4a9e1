"""Audio from standard input and to standard output, while it comes."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from novasr.audio.chunks import is_open, is_wave
from novasr.audio.metadata import Metadata
from novasr.audio.reading import AudioReader
from novasr.audio.samples import SAMPLE_BYTES, Quantizer
from novasr.audio.writing import Layout
from novasr.errors import AudioFileError, AudioFormatError
from novasr.filesystem.unbuffered import write_all
from novasr.types import FloatArray

NAME = Path("-")
#: Sample formats of raw audio, named as by ffmpeg.
RAW_FORMATS = {"s16le": "PCM_16", "s24le": "PCM_24", "s32le": "PCM_32", "f32le": "FLOAT"}
_READ_BYTES = 1 << 16
_LARGEST_FORMAT_BYTES = 1 << 16
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBTYPES = {
    (_PCM, 8): "PCM_U8",
    (_PCM, 16): "PCM_16",
    (_PCM, 24): "PCM_24",
    (_PCM, 32): "PCM_32",
    (_FLOAT, 32): "FLOAT",
    (_FLOAT, 64): "DOUBLE",
}
_READ = (b"fmt ", b"ds64")  # of the chunks before the samples
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


@dataclass(frozen=True)
class Raw:
    """Samples without a header.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    channels : int
        At least 1.
    format : str
        One of `RAW_FORMATS`.
    """

    sample_rate: int
    channels: int
    format: str


def parse_raw(text: str) -> Raw:
    """Read ``RATE,CHANNELS,FORMAT``.

    Parameters
    ----------
    text : str
        For example ``"16000,1,s16le"``.

    Returns
    -------
    Raw
        What it says.

    Raises
    ------
    AudioFormatError
        If it says something else.
    """
    known = "|".join(RAW_FORMATS)
    found = re.fullmatch(f"([1-9][0-9]{{0,6}}),([1-9][0-9]{{0,2}}),({known})", text)
    if found is None:
        raise AudioFormatError(
            f"--raw {text}: expected RATE,CHANNELS,FORMAT, for example 16000,1,s16le"
            f" ({' '.join(RAW_FORMATS)})"
        )
    rate, channels, name = found.groups()
    return Raw(int(rate), int(channels), name)


class PipeReader:
    """Samples as they arrive.

    Parameters
    ----------
    pipe : binary stream
        A WAV file from its start, its length stated or not; or samples, with `raw`.
    head : bytes
        What has been read of it already.
    raw : Raw, optional
        What the samples are.

    Attributes
    ----------
    path, sample_rate, channels, mask, format, subtype, frames, metadata, warnings
        As those of `AudioReader`; `frames` counts what has been read.

    Raises
    ------
    AudioFormatError
        If the WAV is of a kind that is not read here.
    AudioFileError
        If it ends within its header, or the header is damaged.
    """

    path = NAME
    format = "WAV"

    def __init__(self, pipe: BinaryIO, head: bytes = b"", raw: Raw | None = None) -> None:
        self._pipe = pipe
        self.warnings: list[str] = []
        self.frames = 0
        self.mask = 0
        self.metadata = Metadata()
        self._left: int | None = None  # bytes of audio to come; None: to the end
        if raw is None:
            self._read_header(head)
        else:
            self.sample_rate, self.channels = raw.sample_rate, raw.channels
            self.subtype = RAW_FORMATS[raw.format]

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self.frames / self.sample_rate

    def blocks(self) -> Iterator[FloatArray]:
        """Yield what has arrived, shape (frames, channels), as soon as it has."""
        size = SAMPLE_BYTES[self.subtype] * self.channels
        rest = b""
        while data := self._some():
            data = rest + data
            whole = len(data) // size * size
            rest = data[whole:]
            if whole:
                block = _decoded(data[:whole], self.subtype).reshape(-1, self.channels)
                self.frames += len(block)
                yield block
        if self.frames == 0:
            raise AudioFileError(f"{NAME}: holds no audio (0 frames): send samples, too")
        if self._left:
            stated = self.frames + self._left // size
            self.warnings.append(
                f"ended after {self.seconds:.2f} s, its header states"
                f" {stated / self.sample_rate:.2f} s"
            )

    def _some(self) -> bytes:
        wanted = _READ_BYTES if self._left is None else min(_READ_BYTES, self._left)
        data = os.read(self._pipe.fileno(), wanted) if wanted else b""
        if self._left is not None:
            self._left -= len(data)
            if self._left == 0:
                self._drain()
        return data

    def _drain(self) -> None:
        """Let the other side write what it has behind the audio."""
        while os.read(self._pipe.fileno(), _READ_BYTES):
            pass

    def _exactly(self, count: int) -> bytes:
        data = _read_up_to(self._pipe, count)
        if len(data) < count:
            raise AudioFileError(
                f"{NAME}: ends within the header of a WAV: send one from its start"
            )
        return data

    def _skip(self, count: int) -> None:
        while count:
            count -= len(self._exactly(min(count, _READ_BYTES)))

    def _read_header(self, head: bytes) -> None:
        head += self._exactly(12 - len(head))
        size64 = 0
        self.subtype = ""
        while True:
            name, size = (chunk := self._exactly(8))[:4], int.from_bytes(chunk[4:], "little")
            if name == b"data":
                break
            if not name.isascii() or (name in _READ and size > _LARGEST_FORMAT_BYTES):
                raise AudioFileError(f"{NAME}: damaged WAV header: send it again")
            body = self._exactly(size if name in _READ else 0)
            self._skip(size + size % 2 - len(body))
            if name == b"fmt ":
                self._read_format(body)
            elif name == b"ds64":
                size64 = int.from_bytes(body[8:16], "little")
        if not self.subtype:
            raise AudioFileError(f"{NAME}: a WAV without a format: send it again")
        if head[:4] != b"RIFF" and size == 0xFFFF_FFFF:
            size = size64
        self._left = None if size == 0 or is_open(size) else size

    def _read_format(self, body: bytes) -> None:
        codec, bits = int.from_bytes(body[:2], "little"), int.from_bytes(body[14:16], "little")
        if codec == _EXTENSIBLE and body[26:40] == _GUID_TAIL:
            self.mask = int.from_bytes(body[20:24], "little")
            codec = int.from_bytes(body[24:26], "little")
        self.channels = int.from_bytes(body[2:4], "little")
        self.sample_rate = int.from_bytes(body[4:8], "little")
        align = int.from_bytes(body[12:14], "little")
        if (codec, bits, align) == (_PCM, 24, 4 * self.channels):
            bits = 32  # the room of each sample, as libsndfile takes it
        self.subtype = _SUBTYPES.get((codec, bits + -bits % 8), "")
        if not self.subtype or self.channels == 0 or self.sample_rate == 0:
            raise AudioFormatError(
                f"{NAME}: a WAV of a kind that is not read from a pipe: convert it on the way,"
                " ffmpeg -i FILE -f wav -c:a pcm_s16le -"
            )


@contextlib.contextmanager
def open_pipe(
    pipe: BinaryIO, raw: Raw | None = None, *, allow_truncated: bool = False
) -> Iterator[PipeReader | AudioReader]:
    """Read a pipe: WAV and raw samples as they come, any other format when all of it is there.

    Parameters
    ----------
    pipe : binary stream
        For example standard input.
    raw : Raw, optional
        For samples without a header.
    allow_truncated : bool
        As for `AudioReader`.

    Yields
    ------
    PipeReader or AudioReader
        To be read once.

    Raises
    ------
    AudioFileError
        If nothing comes, or it is no audio, or there is no room for what has to be kept.
    """
    if pipe.isatty():
        raise AudioFileError(f"{NAME}: standard input is the keyboard: pipe audio into it")
    head = b"" if raw else _read_up_to(pipe, 12)
    if raw is None and not head:
        raise AudioFileError(f"{NAME}: nothing came: send audio, or name a file")
    if raw is not None or (is_wave(head) and head[:4] != b"RIFX"):
        yield PipeReader(pipe, head, raw)
        return
    with (
        _kept(pipe, head) as whole,
        AudioReader(whole, allow_truncated=allow_truncated, name=NAME) as reader,
    ):
        yield reader


@contextlib.contextmanager
def _kept(pipe: BinaryIO, head: bytes) -> Iterator[Path]:
    """Lend a file of all that comes."""
    with contextlib.ExitStack() as held:
        with _roomy():
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="novasr-"))
            whole = Path(folder) / "standard-input"
            file = held.enter_context(whole.open("wb", buffering=0))
        data = head
        while data:
            with _roomy():
                write_all(file, data)
            data = os.read(pipe.fileno(), _READ_BYTES)
        yield whole


@contextlib.contextmanager
def _roomy() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        folder = tempfile.tempdir or "the folder for temporary files"
        raise AudioFileError(
            f"{NAME}: no room in {folder} to keep what comes ({error.strerror}):"
            " let TMPDIR name a folder on another disk, or send WAV"
        ) from error


def write_pipe(
    pipe: BinaryIO, layout: Layout, blocks: Iterator[FloatArray], *, bare: bool, dither: bool
) -> int:
    """Write a WAV of open length, each block as soon as it is there.

    Parameters
    ----------
    pipe : binary stream
        For example standard output.
    layout : Layout
        How to store the samples.
    blocks : iterator of ndarray of float32, shape (frames, channels)
        Full scale at 1.0.
    bare : bool
        Leave out the header.
    dither : bool
        See `Quantizer`.

    Returns
    -------
    int
        Frames written.

    Raises
    ------
    AudioFileError
        If the other side has gone away.
    """
    quantize = Quantizer(layout.subtype, dither=dither)
    frames = 0
    head = b"" if bare else _header(layout)
    for block in blocks:
        data = head + _encoded(quantize(block), layout.subtype)
        try:
            pipe.write(data)
            pipe.flush()
        except OSError as error:
            raise AudioFileError(f"{NAME}: cannot be written: {error.strerror}") from error
        head = b""
        frames += len(block)
    return frames


def _read_up_to(pipe: BinaryIO, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := os.read(pipe.fileno(), count - len(data))):
        data += more
    return data


def _decoded(data: bytes, subtype: str) -> FloatArray:
    if subtype == "FLOAT":
        return np.frombuffer(data, "<f4").astype(np.float32)
    if subtype == "DOUBLE":
        return np.frombuffer(data, "<f8").astype(np.float32)
    if subtype == "PCM_U8":
        return np.float32(1 / 128) * (np.frombuffer(data, np.uint8).astype(np.float32) - 128)
    width = SAMPLE_BYTES[subtype]
    wide = np.zeros((len(data) // width, 4), np.uint8)
    wide[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
    return wide.view("<i4")[:, 0].astype(np.float32) / np.float32(1 << 31)


def _encoded(samples: npt.NDArray[np.float32 | np.int32], subtype: str) -> bytes:
    if subtype == "DOUBLE":
        return samples.astype("<f8").tobytes()
    if subtype == "FLOAT":
        return samples.astype("<f4").tobytes()
    width = SAMPLE_BYTES[subtype]
    wide = np.ascontiguousarray(samples, "<i4").reshape(-1, 1).view(np.uint8)
    return np.ascontiguousarray(wide[:, 4 - width :]).tobytes()


def _header(layout: Layout) -> bytes:
    width = SAMPLE_BYTES[layout.subtype]
    codec = _PCM if layout.subtype.startswith("PCM") else _FLOAT
    frame = width * layout.channels
    extensible = layout.mask != 0 and layout.channels > 2
    fmt = struct.pack(
        "<HHIIHH",
        _EXTENSIBLE if extensible else codec,
        layout.channels,
        layout.sample_rate,
        layout.sample_rate * frame,
        frame,
        8 * width,
    )
    if extensible:
        fmt += struct.pack("<HHIH", 22, 8 * width, layout.mask, codec) + _GUID_TAIL
    chunk = b"fmt " + struct.pack("<I", len(fmt)) + fmt
    return b"RIFF" + b"\xff" * 4 + b"WAVE" + chunk + b"data" + b"\xff" * 4
