"""The recording of a live stream: before and after, side by side and aligned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf

from novasr.audio.libsndfile import FloatAudio, libsndfile_name
from novasr.errors import AudioFileError

FORMATS = {".wav": "WAV", ".w64": "W64"}
SAVE_SECONDS = 2.0
WAV_LIMIT_BYTES = 2**32 - 2**20


class Recording:
    """A file of float samples with the channels before, then those after.

    Whatever happens to the process, the file can be read up to a few seconds before; opened again, it
    is carried on.

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

    Raises
    ------
    AudioFileError
        If the file cannot be written, or holds audio of another rate.
    """

    def __init__(self, path: Path, kind: str, rate: int, channels: int, latency: int) -> None:
        self._path, self._kind, self._rate, self._channels = path, kind, rate, channels
        self._late = latency
        self._waiting = np.zeros((0, channels), np.float32)
        self._unsaved = 0
        self.full = False
        try:
            self._file = self._open()
        except (sf.LibsndfileError, OSError) as error:
            raise AudioFileError(f"the recording cannot be written: {error}") from error
        if (self._file.samplerate, self._file.channels) != (rate, 2 * channels):
            self._file.close()
            raise AudioFileError("the recording ended: the devices came back at another rate")

    @property
    def seconds(self) -> float:
        """Length so far."""
        return float(self._file.frames / self._rate)

    def write(self, before: FloatAudio, after: FloatAudio) -> None:
        """Add what went in and came out of the chain, shape (frames, channels) each."""
        after, self._late = after[self._late :], self._late - min(self._late, len(after))
        waiting = np.concatenate([self._waiting, before])
        self._waiting = waiting[len(after) :]
        self.full = self._kind == "WAV" and self._file.tell() * self._file.channels * 4 > (
            WAV_LIMIT_BYTES
        )
        if self.full or len(after) == 0:
            return
        self._file.write(np.hstack([waiting[: len(after)], after]))
        self._unsaved += len(after)
        if self._unsaved > SAVE_SECONDS * self._rate:
            self.close()
            self._file = self._open()
            self._unsaved = 0

    def close(self) -> None:
        """Complete the file."""
        self._file.close()

    def _open(self) -> sf.SoundFile:
        name = libsndfile_name(self._path)
        if self._path.exists() and self._path.stat().st_size > 0:
            file = sf.SoundFile(name, "r+")
            file.seek(0, sf.SEEK_END)
            return file
        return sf.SoundFile(name, "w", self._rate, 2 * self._channels, "FLOAT", None, self._kind)
