"""Enhance whole files: any format in, 48 kHz out, in constant memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from novasr.audio.analysis import BandMeter, judge_band, may_be_full_band
from novasr.audio.piping import NAME, RAW_FORMATS, PipeReader, Raw, write_pipe
from novasr.audio.reading import AudioReader
from novasr.audio.writing import Layout, check_layout, choose_layout, write_file
from novasr.checks import check_count, usable_path
from novasr.errors import AudioFileError
from novasr.filesystem.disk_space import check_space
from novasr.filesystem.replacing import check_protection, exists_error
from novasr.models import chosen_weights
from novasr.offline.enhancement import Enhancement, Progress, Settings, open_stream
from novasr.offline.results import default_destination, least_bytes, working_bytes
from novasr.types import Mode, OfflineEngine, OfflineModelName, OutputGain, OutputRate, Subtype

Reader: TypeAlias = AudioReader | PipeReader


@dataclass(frozen=True)
class EnhanceResult:
    """What `enhance_file` did.

    Attributes
    ----------
    source, destination : Path
        The file read and the file written.
    sample_rate, channels, frames : int
        Of the source; the rate is in Hz.
    output_rate, output_frames : int
        Of the result; the rate is in Hz.
    seconds : float
        Length of the audio.
    elapsed : float
        Time taken, in seconds.
    bandwidth_hz : float
        Where the band of the source ends; 0 for silence.
    extended : bool
        False if the source had its full band already and only its rate and format changed.
    gain_db : float
        Gain that was applied.
    replaced : int
        NaN and infinite samples of the source that became zero.
    peak : float
        Largest magnitude of the result before it was stored, full scale at 1.0.
    clipped : int
        Samples beyond full scale that the file format had to cut off.
    warnings : tuple of str
        What is wrong with the source, and what the result lacks.
    """

    source: Path
    destination: Path
    sample_rate: int
    channels: int
    frames: int
    output_rate: int
    output_frames: int
    seconds: float
    elapsed: float
    bandwidth_hz: float
    extended: bool
    gain_db: float
    replaced: int
    peak: float
    clipped: int
    warnings: tuple[str, ...]

    @property
    def speed(self) -> float:
        """Seconds of audio enhanced per second of time."""
        return self.seconds / self.elapsed


def enhance_file(
    source: str | Path,
    destination: str | Path | None = None,
    *,
    model: OfflineModelName | None = None,
    mode: Mode = "extend",
    engine: OfflineEngine = "auto",
    weights: str | Path | None = None,
    high_band_gain_db: float = 0.0,
    steps: int | None = None,
    bank: str | Path | None = None,
    index_rate: float | None = None,
    rate: OutputRate | None = None,
    gain: OutputGain = 0.0,
    subtype: Subtype | Literal[16, 24] | None = None,
    quality: float | None = None,
    dither: bool = False,
    force: bool = False,
    allow_truncated: bool = False,
    overwrite: bool = False,
    jobs: int | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> EnhanceResult:
    """Extend the band of an audio file to 24 kHz and store it at 48 kHz.

    The result is aligned with the source, has all of its channels and
    ``round(frames * rate / sample_rate)`` frames. It appears under its name only when complete. A source
    that has its full band already is stored as it is, at the rate of the result. Tags are kept, from WAV
    to WAV also chunks such as ``bext`` and cue points; the warnings name what is not.

    Parameters
    ----------
    source : str or path
        Any format that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF, ...), and any that ffmpeg reads
        where that is installed; 8 to 192 kHz.
    destination : str or path, optional
        File to write; its suffix decides the format. Default: beside `source`, ``talk-48k.wav`` for
        ``talk.mp3``, FLAC for FLAC.
    model : {"base", "wide", "studio"}, optional
        ``"base"``, from 16 kHz input on; ``"wide"``, for any band of 2 .. 16 kHz; or ``"studio"``, wide moved
        towards recordings of the voice, which needs a `bank` (docs/studio.md). Default: that of the weights, ``"base"``
        without any.
    mode : {"extend", "full"}
        Keep the source below the crossover, or take all of the model's output.
    engine : {"auto", "native", "torch", "cuda"}
        What computes the model; a GPU by ``"cuda"`` (docs/gpu.md).
    weights : str or path, optional
        Other weights than the built-in ones, as for `Stream`.
    high_band_gain_db : float
        Brightness: -24 .. 12 dB on what the model adds, in ``"extend"`` mode.
    steps : {1, 2, 4, 8}, optional
        Of the flow of weights of the family studio (docs/studio.md). Default: 1.
    bank : str or path, optional
        For the model studio or weights of its family: the file of a bank, which ``novasr bank build`` makes.
    index_rate : float, optional
        How far levels are moved towards the bank's, from 0, not at all, to 1. Default: 1.
    rate : int or "source", optional
        Sample rate of the result in Hz, 8000 .. 192000, or the source's. Default: 48000.
    gain : float or "auto"
        In dB; ``"auto"`` lowers a result that would clip as a whole, to a peak below -0.3 dBFS.
    subtype : {"16", "24", "float", 16, 24}, optional
        Width of the samples. Default: as in the source.
    quality : float, optional
        Of MP3, Vorbis and Opus, 0 (small) .. 10 (best).
    dither : bool
        Add triangular noise before rounding to whole numbers.
    force : bool
        Also extend a source that has its full band already.
    allow_truncated : bool
        Take what is there of a file that has lost its end.
    overwrite : bool
        Replace an existing `destination`.
    jobs : int, optional
        Threads for a long file; one per CPU by default. The result does not depend on it.
    progress : callable, optional
        Called now and then with the seconds done and the seconds in all; what
        it raises ends the work, and nothing is left behind.

    Returns
    -------
    EnhanceResult
        Where the result is and what was met on the way.

    Raises
    ------
    AudioFileError
        If `source` cannot be read to its end, or `destination` exists, does not fit on the disk or
        cannot be written.
    ParameterError
        If a parameter is out of range or of another kind, or `model` and `weights` contradict each other.
    AudioFormatError
        If the rate, the channels or the destination's format are not supported.
    WeightsError, BankError
        If the weights or the bank cannot be loaded.
    MissingPackageError
        If what they need is not installed.
    StreamError
        If the engine cannot run here.
    """
    if jobs is not None:
        check_count("jobs", jobs)
    storage = Storage(subtype, quality, dither, overwrite)
    settings = Settings(
        mode,
        engine,
        chosen_weights(model, weights, offline=True),
        high_band_gain_db,
        rate,
        gain,
        jobs,
        steps,
        bank,
        index_rate,
    )
    settings.check_engine()
    source = usable_path(source)
    destination = default_destination(source, rate) if destination is None else destination
    destination = usable_path(destination)
    with AudioReader(source, allow_truncated=allow_truncated) as reader:
        check_destination(destination, reader.status, overwrite=overwrite)
        return enhance_recording(
            reader, destination, settings, storage, force=force, progress=progress
        )


@dataclass(frozen=True)
class Storage:
    """How a result is to be stored; see `enhance_file`.

    Attributes
    ----------
    subtype, quality, dither, overwrite
        As for `enhance_file`.
    raw : Raw, optional
        Of what goes into a pipe: samples without a header.
    """

    subtype: Subtype | Literal[16, 24] | None = None
    quality: float | None = None
    dither: bool = False
    overwrite: bool = False
    raw: Raw | None = None

    def __post_init__(self) -> None:
        check_layout(self.subtype, self.quality)

    def layout(self, reader: Reader, destination: Path | BinaryIO, sample_rate: int) -> Layout:
        """Choose format and sample width, see `choose_layout`."""
        path = destination if isinstance(destination, Path) else NAME.with_suffix(".wav")
        layout = choose_layout(
            reader, path, sample_rate, subtype=self.subtype, quality=self.quality
        )
        if self.raw is not None and self.subtype is None and path is not destination:
            return replace(layout, subtype=RAW_FORMATS[self.raw.format])
        return layout


def enhance_recording(
    reader: Reader,
    destination: Path | BinaryIO,
    settings: Settings,
    storage: Storage,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> EnhanceResult:
    """Enhance what is open: the one way of files and pipes.

    Parameters
    ----------
    reader : AudioReader or PipeReader
        The source. A file is looked through beforehand, to leave as it is what has its full band.
    destination : Path or binary stream
        File to write; or pipe, which gets a WAV of open length, or samples.
    settings : Settings
        What is to become of the sound.
    storage : Storage
        How to store it.
    force, progress
        As for `enhance_file`.

    Returns
    -------
    EnhanceResult
        As of `enhance_file`; a pipe is called ``-``.
    """
    started = time.perf_counter()
    path = destination if isinstance(destination, Path) else NAME
    any_band = settings.any_band
    bandwidth = _look_ahead(reader, any_band, progress)
    full = bandwidth is not None and (
        judge_band(bandwidth, reader.sample_rate, any_band=any_band).kind == "leave"
    )
    work = Enhancement(
        reader,
        settings,
        path.parent,
        bandwidth_hz=bandwidth,
        leave=full and not force,
        progress=progress,
    )
    layout = storage.layout(reader, destination, work.output_rate)
    output_frames = _write(destination, reader, work, layout, settings, storage)
    return EnhanceResult(
        source=reader.path,
        destination=path,
        sample_rate=reader.sample_rate,
        channels=reader.channels,
        frames=reader.frames,
        output_rate=work.output_rate,
        output_frames=output_frames,
        seconds=reader.seconds,
        elapsed=time.perf_counter() - started,
        bandwidth_hz=work.bandwidth_hz,
        extended=force or not full,
        gain_db=work.gain_db,
        replaced=work.replaced,
        peak=work.peak,
        clipped=work.beyond_full_scale if layout.clips else 0,
        warnings=tuple(_warnings(reader, work, layout, output_frames, force=force)),
    )


def _write(
    destination: Path | BinaryIO,
    reader: Reader,
    work: Enhancement,
    layout: Layout,
    settings: Settings,
    storage: Storage,
) -> int:
    if not isinstance(destination, Path):
        reader.metadata.leave_out()
        bare = storage.raw is not None
        return write_pipe(destination, layout, work.blocks, bare=bare, dither=storage.dither)
    check_space(destination, working_bytes(reader, layout, settings.gain))
    return write_file(
        destination,
        layout,
        work.blocks,
        reader.metadata,
        dither=storage.dither,
        overwrite=storage.overwrite,
    )


def _warnings(
    reader: Reader, work: Enhancement, layout: Layout, output_frames: int, *, force: bool
) -> list[str]:
    warnings = [*reader.warnings, *work.warnings, *reader.metadata.warnings]
    verdict = work.verdict
    if isinstance(reader, PipeReader) and verdict.kind == "leave" and not force:
        warnings.append(
            f"{verdict.text}; extended all the same, as a pipe is not looked through beforehand:"
            " give it as a file to have it stored as it is, or say --force"
        )
    if not layout.keeps_places:
        warnings.append(f"{layout.format} cannot say which loudspeakers the channels are for")
    if output_frames == 0:
        warnings.append(f"too short: less than a frame at {work.output_rate} Hz")
    return warnings


def check_settings(settings: Settings) -> None:
    """Raise what `enhance_file` would raise over any file: of the weights, or of what computes them.

    Raises
    ------
    WeightsError, BankError, StreamError
        If the weights or the bank cannot be read, or the engine cannot run here.
    """
    settings.check_engine()


def check_file(
    source: Path,
    destination: Path,
    settings: Settings,
    *,
    subtype: Subtype | None = None,
    quality: float | None = None,
    allow_truncated: bool = False,
    overwrite: bool = False,
    extends: bool = False,
) -> int:
    """Raise what `enhance_file` would raise before its work begins.

    Parameters
    ----------
    source, destination : Path
        The file to read and the one to write.
    settings : Settings
        What is to become of the sound.
    subtype, quality, allow_truncated, overwrite
        As for `enhance_file`.
    extends : bool
        Also ask the model, which takes a moment, whether it can extend a source of this rate; for one
        that may have its full band already it is asked only by `enhance_file`.

    Returns
    -------
    int
        The bytes that the result takes at least.
    """
    storage = Storage(subtype, quality)
    with AudioReader(source, allow_truncated=allow_truncated) as reader:
        check_destination(destination, reader.status, overwrite=overwrite)
        layout = storage.layout(reader, destination, settings.output_rate(reader.sample_rate))
        check_space(destination, working_bytes(reader, layout, settings.gain))
        if extends and not may_be_full_band(reader.sample_rate, any_band=settings.any_band):
            open_stream(reader, settings)
        return least_bytes(reader, layout)


def _look_ahead(reader: Reader, any_band: bool, progress: Progress | None) -> float | None:
    """Read all of a file for its bandwidth and its length, where these can matter."""
    if isinstance(reader, PipeReader):
        return None
    if reader.frames > 0 and not any_band and not may_be_full_band(reader.sample_rate):
        return None
    with reader.reopened() as whole:
        meter = BandMeter(whole.sample_rate)
        for block in whole.blocks():
            meter.add(block)
            if progress is not None:
                progress(0.0, max(whole.seconds, 1e-3))
        reader.frames = whole.frames
        return meter.bandwidth_hz


def check_destination(destination: Path, source: os.stat_result, *, overwrite: bool) -> None:
    """Refuse what the result must not replace.

    Raises
    ------
    AudioFileError
        If `destination` exists and may not be overwritten, is `source`, has other names, or is no file
        that can be written.
    """
    try:
        status = destination.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise AudioFileError(f"{destination}: cannot be written: {error.strerror}") from error
    if os.path.samestat(status, source):
        raise AudioFileError(f"{destination}: is the source itself: choose another name")
    if not destination.is_file():
        raise AudioFileError(f"{destination}: exists and is not a regular file: name a file")
    if not overwrite:
        raise exists_error(destination)
    check_protection(destination, status)
    if status.st_nlink > 1:
        raise AudioFileError(
            f"{destination}: has other names (hard links), which would keep the old sound:"
            " remove it first or choose another name"
        )
