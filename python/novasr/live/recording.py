"""The recording of a live stream: before and after, side by side and aligned."""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from pathlib import Path

import numpy as np
import soundfile as sf

from novasr.audio.libsndfile import libsndfile_name
from novasr.errors import AudioFileError
from novasr.types import FloatArray

FORMATS = {".wav": "WAV", ".w64": "W64"}
SAVE_SECONDS = 2.0
RETRY_SECONDS = 3.0
WAV_LIMIT_BYTES = 2**32 - 2**20
HEADER_BYTES = 128  # a file that is no longer holds no audio


class Recording:
    """A file of float samples with the channels before, then those after.

    Whatever happens to the process, the file can be read up to a few seconds before; opened again, it
    is carried on. While it cannot be written, what comes is dropped, of both sides alike, and opening
    is tried again: frames that are missing are left out and counted, not filled in.

    Parameters
    ----------
    path : Path
        File to write; one that holds audio already is carried on.
    kind : str
        ``"WAV"`` or ``"W64"``.
    rate, channels : int
        Of either side.
    latency : int
        Frames by which the after side lags.

    Attributes
    ----------
    problem : str
        Why it is not written; empty while it is.
    news : deque of str
        What people should know, to be taken out.
    """

    def __init__(self, path: Path, kind: str, rate: int, channels: int, latency: int) -> None:
        self._path, self._kind, self._rate, self._channels = path, kind, rate, channels
        self._late = latency
        self._waiting = np.zeros((0, channels), np.float32)
        self._file: sf.SoundFile | None = None
        self._carried_on = False
        self._due = self._stored = self._saved = 0  # frames: all, in the file, safe in the file
        self._lost_before = 0
        self._retry_at = -math.inf
        self.problem = ""
        self.news: deque[str] = deque()

    def start(self) -> None:
        """Open the file at once.

        Raises
        ------
        AudioFileError
            If it cannot be written: that ends a stream at its start, and never later.
        """
        try:
            self._open()
            if self._path.stat().st_size == 0:
                raise AudioFileError("the disk is full")
        except Exception as error:
            reason = self._reason(error)
            raise AudioFileError(
                f"{self._path}: the recording cannot be written: {reason}"
            ) from error

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._stored / self._rate

    @property
    def lost(self) -> int:
        """Frames that are missing."""
        return self._due - self._stored

    def write(self, before: FloatArray, after: FloatArray) -> None:
        """Add what went in and came out of the chain, shape (frames, channels) each."""
        after, self._late = after[self._late :], self._late - min(self._late, len(after))
        waiting = np.concatenate([self._waiting, before])
        self._waiting = waiting[len(after) :]
        self._due += len(after)
        if len(after) == 0 or time.monotonic() < self._retry_at:
            return
        try:
            self._store(np.hstack([waiting[: len(after)], after]))
        except Exception as error:  # whatever it is, the sound goes on
            self._fail(error)
            return
        if self.problem:
            missing = (self.lost - self._lost_before) / self._rate
            self.news.append(f"the recording goes on: {missing:.1f} s are missing")
        self.problem, self._lost_before = "", self.lost

    def close(self) -> None:
        """Complete the file."""
        try:
            if self._file is not None:
                self._file.close()
        except Exception as error:
            self._fail(error)

    def _store(self, audio: FloatArray) -> None:
        file = self._open() if self._file is None else self._file
        if self._kind == "WAV" and 4 * audio.shape[1] * self._stored > WAV_LIMIT_BYTES:
            raise AudioFileError("a WAV file holds 4 GiB, a .w64 file more")
        file.write(audio)
        self._stored += len(audio)
        if self._stored > self._saved + SAVE_SECONDS * self._rate:
            file.close()
            if not self._path.exists():
                raise AudioFileError("the file was removed")
            self._open()

    def _open(self) -> sf.SoundFile:
        self._path.open("ab").close()  # says what is wrong, as libsndfile does not
        name = libsndfile_name(self._path)
        if self._path.stat().st_size > HEADER_BYTES:
            file = sf.SoundFile(name, "r+")
            file.seek(0, sf.SEEK_END)
        else:
            file = sf.SoundFile(
                name, "w", self._rate, 2 * self._channels, "FLOAT", None, self._kind
            )
        if (file.samplerate, file.channels) != (self._rate, 2 * self._channels):
            file.close()
            raise AudioFileError(
                f"the devices came back with {self._rate} Hz and {self._channels} channel(s),"
                f" the file has {file.samplerate} Hz and {file.channels // 2}"
            )
        if not self._carried_on:
            self._due += file.frames
            self._carried_on = True
        self._file, self._stored, self._saved = file, file.frames, file.frames
        return file

    def _fail(self, error: Exception) -> None:
        if self._file is not None:
            with contextlib.suppress(Exception):
                self._file.close()
            self._file = None
        reason = self._reason(error)
        if not self.problem:
            self.news.append(
                f"the recording stopped after {self.seconds:.1f} s: {reason};"
                f" it is tried again every {RETRY_SECONDS:.0f} s"
            )
        self.problem = reason
        self._retry_at = time.monotonic() + RETRY_SECONDS

    def _reason(self, error: Exception) -> str:
        """Say what is wrong; of libsndfile's "System error" only the system knows more."""
        if isinstance(error, sf.LibsndfileError) and "System error" in str(error):
            try:
                with self._path.open("ab", buffering=0) as file:
                    file.write(b"\0")  # part of a frame, which the next one replaces
            except OSError as reason:
                error = reason
        return getattr(error, "strerror", None) or str(error)
