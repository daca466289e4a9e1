"""libsndfile, given a part of a file to read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf

from novasr.audio.channels import from_vorbis_order
from novasr.audio.part import Part
from novasr.audio.view import FileView
from novasr.types import FloatArray

_READ_FRAMES = 8_192  # an error loses what was decoded in the same call
_LARGEST_FRAMES = 1 << 50  # beyond, libsndfile does not know the length


class DecodingError(Exception):
    """A part that cannot be decoded from here on; the message is the reason."""


class PartFile(sf.SoundFile):  # type: ignore[misc]
    """A part of a file.

    Parameters
    ----------
    file : binary file
        Seekable, shared by all parts.
    part : Part
        What to read of it.

    Attributes
    ----------
    known_frames : int
        Length, 0 if it is not known.
    is_estimated : bool
        Whether libsndfile knows a length that neither the header nor a count gives.
    is_empty : bool
        Whether it is known that there is nothing.

    Raises
    ------
    soundfile.LibsndfileError, TypeError
        If libsndfile cannot read it.
    """

    def __init__(self, file: BinaryIO, part: Part) -> None:
        self._view = FileView(file, part.start, part.end, part.patches, endless=part.endless)
        super().__init__(self._view)
        believed = not part.endless and self.frames < _LARGEST_FRAMES
        self.is_estimated: bool = believed and part.stated is None and part.frames is None
        self.is_empty: bool = believed and self.frames == 0
        self.known_frames: int = self.frames if believed else part.expected or part.frames or 0

    def seekable(self) -> bool:
        """Keep soundfile from seeking after each read: in an MP3 a seek loses the bit reservoir."""
        return False

    def audio_blocks(self, frames: int) -> Iterator[FloatArray]:
        """Yield all audio in blocks of `frames`, shape (frames, channels), channels in WAV's order.

        Raises
        ------
        DecodingError
            Behind the last block, if the audio cannot be decoded to its end.
        OSError
            If the file cannot be read.
        """
        held: list[FloatArray] = []
        count, reason = 0, ""
        while True:
            try:
                block = self.read(min(_READ_FRAMES, frames - count), "float32", always_2d=True)
            except sf.LibsndfileError as error:
                reason = error.error_string.removeprefix("Error : ").rstrip(".")
                break
            if len(block) == 0:
                break
            held.append(block)
            count += len(block)
            if count == frames:
                yield self._ordered(held)
                held, count = [], 0
        if held:
            yield self._ordered(held)
        if self._view.error is not None:
            raise self._view.error
        if reason:
            raise DecodingError(reason)

    def _ordered(self, blocks: list[FloatArray]) -> FloatArray:
        audio = np.concatenate(blocks)
        return from_vorbis_order(audio) if self.subtype in ("VORBIS", "OPUS") else audio


def libsndfile_name(path: Path) -> str | bytes:
    """Return `path` as soundfile takes it; on POSIX a name may be no text."""
    return str(path) if os.name == "nt" else os.fsencode(path)
