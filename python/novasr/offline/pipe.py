"""Enhance what comes through a pipe, while it comes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from novasr.audio.piping import Raw, open_pipe
from novasr.audio.reading import AudioReader
from novasr.errors import AudioFormatError, ParameterError
from novasr.offline.enhancement import Settings
from novasr.offline.files import (
    EnhanceResult,
    Reader,
    Storage,
    check_destination,
    enhance_recording,
)


def enhance_pipe(
    source: BinaryIO | Path,
    destination: BinaryIO | Path,
    settings: Settings,
    storage: Storage | None = None,
    *,
    force: bool = False,
    allow_truncated: bool = False,
) -> EnhanceResult:
    """Enhance from or to a pipe, in constant memory and with a latency of milliseconds.

    Unlike `enhance_file` it does not look ahead where the source is read as it comes: one that has its full
    band already is extended, too, and a warning says so.

    Parameters
    ----------
    source : binary stream or Path
        WAV, with or without its length, is read as it comes, other formats when all is there.
    destination : binary stream or Path
        Into a stream goes a WAV of open length.
    settings : Settings
        What is to become of the sound.
    storage : Storage, optional
        How to store it. Its `raw` tells the samples without a header of a stream that is read; what is
        written to a stream is then samples, too. Where the source is a file it tells those alone.
    force, allow_truncated
        As for `enhance_file`.

    Returns
    -------
    EnhanceResult
        A stream is called ``-``.

    Raises
    ------
    AudioFileError
        If either side fails.
    AudioFormatError
        If the audio is of a kind that cannot be used.
    """
    storage = Storage() if storage is None else storage
    if not isinstance(destination, Path) and settings.gain == "auto":
        raise AudioFormatError(
            "gain 'auto' needs the whole recording: give it in dB, or name a file"
        )
    if settings.engine == "cuda" and not isinstance(source, Path):
        msg = "engine='cuda' computes whole recordings, a pipe is read as it comes: use engine='native'"
        raise ParameterError(msg)
    if isinstance(source, Path) and storage.raw is not None:
        settings = _at_rate(settings, storage, storage.raw)
    if isinstance(destination, Path) and not isinstance(source, Path):
        status = os.fstat(source.fileno())
        check_destination(destination, status, overwrite=storage.overwrite)
    with _opened(source, storage.raw, allow_truncated=allow_truncated) as reader:
        one_stream = replace(settings, jobs=1)
        return enhance_recording(reader, destination, one_stream, storage, force=force)


@contextlib.contextmanager
def _opened(source: BinaryIO | Path, raw: Raw | None, *, allow_truncated: bool) -> Iterator[Reader]:
    if not isinstance(source, Path):
        with open_pipe(source, raw, allow_truncated=allow_truncated) as coming:
            yield coming
        return
    with AudioReader(source, allow_truncated=allow_truncated) as reader:
        if raw is not None and raw.channels != reader.channels:
            raise AudioFormatError(
                f"{source}: has {reader.channels} channels, and --raw names {raw.channels}:"
                " name as many"
            )
        yield reader


def _at_rate(settings: Settings, storage: Storage, raw: Raw) -> Settings:
    """Take from `raw` what the samples that are written are to be."""
    if settings.rate is not None or storage.subtype is not None:
        raise AudioFormatError("--raw names rate and width of the result: leave out --rate, --bits")
    return replace(settings, rate=raw.sample_rate)
