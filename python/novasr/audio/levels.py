"""Levels of audio that passes by, and its gain."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile as sf

from novasr.audio.libsndfile import FloatAudio
from novasr.errors import AudioFileError

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

    def watch(self, blocks: Iterator[FloatAudio]) -> Iterator[FloatAudio]:
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

    def apply(
        self, blocks: Iterator[FloatAudio], sample_rate: int, channels: int
    ) -> Iterator[FloatAudio]:
        """Yield `blocks`, shape (frames, channels), with the gain."""
        if not self._auto:
            yield from self._scaled(blocks)
            return
        name = {"prefix": ".novasr-", "suffix": ".w64", "dir": self._folder}
        meter = OutputMeter()
        try:
            with tempfile.TemporaryFile(**name) as waiting:  # type: ignore[call-overload]
                with sf.SoundFile(
                    waiting, "w", sample_rate, channels, "FLOAT", None, "W64"
                ) as file:
                    for block in meter.watch(blocks):
                        file.write(block)
                highest = 10 ** (AUTO_PEAK_DB / 20)
                if meter.peak > highest:
                    self.gain_db = float(20 * np.log10(highest / meter.peak)) - 1e-4
                waiting.seek(0)
                with sf.SoundFile(waiting) as file:
                    yield from self._scaled(
                        file.blocks(_BLOCK_FRAMES, dtype="float32", always_2d=True)
                    )
        except (OSError, sf.LibsndfileError) as error:
            if isinstance(error, AudioFileError):
                raise
            msg = f"{self._folder}: no room for the samples that wait for their gain: {error}"
            raise AudioFileError(msg) from error

    def _scaled(self, blocks: Iterator[FloatAudio]) -> Iterator[FloatAudio]:
        if self.gain_db == 0:
            yield from blocks
            return
        factor = np.float32(10 ** (self.gain_db / 20))
        for block in blocks:
            yield block * factor
