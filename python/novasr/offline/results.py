"""Results on disk: their names, their size, and whether an earlier call has made them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import soundfile as sf

from novasr.audio.libsndfile import libsndfile_name
from novasr.audio.piping import PipeReader
from novasr.audio.reading import AudioReader
from novasr.audio.writing import Layout
from novasr.rates import MODEL_OUTPUT_HZ

_BYTES = {"PCM_S8": 1, "PCM_U8": 1, "ULAW": 1, "ALAW": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4,
          "FLOAT": 4, "DOUBLE": 8}  # fmt: skip
_ESTIMATED = ("MP3", "FFMPEG")  # formats whose length may be an estimate


def default_destination(source: Path) -> Path:
    """Name the result of `source`: beside it, ``-48k`` added, FLAC for FLAC and WAV for the rest.

    Parameters
    ----------
    source : Path
        The file to enhance.

    Returns
    -------
    Path
        For example ``talk-48k.wav`` for ``talk.mp3``.
    """
    suffix = ".flac" if source.suffix.lower() == ".flac" else ".wav"
    return source.with_name(f"{source.stem}-48k{suffix}")


def is_result(path: Path) -> bool:
    """Tell whether `path` has the name of a result."""
    return path.stem.endswith("-48k")


def least_bytes(reader: AudioReader | PipeReader, layout: Layout) -> int:
    """Tell how many bytes the result takes at least.

    That is 0 where only the end tells: silence takes next to nothing in a compressed file, and the length
    of an MP3, or of what ffmpeg reads, may be an estimate.
    """
    if layout.format == "FLAC" or reader.format in _ESTIMATED:
        return 0
    frames = int(reader.seconds * layout.sample_rate)
    return frames * layout.channels * _BYTES.get(layout.subtype, 0)


def working_bytes(
    reader: AudioReader | PipeReader, layout: Layout, gain: float | Literal["auto"]
) -> int:
    """Tell how many bytes the work takes at least: the result, and what waits for an automatic gain."""
    exact = reader.format not in _ESTIMATED
    waiting = int(reader.seconds * layout.sample_rate) * layout.channels * _BYTES["FLOAT"]
    return least_bytes(reader, layout) + (waiting if gain == "auto" and exact else 0)


def is_finished(source: Path, destination: Path, rate: int | Literal["source"] | None) -> bool:
    """Tell whether the result is there at its rate, can be read at its end, and is as long as the source."""
    if not source.is_file() or not destination.is_file():
        return False
    try:
        with AudioReader(destination) as made:
            frames, made_rate = made.frames, made.sample_rate
        source_rate, expected = _expected(source, made_rate)
        wanted = source_rate if rate == "source" else rate or MODEL_OUTPUT_HZ
        if made_rate != wanted:
            return False
        with sf.SoundFile(libsndfile_name(destination)) as file:
            file.seek(frames - 1)
            if len(file.read(1)) == 0:
                return False
    except Exception:  # however a library reports that it cannot be read
        return False
    return expected in (None, frames)


def _expected(source: Path, rate: int) -> tuple[int, int | None]:
    """Look into the header for the rate and the length that the result has, None if it is not exact."""
    with AudioReader(source, allow_truncated=True) as reader:
        exact = reader.format not in _ESTIMATED and reader.frames > 0 and not reader.warnings
        frames = round(reader.frames * rate / reader.sample_rate) if exact else None
        return reader.sample_rate, frames
