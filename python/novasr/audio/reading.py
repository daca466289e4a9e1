"""Read audio files block by block to the end of what they hold, and say plainly what is wrong."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import soundfile as sf

from novasr.audio.channels import default_mask
from novasr.audio.ffmpeg import FfmpegFile, UnreadableError, has_ffmpeg
from novasr.audio.libsndfile import DecodingError, PartFile
from novasr.audio.metadata import Metadata, read_metadata
from novasr.audio.part import Part
from novasr.audio.parts import find_parts
from novasr.audio.tags import cleaned
from novasr.checks import MAX_CHANNELS, usable_path
from novasr.errors import AudioFileError, EmptyAudioError
from novasr.types import FloatArray

_BLOCK_FRAMES = 48_000
_RATES_HZ = (1_000, 768_000)
_MPEG_FRAMES = 1_152  # in one frame; a count may have the encoder's delay in it, of two
_SLACK_SECONDS = 0.1  # what ffmpeg and a container disagree on without reason
_OTHER_FILES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\3\4", b"\x1f\x8b", b"\x7fELF")
_NO_AUDIO = "holds no audio (0 frames): record or export it again"
_COPY = "copy or export it again, or take what is there (--allow-truncated)"


class AudioReader:
    """An audio file, read once from its start to its end.

    Parameters
    ----------
    path : str or path
        Any format that libsndfile reads, and what ffmpeg reads where that is installed.
    allow_truncated : bool
        Take what is there of a file that has lost its end.
    name : Path, optional
        What messages call it, if not by its path.

    Attributes
    ----------
    path : Path
        Its name in messages.
    sample_rate : int
        In Hz.
    channels : int
        At least 1, in WAV's order.
    mask : int
        Loudspeakers of the channels, as WAVE_FORMAT_EXTENSIBLE numbers them; 0 if unknown.
    frames : int
        Length; until all has been read what is known of it, 0 if nothing is.
    format, subtype : str
        As libsndfile names them, for example ``"WAV"`` and ``"PCM_16"``; ``"FFMPEG"`` and the
        codec of what ffmpeg reads.
    tags : dict
        Title, artist and the like, under libsndfile's names.
    warnings : list of str
        What is wrong without being an error; complete when all has been read.

    Raises
    ------
    AudioFileError
        If the file is missing, unreadable, empty, truncated or not audio.
    """

    def __init__(
        self, path: str | Path, *, allow_truncated: bool = False, name: Path | None = None
    ) -> None:
        self._location = usable_path(path)
        self.path = self._location if name is None else name
        self.warnings: list[str] = []
        self._allow_truncated = allow_truncated
        _check_readable(self._location, self.path)
        self._raw = self._location.open("rb")
        try:
            self._open()
        except AudioFileError:
            self._raw.close()
            raise
        except OSError as error:
            self._raw.close()
            raise AudioFileError(f"{self.path}: cannot be read: {error.strerror}") from error

    def reopened(self) -> AudioReader:
        """Read the same file once more."""
        return AudioReader(self._location, allow_truncated=self._allow_truncated, name=self.path)

    @property
    def status(self) -> os.stat_result:
        """What the system knows of the file."""
        return os.fstat(self._raw.fileno())

    def _open(self) -> None:
        self._parts = find_parts(self._raw)
        self._file = self._open_first()
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int = self._file.known_frames
        self.tags: dict[str, str]
        if isinstance(self._file, FfmpegFile):
            self.format, self.subtype = "FFMPEG", self._file.codec
            self.mask, self.tags = self._file.mask, cleaned(self._file.tags)
            return
        self.format, self.subtype = self._file.format, self._file.subtype
        self.tags = cleaned(self._file.copy_metadata())
        known = self.format in ("OGG", "FLAC")
        self.mask = default_mask(self.channels) if known else self._parts[0].mask
        self._check_stated(self._file)

    @property
    def seconds(self) -> float:
        """Length in seconds, as far as it is known."""
        return self.frames / self.sample_rate

    @cached_property
    def metadata(self) -> Metadata:
        """Tags and the like, for a file that is made of this one."""
        pictured = isinstance(self._file, FfmpegFile) and self._file.pictured
        return read_metadata(
            self._raw,
            self._location,
            self._parts[0],
            self.sample_rate,
            self.tags,
            pictured=pictured,
        )

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the audio in blocks of 48,000 frames.

        Yields
        ------
        ndarray of float32, shape (frames, channels)
            Full scale at 1.0; the last block may be shorter, none is empty.

        Raises
        ------
        AudioFileError
            If audio that the file states is missing, or it cannot be decoded.
        """
        done = 0
        stated = self.frames
        try:
            for block in self._decoded():
                done += len(block)
                yield block
        except DecodingError as error:
            self.frames = done
            self._lose(f"damaged ({error}), {self._share(done, stated)}")
        except OSError as error:
            if isinstance(error, AudioFileError):
                raise
            where = f"after {self._length(done)} of {self._length(stated)}"
            msg = f"{self.path}: cannot be read {where}: {error.strerror}"
            raise AudioFileError(msg) from error
        self.frames = done
        if done == 0:
            raise EmptyAudioError(f"{self.path}: {_NO_AUDIO}")

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
        self._raw.close()

    def _open_first(self) -> PartFile | FfmpegFile:
        try:
            file = PartFile(self._raw, self._parts[0])
            if file.format == "MP3" and file.is_estimated:
                self._parts = [replace(self._parts[0], endless=True)]
                file = PartFile(self._raw, self._parts[0])
            if _RATES_HZ[0] <= file.samplerate <= _RATES_HZ[1] and file.channels <= MAX_CHANNELS:
                return file
            refused = f"{file.channels} channels at {file.samplerate} Hz"
        except sf.LibsndfileError as error:
            refused = error.error_string.rstrip(".")
        except TypeError:  # soundfile wants to be told the rate of a .raw file
            refused = ""
        unknown = refused in ("", "Format not recognised") or refused.startswith("File does not")
        if not has_ffmpeg():
            if unknown and _is_something_else(self._raw):
                raise AudioFileError(f"{self.path}: not an audio file")
            reason = "it does not know the format" if unknown else refused
            raise AudioFileError(
                f"{self.path}: libsndfile cannot read it ({reason}): install ffmpeg, which reads more"
                f" formats, or convert it elsewhere: {self._conversion()}"
            )
        try:
            return FfmpegFile(self._location)
        except UnreadableError as error:
            if unknown:
                msg = f"{self.path}: not an audio file, or a damaged one (ffmpeg: {error})"
            else:
                msg = f"{self.path}: damaged audio file ({refused}): copy or export it again"
            raise AudioFileError(msg) from error

    def _conversion(self) -> str:
        """Spell a command that makes a WAV of what is read."""
        if self.path != self._location:  # a pipe, kept in a file
            return "ffmpeg -i - -f wav -"
        made = self.path.stem + (".wav" if self.path.suffix.lower() != ".wav" else "-pcm.wav")
        return f"ffmpeg -i {shlex.quote(self.path.name)} {shlex.quote(made)}"

    def _check_stated(self, file: PartFile) -> None:
        """Compare what the headers state with what is there, as far as that is known without decoding."""
        first = self._parts[0]
        if file.is_empty and len(self._parts) == 1:
            raise EmptyAudioError(f"{self.path}: {_NO_AUDIO}")
        stated = first.frames
        if first.stated is not None:
            stated = round(self.frames * first.stated)
        if first.missing:
            there = first.expected or self.frames
            self._lose(f"truncated, {self._share(there, stated or 0)}")
            self.frames = there
        elif len(self._parts) > 1:
            alone = self.seconds
            per_byte = self.frames / max(1, first.end - first.start)
            for part in self._parts[1:]:
                self.frames += part.expected or round(per_byte * (part.end - part.start))
            self.warnings.append(
                f"{len(self._parts)} recordings in one file, {self.seconds:.1f} s, though its header states"
                f" {alone:.1f} s: all are read"
            )
        elif stated is not None and first.stated not in (None, 1.0):
            self._disagree(stated, self.frames)
        self.warnings += [part.note for part in self._parts if part.note]

    def _decoded(self) -> Iterator[FloatArray]:
        if isinstance(self._file, FfmpegFile):
            yield from self._by_ffmpeg(self._file, 0)
            return
        done = 0
        for number, part in enumerate(self._parts):
            before = done
            try:
                file = PartFile(self._raw, part) if number > 0 else self._file
                self._check_alike(file)
                for block in file.audio_blocks(_BLOCK_FRAMES):
                    done += len(block)
                    yield block
            except (DecodingError, sf.LibsndfileError) as error:
                yield from self._go_on(done, error)
                return
            self._check_decoded(file, part, done - before)

    def _check_alike(self, file: PartFile) -> None:
        if (file.samplerate, file.channels) != (self.sample_rate, self.channels):
            kind = f"{file.samplerate / 1000:g} kHz with {file.channels} channels"
            raise DecodingError(f"goes on at {kind}")

    def _check_decoded(self, file: PartFile, part: Part, done: int) -> None:
        stated = part.frames or file.known_frames
        if stated == 0 or done == stated or part.missing:
            return
        if self.format in ("MP3", "OGG"):
            if abs(done - stated) > (_MPEG_FRAMES if part.endless else 2 * _MPEG_FRAMES):
                self._disagree(stated, done)
        elif done < stated:
            self._lose(f"truncated or damaged, {self._share(done, stated)}")
        else:
            self._disagree(stated, done)

    def _go_on(self, done: int, reason: Exception) -> Iterator[FloatArray]:
        """Let ffmpeg, which passes over damage, read what libsndfile does not."""
        try:
            file = FfmpegFile(self._location, least_score=0) if has_ffmpeg() else None
        except UnreadableError:
            file = None
        if file is None or (file.samplerate, file.channels) != (self.sample_rate, self.channels):
            raise DecodingError(str(reason))
        self.warnings.append(f"{reason} after {self._length(done)}: ffmpeg reads on")
        yield from self._by_ffmpeg(file, done)

    def _by_ffmpeg(self, file: FfmpegFile, skipped: int) -> Iterator[FloatArray]:
        done = 0
        for block in file.blocks(_BLOCK_FRAMES):
            rest = block[max(0, skipped - done) :]
            done += len(block)
            if len(rest):
                yield rest
        stated = self.frames if skipped and len(self._parts) == 1 else file.stated_frames
        if file.missing or (skipped and done < stated):
            self._lose(f"truncated or damaged, {self._share(done, stated)}")
        elif stated and abs(done - stated) > _SLACK_SECONDS * self.sample_rate:
            self._disagree(stated, done)
        self.warnings += file.warnings

    def _lose(self, what: str) -> None:
        if not self._allow_truncated:
            raise AudioFileError(f"{self.path}: {what}: {_COPY}")
        self.warnings.append(what)

    def _disagree(self, stated: int, there: int) -> None:
        self.warnings.append(
            f"its header states {self._length(stated)}, it holds {self._length(there)}: all is read"
        )

    def _share(self, there: int, stated: int) -> str:
        some, whole = self._length(there), self._length(stated)
        if some == whole:
            some, whole = f"{there}", f"{stated} frames"
        return f"{some} of {whole} are there"

    def _length(self, frames: int) -> str:
        return f"{frames / self.sample_rate:.2f} s"


def _is_something_else(file: BinaryIO) -> bool:
    """Tell text, and what people mistake for recordings most often."""
    file.seek(0)
    head = file.read(512)
    is_text = not any(byte < 9 or 13 < byte < 32 or byte == 127 for byte in head)
    return is_text or head.startswith(_OTHER_FILES)


def _check_readable(path: Path, name: Path) -> None:
    """Find what libsndfile would report as a bare "System error"."""
    if path.is_dir():
        raise AudioFileError(f"{name}: is a folder, expected an audio file")
    if path.exists() and not path.is_file():
        raise AudioFileError(f"{name}: not a regular file: give its content on standard input (-)")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        unmatched = "*" in path.name or "?" in path.name
        remedy = "the pattern matches nothing" if unmatched else "check the name"
        raise AudioFileError(f"{name}: no such file: {remedy}") from error
    except OSError as error:
        raise AudioFileError(f"{name}: cannot be read: {error.strerror}") from error
    if empty:
        raise EmptyAudioError(f"{name}: empty file (0 bytes): copy or export it again")
