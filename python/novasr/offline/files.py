"""Enhance whole files: any format in, 48 kHz out, in constant memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from novasr.audio.analysis import BandMeter, judge_band, may_be_full_band
from novasr.audio.reading import AudioReader
from novasr.audio.writing import Layout, check_layout, choose_layout, write_file
from novasr.checks import check_count, usable_path
from novasr.engines import read_model
from novasr.errors import AudioFileError
from novasr.filesystem.disk_space import check_space
from novasr.filesystem.replacing import check_protection, exists_error
from novasr.offline.enhancement import Enhancement, Settings, open_stream
from novasr.offline.results import default_destination, least_bytes
from novasr.types import Engine, Mode, OutputGain, OutputRate, Subtype


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
    mode: Mode = "extend",
    engine: Engine = "auto",
    weights: str | Path | None = None,
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
        File to write; its suffix decides the format. The default is `default_destination`.
    mode : {"extend", "full"}
        Keep the source below the crossover, or take all of the model's output.
    engine : {"auto", "native", "torch"}
        What computes the model.
    weights : str or path, optional
        Other weights than the built-in ones, as for `Stream`.
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
        If a parameter is out of range or of another kind.
    AudioFormatError
        If the rate, the channels or the destination's format are not supported.
    WeightsError
        If the weights cannot be loaded.
    StreamError
        If the engine cannot run here.
    """
    if jobs is not None:
        check_count("jobs", jobs)
    check_layout(subtype, quality)
    settings = Settings(mode, engine, weights, rate, gain, jobs)
    read_model(settings.engine, settings.weights)
    started = time.perf_counter()
    source = usable_path(source)
    destination = default_destination(source, rate) if destination is None else destination
    destination = usable_path(destination)
    with AudioReader(source, allow_truncated=allow_truncated) as reader:
        _check_destination(source, destination, overwrite=overwrite)
        bandwidth, leave = None, False
        if may_be_full_band(reader.sample_rate) or reader.frames == 0:
            bandwidth, reader.frames = _survey(
                source, allow_truncated=allow_truncated, progress=progress
            )
            leave = judge_band(bandwidth, reader.sample_rate).kind == "leave" and not force
        work = Enhancement(
            reader,
            settings,
            destination.parent,
            bandwidth_hz=bandwidth,
            leave=leave,
            progress=progress,
        )
        layout = choose_layout(
            reader, destination, work.output_rate, subtype=subtype, quality=quality
        )
        check_space(destination, least_bytes(reader, layout))
        frames = write_file(
            destination, layout, work.blocks, reader.metadata, dither=dither, overwrite=overwrite
        )
    elapsed = time.perf_counter() - started
    return _described(reader, work, layout, destination, frames, elapsed, extended=not leave)


def _described(
    reader: AudioReader,
    work: Enhancement,
    layout: Layout,
    destination: Path,
    output_frames: int,
    elapsed: float,
    *,
    extended: bool,
) -> EnhanceResult:
    warnings = [*reader.warnings, *work.warnings, *reader.metadata.warnings]
    if not layout.keeps_places:
        warnings.append(f"{layout.format} cannot say which loudspeakers the channels are for")
    if output_frames == 0:
        warnings.append(f"too short: less than a frame at {work.output_rate} Hz")
    return EnhanceResult(
        source=reader.path,
        destination=destination,
        sample_rate=reader.sample_rate,
        channels=reader.channels,
        frames=reader.frames,
        output_rate=work.output_rate,
        output_frames=output_frames,
        seconds=reader.seconds,
        elapsed=elapsed,
        bandwidth_hz=work.bandwidth_hz,
        extended=extended,
        gain_db=work.gain_db,
        replaced=work.replaced,
        peak=work.peak,
        clipped=work.beyond_full_scale if layout.clips else 0,
        warnings=tuple(warnings),
    )


def check_settings(settings: Settings) -> None:
    """Raise what `enhance_file` would raise over any file: of the weights, or of what computes them.

    Raises
    ------
    WeightsError, StreamError
        If the weights cannot be read, or the engine cannot run here.
    """
    read_model(settings.engine, settings.weights).engine(threads=1, offline=True)


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
    with AudioReader(source, allow_truncated=allow_truncated) as reader:
        _check_destination(source, destination, overwrite=overwrite)
        rate = settings.output_rate(reader.sample_rate)
        layout = choose_layout(reader, destination, rate, subtype=subtype, quality=quality)
        if extends and not may_be_full_band(reader.sample_rate):
            open_stream(reader, settings)
        return least_bytes(reader, layout)


def _survey(
    source: Path, *, allow_truncated: bool, progress: Callable[[float, float], None] | None
) -> tuple[float, int]:
    """Read all of a file and return its bandwidth and its length in frames."""
    with AudioReader(source, allow_truncated=allow_truncated) as reader:
        meter = BandMeter(reader.sample_rate)
        for block in reader.blocks():
            meter.add(block)
            if progress is not None:
                progress(0.0, max(reader.seconds, 1e-3))
        return meter.bandwidth_hz, reader.frames


def _check_destination(source: Path, destination: Path, *, overwrite: bool) -> None:
    try:
        status = destination.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise AudioFileError(f"{destination}: cannot be written: {error.strerror}") from error
    if destination.samefile(source):
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
