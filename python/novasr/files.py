"""Enhance whole files: any format in, 48 kHz out, in constant memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from novasr.disk_space import check_space, least_bytes
from novasr.engines import uses_torch
from novasr.errors import AudioFileError, AudioFormatError
from novasr.rates import MODEL_OUTPUT_HZ
from novasr.reading import AudioReader, FloatAudio
from novasr.replacing import check_protection, exists_error
from novasr.segments import enhanced_in_parallel
from novasr.stream import Stream, check_count
from novasr.writing import choose_layout, write_file

Mode: TypeAlias = Literal["extend", "full"]
Engine: TypeAlias = Literal["auto", "native", "torch"]


@dataclass(frozen=True)
class EnhanceResult:
    """What `enhance_file` did.

    Attributes
    ----------
    source, destination : Path
        The file read and the file written.
    sample_rate, channels, frames : int
        Of the source; the rate is in Hz.
    output_frames : int
        Length of the result at 48 kHz.
    seconds : float
        Length of the audio.
    elapsed : float
        Time taken, in seconds.
    replaced : int
        NaN and infinite samples of the source that became zero.
    peak : float
        Largest magnitude of the result before it was stored, full scale at 1.0.
    clipped : int
        Samples beyond full scale that the file format had to cut off.
    """

    source: Path
    destination: Path
    sample_rate: int
    channels: int
    frames: int
    output_frames: int
    seconds: float
    elapsed: float
    replaced: int
    peak: float
    clipped: int

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
    overwrite: bool = False,
    jobs: int | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> EnhanceResult:
    """Extend the band of an audio file to 24 kHz and store it at 48 kHz.

    The result is aligned with the source, has all of its channels and
    ``round(frames * 48000 / sample_rate)`` frames. It appears under its name only when complete.

    Parameters
    ----------
    source : str or path
        Any format that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF, ...), 8 to 192 kHz.
    destination : str or path, optional
        File to write; its suffix decides the format. The default is `default_destination`.
    mode : {"extend", "full"}
        Keep the source below the crossover, or take all of the model's output.
    engine : {"auto", "native", "torch"}
        What computes the model.
    weights : str or path, optional
        Other weights than the built-in ones, as for `Stream`.
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
    AudioFormatError
        If rate, channels or destination format are not supported.
    WeightsError
        If the weights cannot be loaded.
    StreamError
        If the engine cannot run here.
    """
    if jobs is not None:
        check_count("jobs", jobs)
    started = time.perf_counter()
    source = Path(source)
    destination = default_destination(source) if destination is None else Path(destination)
    with AudioReader(source) as reader:
        _check_destination(source, destination, overwrite=overwrite)
        layout = choose_layout(reader, destination, MODEL_OUTPUT_HZ)
        check_space(destination, least_bytes(reader, layout))
        workers = len(os.sched_getaffinity(0)) if jobs is None else jobs
        incoming, outgoing = _InputMeter(), _OutputMeter()
        blocks = incoming.watch(reader.blocks())
        make_stream = partial(_open_stream, reader, mode, engine, weights)
        if workers == 1 or uses_torch(engine, weights):
            made = _enhanced(blocks, make_stream())
        else:
            made = enhanced_in_parallel(blocks, make_stream, workers)
        made = outgoing.watch(_reporting(made, reader, progress))
        output_frames = write_file(destination, layout, made, reader.tags, overwrite=overwrite)
    return EnhanceResult(
        source=source,
        destination=destination,
        sample_rate=reader.sample_rate,
        channels=reader.channels,
        frames=reader.frames,
        output_frames=output_frames,
        seconds=reader.seconds,
        elapsed=time.perf_counter() - started,
        replaced=incoming.nonfinite,
        peak=outgoing.peak,
        clipped=outgoing.beyond_full_scale if layout.clips else 0,
    )


def check_file(source: Path, destination: Path, *, overwrite: bool = False) -> int:
    """Raise what `enhance_file` would raise before its work begins.

    Returns
    -------
    int
        The bytes that the result takes at least.
    """
    with AudioReader(source) as reader:
        _check_destination(source, destination, overwrite=overwrite)
        return least_bytes(reader, choose_layout(reader, destination, MODEL_OUTPUT_HZ))


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


class _InputMeter:
    """Counts the samples that the stream replaces by zero."""

    def __init__(self) -> None:
        self.nonfinite = 0

    def watch(self, blocks: Iterator[FloatAudio]) -> Iterator[FloatAudio]:
        for block in blocks:
            self.nonfinite += block.size - int(np.count_nonzero(np.isfinite(block)))
            yield block


class _OutputMeter:
    """Levels of the blocks that pass through."""

    def __init__(self) -> None:
        self.peak = 0.0
        self.beyond_full_scale = 0

    def watch(self, blocks: Iterator[FloatAudio]) -> Iterator[FloatAudio]:
        for block in blocks:
            if block.size:
                magnitude = np.abs(block)
                self.peak = max(self.peak, float(magnitude.max()))
                self.beyond_full_scale += int(np.count_nonzero(magnitude > 1.0))
            yield block


def _enhanced(blocks: Iterator[FloatAudio], stream: Stream) -> Iterator[FloatAudio]:
    """Yield what one stream makes of the file, without the latency at the start."""
    late = stream.latency
    for block in blocks:
        made = stream.process(block)
        yield made[late:]
        late -= min(late, len(made))
    yield stream.flush()[late:]


def _reporting(
    made: Iterator[FloatAudio],
    reader: AudioReader,
    progress: Callable[[float, float], None] | None,
) -> Iterator[FloatAudio]:
    done = 0
    for block in made:
        yield block
        done += len(block)
        if progress is not None:
            progress(min(done / MODEL_OUTPUT_HZ, reader.seconds), reader.seconds)


def _open_stream(
    reader: AudioReader, mode: Mode, engine: Engine, weights: str | Path | None
) -> Stream:
    try:
        return Stream(
            reader.sample_rate,
            reader.channels,
            output_rate=MODEL_OUTPUT_HZ,
            mode=mode,
            engine=engine,
            weights=weights,
            offline=True,
        )
    except AudioFormatError as error:
        raise AudioFormatError(f"{reader.path}: {error}") from error


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
