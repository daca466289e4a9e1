"""Read audio files block by block, and say plainly what is wrong with a bad one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile as sf

from novasr.errors import AudioFileError

FloatAudio: TypeAlias = npt.NDArray[np.float32]

# In libsndfile's log, the audio chunk of WAV, AIFF, W64 and AU; a wrong RIFF size alone is
# harmless.
_CHUNK_SIZES = re.compile(
    r"^ *(?:data|SSND|riff|Data Size) *: (\d+) \(should be (\d+)\)", re.MULTILINE
)
_RF64_FRAMES = re.compile(r"Calculated frame count (\d+) does not match value .* of (\d+)")
_OGG_END_OF_STREAM = 0x04
_OGG_LARGEST_PAGE_BYTES = 65_307

_BLOCK_FRAMES = 48_000


class AudioReader:
    """An audio file, read once from its start to its end.

    Parameters
    ----------
    path : str or path
        Any format that libsndfile reads.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    channels : int
        At least 1.
    frames : int
        Length that the file announces, at least 1.
    format, subtype : str
        As libsndfile names them, for example ``"WAV"`` and ``"PCM_16"``.

    Raises
    ------
    AudioFileError
        If the file is missing, unreadable, empty, truncated or not audio.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _check_readable(self.path)
        try:
            self._file = _SequentialFile(libsndfile_name(self.path))
        except (sf.LibsndfileError, TypeError) as error:
            raise AudioFileError(f"{self.path}: {_why_not_audio(error)}") from error
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int = self._file.frames
        self.format: str = self._file.format
        self.subtype: str = self._file.subtype
        try:
            if not 1000 <= self.sample_rate <= 768_000:
                msg = f"{self.path}: damaged header: a sample rate of {self.sample_rate} Hz"
                raise AudioFileError(msg)
            self._check_complete()
        except AudioFileError:
            self._file.close()
            raise

    @property
    def seconds(self) -> float:
        """Announced length in seconds."""
        return self.frames / self.sample_rate

    @property
    def tags(self) -> dict[str, str]:
        """Title, artist and the like, by libsndfile's names."""
        return dict(self._file.copy_metadata())

    def blocks(self) -> Iterator[FloatAudio]:
        """Yield the audio in blocks of one second.

        Yields
        ------
        ndarray of float32, shape (frames, channels)
            Full scale at 1.0; the last block may be shorter, none is empty.

        Raises
        ------
        AudioFileError
            If the file cannot be decoded to its announced end.
        """
        done = 0
        while True:
            try:
                block: FloatAudio = self._file.read(_BLOCK_FRAMES, "float32", always_2d=True)
            except sf.LibsndfileError as error:
                raise AudioFileError(self._damaged_after(done)) from error
            if len(block) == 0:
                break
            done += len(block)
            yield block
        if done < self.frames:
            raise AudioFileError(self._damaged_after(done))

    def __enter__(self) -> AudioReader:
        """Return the reader itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def _check_complete(self) -> None:
        if self.frames < 1:
            raise AudioFileError(
                f"{self.path}: holds no audio (0 frames): record or export it again"
            )
        lost = _lost_share(self._file.extra_info)
        if lost > 0:
            percent = max(1, round(100 * lost))
            raise AudioFileError(
                f"{self.path}: truncated, {percent} % of the audio is missing: {_COPY}"
            )
        if self.format == "OGG" and not _ogg_stream_ends(self.path):
            raise AudioFileError(f"{self.path}: truncated, the stream has no end: {_COPY}")

    def _damaged_after(self, frames: int) -> str:
        where = f"after {frames / self.sample_rate:.1f} of {self.seconds:.1f} s"
        return f"{self.path}: truncated or damaged {where}: {_COPY}"


def libsndfile_name(path: Path) -> str | bytes:
    """Return `path` as soundfile takes it; on POSIX a name may be no text."""
    return str(path) if os.name == "nt" else os.fsencode(path)


class _SequentialFile(sf.SoundFile):  # type: ignore[misc]
    """Keeps soundfile from seeking after each read: in an MP3 a seek loses the bit reservoir."""

    def seekable(self) -> bool:
        return False


_COPY = "copy or export it again"


def _check_readable(path: Path) -> None:
    """Find what libsndfile would report as a bare "System error"."""
    if path.is_dir():
        raise AudioFileError(f"{path}: is a folder, expected an audio file")
    if path.exists() and not path.is_file():
        raise AudioFileError(f"{path}: not a regular file: save the audio to a file first")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise AudioFileError(f"{path}: no such file") from error
    except OSError as error:
        raise AudioFileError(f"{path}: cannot be read: {error.strerror}") from error
    if empty:
        raise AudioFileError(f"{path}: empty file (0 bytes): {_COPY}")


def _why_not_audio(error: Exception) -> str:
    reason = error.error_string.rstrip(".") if isinstance(error, sf.LibsndfileError) else ""
    if reason in ("", "Format not recognised") or reason.startswith("File does not exist"):
        return "not an audio file that libsndfile can read: convert it to WAV or FLAC first"
    return f"damaged audio file ({reason}): {_COPY}"


def _lost_share(log: str) -> float:
    """Return the missing share, 0..1, of the audio that is announced in libsndfile's `log`."""
    sizes = [(int(announced), int(found)) for announced, found in _CHUNK_SIZES.findall(log)]
    sizes += [(int(announced), int(found)) for found, announced in _RF64_FRAMES.findall(log)]
    return max((1 - found / size for size, found in sizes if not _open_ended(size)), default=0.0)


def _open_ended(size: int) -> bool:
    """Tell the sizes that programs write to a pipe, where the length is not known beforehand."""
    return 0x7FFF_F000 <= size <= 0x7FFF_FFFF or size >= 0xFFFF_F000


def _ogg_stream_ends(path: Path) -> bool:
    """Tell whether the last Ogg page is whole and marked as the end of its stream."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 2 * _OGG_LARGEST_PAGE_BYTES))
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27:
        return False
    segments = page[27 : 27 + page[26]]
    whole = len(page) >= 27 + page[26] + sum(segments)
    return whole and bool(page[5] & _OGG_END_OF_STREAM)
