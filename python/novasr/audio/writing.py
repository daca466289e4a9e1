"""Write audio files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

import soundfile as sf

from novasr.audio.channels import is_usual, to_vorbis_order
from novasr.audio.chunks import clear_peak_time, write_mask
from novasr.audio.ffmpeg import FFMPEG_SUFFIXES
from novasr.audio.libsndfile import libsndfile_name
from novasr.audio.metadata import Metadata
from novasr.audio.samples import SAMPLE_BYTES, Quantizer
from novasr.checks import is_number
from novasr.errors import AudioFileError, AudioFormatError, DiskError, ParameterError
from novasr.filesystem.replacing import replacing
from novasr.types import FloatArray

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
AUDIO_SUFFIXES = frozenset({".aifc", ".snd", *OUTPUT_FORMATS, *FFMPEG_SUFFIXES})
#: What a user calls the ways to store a sample.
SUBTYPES = {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}
_LOSSY = {".mp3": "MPEG_LAYER_III", ".oga": "VORBIS", ".ogg": "VORBIS", ".opus": "OPUS"}
#: Widths in which a result may be stored.
_STORED = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
#: Rates in Hz and channels that a codec has, in words and as numbers.
_LIMITS: dict[str, tuple[str, tuple[int, ...], int]] = {
    "MPEG_LAYER_III": (
        "MP3",
        (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
        2,
    ),
    "OPUS": ("Opus", (8_000, 12_000, 16_000, 24_000, 48_000), 255),
    "VORBIS": ("Ogg Vorbis", (), 255),
    "FLAC": ("FLAC", (), 8),
}
_WIDTHS = {"ALAC_20": "PCM_24", "ALAC_24": "PCM_24", "ALAC_32": "PCM_32"}
_WAV_LIMIT_BYTES = 2**32 - 2**20  # leaves room for the header and for tags
_NEVER_EMPTY = ("FLAC", "MP3")
_PEAK_FORMATS = ("WAV", "WAVEX", "RF64", "AIFF")
_PIECE_SAMPLES = 48_000  # libvorbis takes its stack by what it is handed


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
    mask : int
        Loudspeakers of the channels, as WAVE_FORMAT_EXTENSIBLE numbers them; 0 if unknown.
    quality : float, optional
        Of a lossy format, 0 .. 10.
    """

    format: str
    subtype: str
    sample_rate: int
    channels: int
    mask: int = 0
    quality: float | None = None

    @property
    def clips(self) -> bool:
        """Whether samples beyond full scale are cut off."""
        return self.subtype not in ("FLOAT", "DOUBLE")

    @property
    def keeps_places(self) -> bool:
        """Whether the file can say for which loudspeaker each channel is."""
        return self.format in ("WAV", "WAVEX", "RF64") or is_usual(self.mask, self.channels)


class Described(Protocol):
    """What is known of a source: `AudioReader` or `PipeReader`."""

    channels: int
    mask: int
    format: str
    subtype: str

    @property
    def seconds(self) -> float:
        """Length, 0 if unknown."""


def choose_layout(
    reader: Described,
    destination: Path,
    sample_rate: int,
    *,
    subtype: str | int | None = None,
    quality: float | None = None,
) -> Layout:
    """Choose format and sample width for what becomes of `reader` at another rate.

    The suffix of `destination` decides the format. The width of the source is kept where that
    format has it; 8-bit and lossy sources become 16-bit, float becomes 24-bit in FLAC. A WAV too
    large for its 32-bit size fields is written as RF64.

    Parameters
    ----------
    reader : AudioReader or PipeReader
        The source.
    destination : Path
        Name of the file to write.
    sample_rate : int
        Rate of the file to write in Hz.
    subtype : {"16", "24", "float"}, optional
        Width of the samples.
    quality : float, optional
        Of a lossy format, 0 (small) .. 10 (best).

    Returns
    -------
    Layout
        A combination that libsndfile writes.

    Raises
    ------
    AudioFormatError
        If the suffix is unknown, the format has no such width, quality or rate, or it cannot hold
        that many channels or that much audio.
    """
    check_layout(subtype, quality)
    suffix = destination.suffix.lower()
    if suffix not in OUTPUT_FORMATS:
        known = " ".join(sorted(OUTPUT_FORMATS))
        raise AudioFormatError(f"{destination}: unknown suffix {suffix!r}, choose one of {known}")
    kind = OUTPUT_FORMATS[suffix]
    if suffix in _LOSSY:
        if subtype is not None:
            raise AudioFormatError(f"{destination}: {suffix} has a quality, no sample width")
        coded = _LOSSY[suffix]
        _check_limits(destination, coded, sample_rate, reader.channels)
        if quality is None:
            quality = _least_quality(coded, reader.channels)
        layout = Layout(kind, coded, sample_rate, reader.channels, reader.mask, quality)
        _check_capacity(destination, layout)
        return layout
    if quality is not None:
        raise AudioFormatError(f"{destination}: quality is for .mp3, .ogg and .opus")
    width = _pcm_like(reader.subtype) if subtype is None else SUBTYPES[str(subtype)]
    if not sf.check_format(kind, width):
        if subtype is not None:
            raise AudioFormatError(f"{destination}: {kind} cannot hold {subtype} samples")
        width = "PCM_24"
    size = round(reader.seconds * sample_rate) * reader.channels * SAMPLE_BYTES[width]
    if kind == "WAV":
        placed = reader.format == "WAVEX" or (reader.mask != 0 and reader.channels > 2)
        kind = "WAVEX" if placed else "WAV"
        kind = "RF64" if size > _WAV_LIMIT_BYTES else kind
    if kind in _LIMITS:
        _check_limits(destination, kind, sample_rate, reader.channels)
    if kind in ("AIFF", "AU") and size > _WAV_LIMIT_BYTES:
        raise AudioFormatError(f"{destination}: {kind} ends at 4 GiB: choose .wav")
    layout = Layout(kind, width, sample_rate, reader.channels, reader.mask)
    _check_capacity(destination, layout)
    return layout


def _least_quality(coded: str, channels: int) -> float:
    """Return the least that keeps the band to 20 kHz within 3 dB.

    libsndfile's own choices stop at 17 kHz (MP3) and at 19 kHz (stereo Vorbis).
    """
    if coded == "MPEG_LAYER_III":
        return 5.0 if channels == 1 else 10.0  # 192 and 320 kbit/s
    return 6.0 if coded == "VORBIS" else 3.0  # about 100 and 80 kbit/s a channel


def check_layout(subtype: object, quality: object) -> None:
    """Raise ParameterError if no format has such a width or quality."""
    if subtype is not None and str(subtype) not in SUBTYPES:
        raise ParameterError(f"subtype must be one of {', '.join(SUBTYPES)}, not {subtype!r}")
    if quality is not None and not (is_number(quality) and 0 <= quality <= 10):  # type: ignore[operator]
        raise ParameterError(f"quality must be 0 .. 10, not {quality!r}")


def holds_float(destination: Path) -> bool:
    """Tell whether files of this name can hold samples beyond full scale."""
    suffix = destination.suffix.lower()
    kind = OUTPUT_FORMATS.get(suffix, "")
    return suffix not in _LOSSY and kind != "" and bool(sf.check_format(kind, "FLOAT"))


def _check_limits(destination: Path, coded: str, sample_rate: int, channels: int) -> None:
    name, rates, most = _LIMITS[coded]
    if channels > most:
        raise AudioFormatError(
            f"{destination}: {name} cannot hold {channels} channels, {most} at most: choose .wav"
        )
    if rates and sample_rate not in rates:
        known = ", ".join(f"{rate / 1000:g}" for rate in rates)
        raise AudioFormatError(
            f"{destination}: {name} cannot hold {sample_rate / 1000:g} kHz, only {known}:"
            " choose another --rate, or .wav"
        )


def _check_capacity(destination: Path, layout: Layout) -> None:
    """Ask libsndfile for the limits of a format where no disk can be the reason."""
    mono = replace(layout, channels=1)
    for tried, limit in (
        (mono, f"{layout.sample_rate} Hz"),
        (layout, f"{layout.channels} channels"),
    ):
        try:
            _open_for_writing(io.BytesIO(), tried).close()
        except sf.LibsndfileError as error:
            msg = f"{destination}: {layout.format} cannot hold {limit}: choose .wav"
            raise AudioFormatError(msg) from error


def _pcm_like(subtype: str) -> str:
    return subtype if subtype in _STORED else _WIDTHS.get(subtype, "PCM_16")


def write_file(
    destination: Path,
    layout: Layout,
    blocks: Iterator[FloatArray],
    metadata: Metadata,
    *,
    dither: bool = False,
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
    metadata : Metadata
        Tags and the like; its warnings tell what the format cannot hold.
    dither : bool
        Add noise before rounding to whole numbers, see `Quantizer`.
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
    """
    with replacing(destination, overwrite=overwrite) as temporary:
        try:
            frames = _write_blocks(temporary, layout, blocks, metadata, dither=dither)
            if frames == 0 and (layout.format in _NEVER_EMPTY or layout.subtype == "OPUS"):
                raise AudioFileError(
                    f"{destination}: {layout.format} cannot hold a recording of 0 frames: choose .wav"
                )
            arrived = sf.info(libsndfile_name(temporary)).frames
            if layout.mask and layout.format in ("WAVEX", "RF64"):
                write_mask(temporary, layout.mask)
            if layout.format in _PEAK_FORMATS and layout.subtype in ("FLOAT", "DOUBLE"):
                clear_peak_time(temporary)
        except sf.LibsndfileError as error:
            raise DiskError(_why_unwritable(destination, temporary)) from error
        if arrived != frames:
            raise DiskError(_why_unwritable(destination, temporary))
        metadata.complete(temporary, layout.format, layout.subtype, layout.sample_rate)
    return frames


def _write_blocks(
    path: Path,
    layout: Layout,
    blocks: Iterator[FloatArray],
    metadata: Metadata,
    *,
    dither: bool,
) -> int:
    frames = 0
    quantize = Quantizer(layout.subtype, dither=dither)
    piece = max(1, _PIECE_SAMPLES // layout.channels)
    with _open_for_writing(libsndfile_name(path), layout) as file:
        for name, text in metadata.for_libsndfile(layout.format, layout.subtype).items():
            with contextlib.suppress(sf.LibsndfileError):
                setattr(file, name, text)
        for block in blocks:
            placed = to_vorbis_order(block) if layout.format == "OGG" else block
            for start in range(0, len(placed), piece):
                file.write(quantize(placed[start : start + piece]))
            frames += len(block)
    return frames


def _open_for_writing(file: str | bytes | BinaryIO, layout: Layout) -> sf.SoundFile:
    rate, channels = layout.sample_rate, layout.channels
    settings: dict[str, float | str] = {}
    if layout.quality is not None:
        compression = 1 - layout.quality / 10
        if layout.format == "MP3":
            settings["bitrate_mode"] = "CONSTANT"  # a variable one drops what is quiet above 16 kHz
            # In smaller frames there is no room for the tag that makes players cut off the delay.
            compression *= 0.85 if layout.sample_rate >= 32_000 else 0.5
        settings["compression_level"] = compression
    return sf.SoundFile(file, "w", rate, channels, layout.subtype, None, layout.format, **settings)


def _why_unwritable(destination: Path, temporary: Path) -> str:
    """Ask the system for the reason that libsndfile keeps to itself."""
    reason = "not all of the audio arrived on the disk"
    try:
        with temporary.open("ab") as file:
            file.write(bytes(1 << 20))
    except OSError as error:
        reason = str(error.strerror)
    return f"{destination}: cannot be written: {reason}"
