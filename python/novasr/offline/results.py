"""Results on disk: their names, their size, and whether an earlier call has made them."""

from __future__ import annotations

from pathlib import Path

import soundfile as sf

from novasr.audio.libsndfile import libsndfile_name
from novasr.audio.piping import NAME, PipeReader
from novasr.audio.reading import AudioReader
from novasr.audio.samples import SAMPLE_BYTES
from novasr.audio.writing import SUBTYPES, Layout, holds_float
from novasr.types import OutputGain, OutputRate, Subtype

DEFAULT_RATE_HZ = 48_000
_ESTIMATED = ("MP3", "FFMPEG")  # formats whose length may be an estimate


def default_destination(source: Path, rate: OutputRate | None = None) -> Path:
    """Name the result of `source`: beside it, its rate added, FLAC for FLAC and WAV for the rest.

    Parameters
    ----------
    source : Path
        The file to enhance.
    rate : int or "source", optional
        Of the result. Default: 48000.

    Returns
    -------
    Path
        For example ``talk-48k.wav`` for ``talk.mp3``; at the source's rate ``talk-enhanced.wav``.
    """
    suffix = ".flac" if source.suffix.lower() == ".flac" else ".wav"
    return source.with_name(f"{source.stem}{result_mark(rate)}{suffix}")


def result_mark(rate: OutputRate | None) -> str:
    """Give what the name of a result has in addition to that of its source."""
    return "-enhanced" if rate == "source" else f"-{(rate or DEFAULT_RATE_HZ) / 1000:g}k"


def is_result(path: Path, rate: OutputRate | None = None) -> bool:
    """Tell whether `path` has the name of a result, of the usual rate or of this one."""
    return path.stem.endswith((result_mark(None), result_mark(rate)))


def least_bytes(reader: AudioReader | PipeReader, layout: Layout) -> int:
    """Tell how many bytes the result takes at least.

    That is 0 where only the end tells: silence takes next to nothing in a compressed file, and the length
    of an MP3, or of what ffmpeg reads, may be an estimate.
    """
    if layout.format == "FLAC" or reader.format in _ESTIMATED:
        return 0
    frames = int(reader.seconds * layout.sample_rate)
    return frames * layout.channels * SAMPLE_BYTES.get(layout.subtype, 0)


def clipping_text(count: int, peak: float, destination: Path) -> str:
    """Say that samples were clipped and what helps, of what the format of `destination` allows."""
    gain = "--gain DB" if destination == NAME else "--gain auto"
    wider = ", or --subtype float" if destination == NAME or holds_float(destination) else ""
    return f"{count} samples were clipped, the peak is {peak:.2f} of full scale: add {gain}{wider}"


def working_bytes(reader: AudioReader | PipeReader, layout: Layout, gain: OutputGain) -> int:
    """Tell how many bytes the work takes at least: the result, and what waits for an automatic gain."""
    exact = reader.format not in _ESTIMATED
    waiting = int(reader.seconds * layout.sample_rate) * layout.channels * SAMPLE_BYTES["FLOAT"]
    return least_bytes(reader, layout) + (waiting if gain == "auto" and exact else 0)


def is_finished(
    source: Path, destination: Path, rate: OutputRate | None, subtype: Subtype | None = None
) -> bool:
    """Tell whether a call with this rate and width would make what is there, as far as a file shows."""
    if not source.is_file() or not is_complete(destination) or destination.samefile(source):
        return False
    return not differences(source, destination, rate, subtype)


def is_complete(destination: Path) -> bool:
    """Tell whether there is a recording that can be read at its end."""
    try:
        with AudioReader(destination) as made:
            frames = made.frames
        with sf.SoundFile(libsndfile_name(destination)) as file:
            file.seek(frames - 1)
            return len(file.read(1)) > 0
    except Exception:  # however a library reports that it cannot be read
        return False


def differences(
    source: Path, destination: Path, rate: OutputRate | None, subtype: Subtype | None = None
) -> list[str]:
    """Say in what a complete recording is not the result of `source`; of what a call can tell.

    Parameters
    ----------
    source, destination : Path
        The file to enhance, and a recording in the place of its result.
    rate : int or "source", optional
        As for `enhance_file`.
    subtype : {"16", "24", "float"}, optional
        As for `enhance_file`; if it is not given any width will do.

    Returns
    -------
    list of str
        For example ``"it is at 16 kHz, not at 48 kHz"``; empty for the result.
    """
    with AudioReader(destination) as made, AudioReader(source, allow_truncated=True) as reader:
        wanted = reader.sample_rate if rate == "source" else rate or DEFAULT_RATE_HZ
        width = made.subtype if subtype is None else SUBTYPES[str(subtype)]
        exact = reader.format not in _ESTIMATED and reader.frames > 0 and not reader.warnings
        frames = round(reader.frames * made.sample_rate / reader.sample_rate)
        found = []
        if made.sample_rate != wanted:
            found.append(f"it is at {made.sample_rate / 1000:g} kHz, not at {wanted / 1000:g} kHz")
        if made.subtype != width:
            found.append(f"its samples are {made.subtype}, not {width}")
        if exact and made.frames != frames:
            found.append(f"it has {made.seconds:.2f} s, its source {reader.seconds:.2f} s")
        return found
