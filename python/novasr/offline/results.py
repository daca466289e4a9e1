"""Results of an earlier call that need not be made again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import soundfile as sf

from novasr.audio.libsndfile import libsndfile_name
from novasr.audio.reading import AudioReader
from novasr.cli.inputs import Job
from novasr.rates import MODEL_OUTPUT_HZ


def is_finished(job: Job, rate: int | Literal["source"] | None) -> bool:
    """Tell whether the result is there at its rate, can be read at its end, and is as long as the source."""
    if not job.source.is_file() or not job.destination.is_file():
        return False
    try:
        with AudioReader(job.destination) as made:
            frames, made_rate = made.frames, made.sample_rate
        source_rate, expected = _expected(job.source, made_rate)
        wanted = source_rate if rate == "source" else rate or MODEL_OUTPUT_HZ
        if made_rate != wanted:
            return False
        with sf.SoundFile(libsndfile_name(job.destination)) as file:
            file.seek(frames - 1)
            if len(file.read(1)) == 0:
                return False
    except Exception:  # however a library reports that it cannot be read
        return False
    return expected in (None, frames)


def _expected(source: Path, rate: int) -> tuple[int, int | None]:
    """Look into the header for the rate and the length that the result has, None if it is not exact."""
    with AudioReader(source, allow_truncated=True) as reader:
        exact = reader.format not in ("MP3", "FFMPEG") and reader.frames > 0 and not reader.warnings
        frames = round(reader.frames * rate / reader.sample_rate) if exact else None
        return reader.sample_rate, frames
