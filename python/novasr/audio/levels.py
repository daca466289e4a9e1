"""Levels of audio that passes by, and its gain."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import numpy as np

from novasr.errors import AudioFileError
from novasr.filesystem.unbuffered import write_all
from novasr.types import FloatArray

AUTO_PEAK_DB = -0.3
_BLOCK_FRAMES = 48_000


class OutputMeter:
    """Levels of the blocks that pass through.

    Attributes
    ----------
    peak : float
        Largest magnitude, full scale at 1.0.
    beyond_full_scale : int
        Samples that a format of whole numbers cuts off.
    """

    def __init__(self) -> None:
        self.peak = 0.0
        self.beyond_full_scale = 0

    def watch(self, blocks: Iterator[FloatArray]) -> Iterator[FloatArray]:
        """Pass `blocks` on."""
        for block in blocks:
            if block.size:
                magnitude = np.abs(block)
                self.peak = max(self.peak, float(magnitude.max()))
                self.beyond_full_scale += int(np.count_nonzero(magnitude > 1.0))
            yield block


class Gain:
    """One gain for a whole recording.

    Parameters
    ----------
    gain : float or "auto"
        In dB; ``"auto"`` lowers what would clip to a peak of -0.3 dBFS.
    folder : Path
        Where the audio waits, as float samples, until its peak is known.

    Attributes
    ----------
    gain_db : float
        With ``"auto"`` known when the first block has passed.
    """

    def __init__(self, gain: float | Literal["auto"], folder: Path) -> None:
        self.gain_db = 0.0 if gain == "auto" else float(gain)
        self._auto = gain == "auto"
        self._folder = folder

    def apply(self, blocks: Iterator[FloatArray], channels: int) -> Iterator[FloatArray]:
        """Yield `blocks`, shape (frames, channels), with the gain."""
        if not self._auto:
            yield from self._scaled(blocks)
            return
        meter = OutputMeter()
        with self._waiting_room() as waiting:
            for block in meter.watch(blocks):
                self._keep(waiting, block)
            highest = 10 ** (AUTO_PEAK_DB / 20)
            if meter.peak > highest:
                self.gain_db = float(20 * np.log10(highest / meter.peak)) - 1e-4
            waiting.seek(0)
            yield from self._scaled(_read_blocks(waiting, channels))

    def _waiting_room(self) -> IO[bytes]:
        try:  # without a buffer, whose rest would be written when the file is closed
            return tempfile.TemporaryFile(prefix=".novasr-", dir=self._folder, buffering=0)
        except OSError as error:
            raise self._no_room(error) from error

    def _keep(self, waiting: IO[bytes], block: FloatArray) -> None:
        try:
            write_all(waiting, np.ascontiguousarray(block, np.float32).tobytes())
        except OSError as error:
            raise self._no_room(error) from error

    def _no_room(self, error: OSError) -> AudioFileError:
        return AudioFileError(
            f"{self._folder}: no room for the samples that wait for their gain ({error.strerror}):"
            " make room or give the gain in dB"
        )

    def _scaled(self, blocks: Iterator[FloatArray]) -> Iterator[FloatArray]:
        if self.gain_db == 0:
            yield from blocks
            return
        factor = np.float32(10 ** (self.gain_db / 20))
        for block in blocks:
            yield block * factor


def _read_blocks(file: IO[bytes], channels: int) -> Iterator[FloatArray]:
    while data := file.read(_BLOCK_FRAMES * channels * 4):
        yield np.frombuffer(data, np.float32).reshape(-1, channels)
