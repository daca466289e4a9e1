"""Results of an earlier call that need not be made again."""

from __future__ import annotations

from pathlib import Path

import soundfile as sf

from novasr.cli.inputs import Job
from novasr.reading import AudioReader, libsndfile_name


def is_finished(job: Job, sample_rate: int) -> bool:
    """Tell whether the result is there at its rate, can be read at its end, and is as long as the source."""
    if not job.source.is_file() or not job.destination.is_file():
        return False
    try:
        with AudioReader(job.destination) as made:
            frames, rate = made.frames, made.sample_rate
        if rate != sample_rate:
            return False
        with sf.SoundFile(libsndfile_name(job.destination)) as file:
            file.seek(frames - 1)
            if len(file.read(1)) == 0:
                return False
    except Exception:  # however a library reports that it cannot be read
        return False
    return _expected_frames(job.source, sample_rate) in (None, frames)


def _expected_frames(source: Path, sample_rate: int) -> int | None:
    """Look into the header; None if it tells no exact length."""
    try:
        info = sf.info(libsndfile_name(source))
        exact = info.format != "MP3" and info.frames > 0
        return round(info.frames * sample_rate / info.samplerate) if exact else None
    except Exception:  # however a library reports that it does not know the format
        return None
