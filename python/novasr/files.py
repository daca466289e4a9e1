"""Enhance whole files: any format in, 48 kHz out, in constant memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from novasr.errors import AudioFileError, AudioFormatError
from novasr.reading import AudioReader, FloatAudio
from novasr.stream import Stream
from novasr.writing import choose_layout, write_file

OUTPUT_RATE_HZ = 48_000


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
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str] | None = None,
    *,
    mode: str = "extend",
    engine: str = "auto",
    weights: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> EnhanceResult:
    """Extend the band of an audio file to 24 kHz and store it at 48 kHz.

    The result is aligned with the source, has all of its channels and
    ``round(frames * 48000 / sample_rate)`` frames. It appears under its name only when complete.

    Parameters
    ----------
    source : str or path-like
        Any format that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF, ...), 8 to 192 kHz.
    destination : str or path-like, optional
        File to write; its suffix decides the format. The default is `default_destination`.
    mode : {"extend", "full"}
        Keep the source below the crossover, or take all of the model's output.
    engine : {"auto", "native", "torch"}
        What computes the model.
    weights : {"v1", "v2"} or path-like, optional
        Other weights than the built-in ones.
    overwrite : bool
        Replace an existing `destination`.
    progress : callable, optional
        Called about once per second of audio with the frames done and the frames in all; what it
        raises ends the work, and nothing is left behind.

    Returns
    -------
    EnhanceResult
        Where the result is and what was met on the way.

    Raises
    ------
    AudioFileError
        If `source` cannot be read to its end, or `destination` exists or cannot be written.
    AudioFormatError
        If rate, channels or destination format are not supported.
    WeightsError
        If the weights cannot be loaded.
    """
    started = time.perf_counter()
    source = Path(source)
    destination = default_destination(source) if destination is None else Path(destination)
    with AudioReader(source) as reader:
        _check_destination(source, destination, overwrite=overwrite)
        layout = choose_layout(reader, destination, OUTPUT_RATE_HZ)
        stream = _open_stream(reader, mode, engine, weights)
        meter = _Meter()
        blocks = meter.watch(_enhanced(reader, stream, progress))
        output_frames = write_file(destination, layout, blocks, reader.tags)
    return EnhanceResult(
        source=source,
        destination=destination,
        sample_rate=reader.sample_rate,
        channels=reader.channels,
        frames=reader.frames,
        output_frames=output_frames,
        seconds=reader.seconds,
        elapsed=time.perf_counter() - started,
        replaced=stream.stats.nonfinite_samples,
        peak=meter.peak,
        clipped=meter.beyond_full_scale if layout.clips else 0,
    )


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


class _Meter:
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


def _enhanced(
    reader: AudioReader, stream: Stream, progress: Callable[[int, int], None] | None
) -> Iterator[FloatAudio]:
    """Yield what `stream` makes of the file, without the latency at the start."""
    late = stream.latency
    done = 0
    for block in reader.blocks():
        made = stream.process(block)
        yield made[late:]
        late -= min(late, len(made))
        done += len(block)
        if progress is not None:
            progress(done, reader.frames)
    yield stream.flush()[late:]


def _open_stream(
    reader: AudioReader, mode: str, engine: str, weights: str | os.PathLike[str] | None
) -> Stream:
    try:
        return Stream(
            reader.sample_rate,
            reader.channels,
            output_rate=OUTPUT_RATE_HZ,
            mode=mode,
            engine=engine,
            weights=weights,
            offline=True,
        )
    except AudioFormatError as error:
        raise AudioFormatError(f"{reader.path}: {error}") from error


def _check_destination(source: Path, destination: Path, *, overwrite: bool) -> None:
    if not destination.exists():
        return
    if destination.samefile(source):
        raise AudioFileError(f"{destination}: is the source itself: choose another name")
    if not destination.is_file():
        raise AudioFileError(f"{destination}: exists and is not a regular file: name a file")
    if not overwrite:
        raise AudioFileError(f"{destination}: exists: choose another name or ask to overwrite it")
