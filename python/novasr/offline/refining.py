"""A whole recording through the model wide and then, tile by tile, through the model studio."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from novasr.checks import check_audio
from novasr.families.studio.architecture import FRAME

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from novasr.families.studio.refiner import Refiner
    from novasr.stream import Stream
    from novasr.types import FloatArray

_BLOCKS_PER_SECOND = 10  # of input, between two looks at the cut-off
TILE_FRAMES = 512  # 5.5 s that are computed at once
MARGIN_FRAMES = 256  # on both sides of a tile: more than one step of the flow looks at


@dataclass(frozen=True)
class Tile:
    """A tile with its margins; the recording has nothing beyond them where they are short.

    Attributes
    ----------
    audio : ndarray of float32, shape (samples, channels)
        The first guess, at 48 kHz.
    cutoffs_hz : ndarray of float32, shape (frames,)
        Where the input's band ends.
    first_frame : int
        Of the margin, from the start of the recording on.
    before, length : int
        Samples of the margin in front, and of the tile.
    """

    audio: FloatArray
    cutoffs_hz: FloatArray
    first_frame: int
    before: int
    length: int


class RefinedStream:
    """What extends a recording by both models, as :meth:`novasr.Stream.aligned` does by one.

    Tiles lie on a fixed grid of the recording's time, and each is computed by one thread from the same samples: the
    result has the same bits however the recording arrives and for any number of jobs.

    Parameters
    ----------
    stream : Stream
        Of the model wide, with an output rate of 48 kHz.
    refiner : Refiner
        The model studio with its settings.
    jobs : int
        Tiles computed at the same time.
    """

    def __init__(self, stream: Stream, refiner: Refiner, jobs: int) -> None:
        self._stream, self._refiner, self._jobs = stream, refiner, jobs

    @property
    def sample_rate(self) -> int:
        """Rate of the input in Hz."""
        return self._stream.sample_rate

    @property
    def output_rate(self) -> int:
        """Rate of the output in Hz."""
        return self._stream.output_rate

    def aligned(self, blocks: Iterable[ArrayLike]) -> Iterator[FloatArray]:
        """Enhance a whole recording.

        Parameters
        ----------
        blocks : iterable of array_like, each of shape (frames, channels)
            The recording.

        Yields
        ------
        ndarray of float32, shape (output_frames, channels)
            Aligned: ``round(total_frames * output_rate / sample_rate)`` frames in all.
        """
        with self._refiner.one_thread_each(), ThreadPoolExecutor(self._jobs) as pool:
            pending: deque[Future[FloatArray]] = deque()
            try:
                for tile in self._tiles(blocks):
                    pending.append(pool.submit(self._refiner.refined, tile))
                    if len(pending) >= self._jobs:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _tiles(self, blocks: Iterable[ArrayLike]) -> Iterator[Tile]:
        tile, margin = TILE_FRAMES * FRAME, MARGIN_FRAMES * FRAME
        audio = np.empty((0, self._stream.channels), np.float32)
        cutoffs = _Cutoffs(self._stream)
        start, before = 0, 0  # of what is held, in samples; of the margin in front
        for made in self._stream.aligned(cutoffs.watch(blocks)):
            audio = np.concatenate([audio, made])
            while len(audio) >= before + tile + margin:
                stretch = audio[: before + tile + margin]
                yield self._tile(stretch, cutoffs, start, before, tile)
                kept = before + tile - margin
                audio, start, before = audio[kept:], start + kept, margin
        if len(audio) > before:
            yield self._tile(audio, cutoffs, start, before, len(audio) - before)

    def _tile(
        self, audio: FloatArray, cutoffs: _Cutoffs, start: int, before: int, length: int
    ) -> Tile:
        frames = -(-len(audio) // FRAME)
        first = start // FRAME
        return Tile(audio, cutoffs.at(first, frames), first, before, length)


class _Cutoffs:
    """The course of the cut-off that a stream finds, looked at after each tenth of a second of input."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._found: list[float] = []
        self._ends: list[int] = []  # of the blocks, in input frames

    def watch(self, blocks: Iterable[ArrayLike]) -> Iterator[FloatArray]:
        """Pass the recording on in blocks of one length, whatever length they arrive with."""
        length = self._stream.sample_rate // _BLOCKS_PER_SECOND
        held = np.empty((0, self._stream.channels), np.float32)
        for block in blocks:
            held = np.concatenate([held, check_audio(block, self._stream.channels)])
            while len(held) >= length:
                yield held[:length]
                self._look(length)
                held = held[length:]
        yield held
        self._look(len(held))

    def at(self, first_frame: int, frames: int) -> FloatArray:
        """Give the cut-off at frames of the output, in Hz."""
        per_frame = FRAME * self._stream.sample_rate / self._stream.output_rate
        times = np.arange(first_frame, first_frame + frames) * per_frame
        places = np.searchsorted(self._ends, times, side="right")
        return np.take(np.asarray(self._found, np.float32), places, mode="clip")

    def _look(self, frames: int) -> None:
        self._ends.append(frames + (self._ends[-1] if self._ends else 0))
        self._found.append(self._stream.stats.cutoff_hz)
