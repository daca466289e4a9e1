"""The chain around a network that a `BatchEngine` computes: resamplers and crossover stay on the CPU.

A recording passes through the chain twice. The first time it gives what the network is to get, the second time it
takes what the network made of that. In between, many recordings or segments are computed together.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from novasr import _native
from novasr.checks import check_audio, check_count
from novasr.errors import AudioFormatError, ParameterError
from novasr.offline.cores import core_count
from novasr.offline.results import DEFAULT_RATE_HZ
from novasr.offline.segments import cut_segments
from novasr.stream import Stream

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from novasr.cuda.batch_engine import BatchEngine
    from novasr.types import FloatArray, Mode

_SPARE_SECONDS = 1.0  # of silence, which the chain sends after a recording
_GROUP_SECONDS = 600.0  # of audio whose parts are computed together


class RelayStream(Stream):
    """A stream whose network is computed elsewhere, on all of its input.

    Parameters
    ----------
    engine : BatchEngine
        Computes the network.
    sample_rate, channels, **sound
        As for :class:`novasr.Stream`.
    jobs : int, optional
        Threads of :meth:`aligned`; one per CPU by default.
    """

    def __init__(
        self,
        engine: BatchEngine,
        sample_rate: int,
        channels: int,
        *,
        jobs: int | None = None,
        **sound: Any,
    ) -> None:
        self._engine, self._jobs = engine, jobs
        super().__init__(
            sample_rate, channels, engine="native", weights=engine.weights, offline=True, **sound
        )

    def aligned(self, blocks: Iterable[ArrayLike]) -> Iterator[FloatArray]:
        """Enhance a whole recording, many segments of it at once; as of :class:`novasr.Stream`.

        Parameters
        ----------
        blocks : iterable of array_like, each of shape (frames, channels)
            The recording.

        Yields
        ------
        ndarray of float32, shape (output_frames, channels)
            Aligned: the latency is removed.
        """
        streams = _Streams(partial(copy.copy, self))
        parts = (
            _Part(segment.audio, segment.warm_up, segment.frames, streams, self.sample_rate)
            for segment in cut_segments(map(check_audio, blocks), self)
        )
        workers = core_count() if self._jobs is None else self._jobs
        with ThreadPoolExecutor(workers) as pool:
            while group := list(islice(parts, 2 * workers)):
                yield from _computed(self._engine, group, pool)

    def model_input(self, audio: FloatArray, *, ends: bool) -> list[FloatArray]:
        """Give what the network is to get, an array for each channel.

        Parameters
        ----------
        audio : ndarray of float32, shape (frames, channels)
            A recording, or a part of one.
        ends : bool
            The recording ends here.
        """
        room = len(audio) / self.sample_rate + _SPARE_SECONDS
        self._relay.record(channels=self.channels, frames=int(room * self.format.input_rate))
        self._send(audio, ends=ends, bypass=True)  # spares the crossover
        return self._relay.recorded()

    def output(self, audio: FloatArray, made: list[FloatArray], *, ends: bool) -> FloatArray:
        """Give the chain's output, with its latency, for what the network made of :meth:`model_input`."""
        self._relay.play(made)
        return self._send(audio, ends=ends, bypass=False)

    def _send(self, audio: FloatArray, *, ends: bool, bypass: bool) -> FloatArray:
        self.set(bypass=bypass)
        self.reset()
        output = self.process(audio)
        return np.concatenate([output, self.flush()]) if ends else output

    def _new_engine(self) -> _native.Engine:
        self._relay = _native.Relay(
            like=super()._new_engine(),
            hop_frames=self._engine.family.TILE_FRAMES,
            latency_frames=self._engine.family.LOOK_AHEAD,
            silence=self._engine.silence_output,
        )
        return self._relay.engine()


@dataclass(frozen=True)
class _Part:
    """A recording, or a segment of one, and the streams that it may take."""

    audio: FloatArray
    warm_up: int  # output frames
    frames: int | None  # output frames; None: to the end of the recording
    streams: _Streams
    sample_rate: int


class _Streams:
    """Streams of one kind, lent to one thread at a time."""

    def __init__(self, make: Callable[[], RelayStream]) -> None:
        self._make, self._idle = make, [make()]

    @contextmanager
    def one(self) -> Iterator[RelayStream]:
        try:
            stream = self._idle.pop()
        except IndexError:
            stream = self._make()
        yield stream
        self._idle.append(stream)


def enhance_recordings(
    engine: BatchEngine,
    recordings: Sequence[ArrayLike],
    sample_rate: int | Sequence[int],
    *,
    mode: Mode,
    gain_db: float,
    jobs: int | None,
) -> list[FloatArray]:
    """Extend whole recordings; see `BatchEngine.enhance`."""
    if jobs is not None:
        check_count("jobs", jobs)
    rates = (
        list(sample_rate)
        if isinstance(sample_rate, Sequence | np.ndarray) and not isinstance(sample_rate, str)
        else [sample_rate] * len(recordings)
    )
    if len(rates) != len(recordings):
        msg = f"sample_rate has {len(rates)} rates for {len(recordings)} recordings: give one, or one each"
        raise ParameterError(msg)
    for rate in rates:
        check_count("sample_rate", rate)
    streams: dict[tuple[int, int], _Streams] = {}
    parts = []
    for index, (recording, rate) in enumerate(zip(recordings, rates, strict=True)):
        try:
            audio = check_audio(recording)
            kind = rate, audio.shape[1]
            if kind not in streams:
                streams[kind] = _Streams(partial(_new_stream, engine, *kind, mode, gain_db))
        except AudioFormatError as error:
            raise type(error)(f"recordings[{index}]: {error}") from error
        parts.append(_Part(audio, 0, None, streams[kind], rate))
    made: list[FloatArray] = []
    with ThreadPoolExecutor(core_count() if jobs is None else jobs) as pool:
        for group in _groups(parts):
            made += _computed(engine, group, pool)
    return [
        output[:, 0] if np.ndim(recording) == 1 else output
        for output, recording in zip(made, recordings, strict=True)
    ]


def _new_stream(
    engine: BatchEngine, sample_rate: int, channels: int, mode: Mode, gain_db: float
) -> RelayStream:
    return RelayStream(
        engine,
        sample_rate,
        channels,
        output_rate=DEFAULT_RATE_HZ,
        mode=mode,
        high_band_gain_db=gain_db,
    )


def _groups(parts: list[_Part]) -> Iterator[list[_Part]]:
    """Divide recordings into groups that are computed together."""
    group: list[_Part] = []
    seconds = 0.0
    for part in parts:
        group.append(part)
        seconds += part.audio.size / part.sample_rate
        if seconds > _GROUP_SECONDS:
            yield group
            group, seconds = [], 0.0
    if group:
        yield group


def _computed(
    engine: BatchEngine, parts: list[_Part], pool: ThreadPoolExecutor
) -> Iterator[FloatArray]:
    """Compute parts together, and give their output in order."""
    inputs = list(pool.map(_model_input, parts))
    made = engine.run([channel for channels in inputs for channel in channels])
    by_part = []
    for channels in inputs:
        by_part.append(made[: len(channels)])
        made = made[len(channels) :]
    return pool.map(_output, parts, by_part)


def _model_input(part: _Part) -> list[FloatArray]:
    with part.streams.one() as stream:
        return stream.model_input(part.audio, ends=part.frames is None)


def _output(part: _Part, made: list[FloatArray]) -> FloatArray:
    with part.streams.one() as stream:
        output = stream.output(part.audio, made, ends=part.frames is None)
        start = stream.latency + part.warm_up
    return output[start:] if part.frames is None else output[start : start + part.frames]
