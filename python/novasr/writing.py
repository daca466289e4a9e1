"""Write audio files that appear complete or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import soundfile as sf

from novasr.errors import AudioFileError, AudioFormatError
from novasr.reading import AudioReader, FloatAudio, libsndfile_name
from novasr.replacing import replacing

OUTPUT_FORMATS = {
    ".aif": "AIFF",
    ".aiff": "AIFF",
    ".au": "AU",
    ".caf": "CAF",
    ".flac": "FLAC",
    ".mp3": "MP3",
    ".oga": "OGG",
    ".ogg": "OGG",
    ".opus": "OGG",
    ".rf64": "RF64",
    ".w64": "W64",
    ".wav": "WAV",
}
#: Names by which a folder is searched for recordings.
AUDIO_SUFFIXES = frozenset({".aifc", *OUTPUT_FORMATS})
_LOSSY = {".mp3": "MPEG_LAYER_III", ".oga": "VORBIS", ".ogg": "VORBIS", ".opus": "OPUS"}
_BYTES = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
_WIDTHS = {"ALAC_20": "PCM_24", "ALAC_24": "PCM_24", "ALAC_32": "PCM_32"}
_WAV_LIMIT_BYTES = 2**32 - 2**20  # leaves room for the header and for tags


@dataclass(frozen=True)
class Layout:
    """How a file stores its audio.

    Attributes
    ----------
    format, subtype : str
        As libsndfile names them.
    sample_rate : int
        In Hz.
    channels : int
        At least 1.
    """

    format: str
    subtype: str
    sample_rate: int
    channels: int

    @property
    def clips(self) -> bool:
        """Whether samples beyond full scale are cut off."""
        return self.subtype not in ("FLOAT", "DOUBLE")


def choose_layout(reader: AudioReader, destination: Path, sample_rate: int) -> Layout:
    """Choose format and sample width for what becomes of `reader` at another rate.

    The suffix of `destination` decides the format. The width of the source is kept where that
    format has it; 8-bit and lossy sources become 16-bit, float becomes 24-bit in FLAC. A WAV too
    large for its 32-bit size fields is written as RF64.

    Parameters
    ----------
    reader : AudioReader
        The source.
    destination : Path
        Name of the file to write.
    sample_rate : int
        Rate of the file to write in Hz.

    Returns
    -------
    Layout
        A combination that libsndfile writes.

    Raises
    ------
    AudioFormatError
        If the suffix is unknown, or the format cannot hold that much audio.
    """
    suffix = destination.suffix.lower()
    if suffix not in OUTPUT_FORMATS:
        known = " ".join(sorted(OUTPUT_FORMATS))
        raise AudioFormatError(f"{destination}: unknown suffix {suffix!r}, choose one of {known}")
    kind = OUTPUT_FORMATS[suffix]
    if suffix in _LOSSY:
        return Layout(kind, _LOSSY[suffix], sample_rate, reader.channels)
    subtype = _pcm_like(reader.subtype)
    if not sf.check_format(kind, subtype):
        subtype = "PCM_24"
    size = round(reader.seconds * sample_rate) * reader.channels * _BYTES[subtype]
    if kind == "WAV":
        kind = "WAVEX" if reader.format == "WAVEX" else "WAV"
        kind = "RF64" if size > _WAV_LIMIT_BYTES else kind
    if kind in ("AIFF", "AU") and size > _WAV_LIMIT_BYTES:
        raise AudioFormatError(f"{destination}: {kind} ends at 4 GiB: choose .wav")
    return Layout(kind, subtype, sample_rate, reader.channels)


def _pcm_like(subtype: str) -> str:
    return subtype if subtype in _BYTES else _WIDTHS.get(subtype, "PCM_16")


def write_file(
    destination: Path,
    layout: Layout,
    blocks: Iterator[FloatAudio],
    tags: dict[str, str],
    *,
    overwrite: bool = True,
) -> int:
    """Write `blocks` to `destination`, which appears complete or stays as it was.

    Parameters
    ----------
    destination : Path
        File to create or to replace; a symbolic link is followed.
    layout : Layout
        How to store the audio.
    blocks : iterator of ndarray of float32, shape (frames, channels)
        Full scale at 1.0.
    tags : dict
        Title, artist and the like; what the format cannot hold is left out.
    overwrite : bool
        Whether `destination` may exist.

    Returns
    -------
    int
        Frames written.

    Raises
    ------
    AudioFileError
        If the disk is full, or the file cannot be written for another reason.
    AudioFormatError
        If the format cannot hold that many channels.
    """
    with replacing(destination, overwrite=overwrite) as temporary:
        try:
            frames = _write_blocks(temporary, layout, blocks, tags)
            arrived = sf.info(libsndfile_name(temporary)).frames
        except sf.LibsndfileError as error:
            raise AudioFileError(_why_unwritable(destination, temporary)) from error
        except AudioFormatError as error:
            raise AudioFormatError(f"{destination}: {error}: choose .wav") from error
        if arrived != frames:
            raise AudioFileError(_why_unwritable(destination, temporary))
    return frames


def _write_blocks(
    path: Path, layout: Layout, blocks: Iterator[FloatAudio], tags: dict[str, str]
) -> int:
    frames = 0
    with _open_for_writing(path, layout) as file:
        for name, text in tags.items():
            with contextlib.suppress(sf.LibsndfileError):
                setattr(file, name, text)
        for block in blocks:
            file.write(block)
            frames += len(block)
    return frames


def _open_for_writing(path: Path, layout: Layout) -> sf.SoundFile:
    rate, channels = layout.sample_rate, layout.channels
    name = libsndfile_name(path)
    try:
        return sf.SoundFile(name, "w", rate, channels, layout.subtype, None, layout.format)
    except sf.LibsndfileError as error:
        raise AudioFormatError(f"{layout.format} cannot hold {channels} channels") from error


def _why_unwritable(destination: Path, temporary: Path) -> str:
    """Ask the system for the reason that libsndfile keeps to itself."""
    reason = "not all of the audio arrived on the disk"
    try:
        with temporary.open("ab") as file:
            file.write(bytes(1 << 20))
    except OSError as error:
        reason = str(error.strerror)
    return f"{destination}: cannot be written: {reason}"
