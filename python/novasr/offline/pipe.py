"""Enhance what comes through a pipe, while it comes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from novasr.audio.piping import NAME, Raw, open_pipe, write_pipe
from novasr.audio.reading import AudioReader
from novasr.audio.writing import choose_layout, write_file
from novasr.errors import AudioFormatError
from novasr.offline.enhancement import Enhancement, Settings


def enhance_pipe(
    source: BinaryIO | Path,
    destination: BinaryIO | Path,
    settings: Settings,
    *,
    raw: Raw | None = None,
    subtype: str | None = None,
    quality: float | None = None,
    dither: bool = False,
    allow_truncated: bool = False,
) -> list[str]:
    """Enhance from or to a pipe, in constant memory and with a latency of milliseconds.

    Unlike `enhance_file` it does not look ahead: a source that has its full band already is extended,
    too.

    Parameters
    ----------
    source : binary stream or Path
        WAV, with or without its length, is read as it comes, other formats when all is there.
    destination : binary stream or Path
        Into a stream goes a WAV of open length.
    settings : Settings
        What is to become of the sound.
    raw : Raw, optional
        The source is samples without a header; so is what is written to a stream.
    subtype, quality, dither, allow_truncated
        As for `enhance_file`.

    Returns
    -------
    list of str
        Warnings.

    Raises
    ------
    AudioFileError
        If either side fails.
    AudioFormatError
        If the audio is of a kind that cannot be used.
    """
    if not isinstance(destination, Path) and settings.gain == "auto":
        raise AudioFormatError(
            "gain 'auto' needs the whole recording: give it in dB, or name a file"
        )
    one_stream = replace(settings, jobs=1)
    opened = (
        AudioReader(source, allow_truncated=allow_truncated)
        if isinstance(source, Path)
        else open_pipe(source, raw)
    )
    with opened as reader:
        target = destination if isinstance(destination, Path) else NAME.with_suffix(".wav")
        work = Enhancement(reader, one_stream, target.parent)
        layout = choose_layout(reader, target, work.output_rate, subtype=subtype, quality=quality)
        if isinstance(destination, Path):
            write_file(destination, layout, work.blocks, reader.metadata, dither=dither)
        else:
            write_pipe(destination, layout, work.blocks, bare=raw is not None, dither=dither)
    warnings = [*reader.warnings, *work.warnings, *reader.metadata.warnings]
    if work.beyond_full_scale and layout.clips:
        warnings.append(f"{work.beyond_full_scale} samples were clipped")
    return warnings
