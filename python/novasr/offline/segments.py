"""A long recording cut into segments for several cores, bit for bit what one stream makes of it."""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from novasr.stream import Stream
    from novasr.types import FloatArray

_SEGMENT_SAMPLES = 1 << 21  # of output, all channels: 44 s of mono, 8 MB
_WARM_UP_SECONDS = 0.25  # many times what any filter remembers; the model's own memory comes on top


@dataclass(frozen=True)
class Segment:
    """A part of a recording that a fresh stream enhances as it would within the whole.

    Attributes
    ----------
    audio : ndarray of float32, shape (frames, channels)
        Warm-up, the segment itself, and what the latency needs after it.
    warm_up : int
        Output frames.
    frames : int or None
        Output frames; None: to the end of the recording.
    """

    audio: FloatArray
    warm_up: int
    frames: int | None


def enhanced_in_parallel(
    blocks: Iterable[FloatArray], make_stream: Callable[[], Stream], workers: int
) -> Iterator[FloatArray]:
    """Yield the enhanced audio of `blocks` in order, computed by several streams at a time.

    Each segment begins where the resampler's phase and the engine's hops restart, behind a warm-up
    longer than the memory of the chain: every output has the same operands in the same order as in one
    stream, and therefore the same bits.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (frames, channels)
        The recording.
    make_stream : callable
        Gives a fresh native stream; called at most `workers` times.
    workers : int
        Threads; the engine releases the GIL.

    Yields
    ------
    ndarray of float32, shape (frames, channels)
        Aligned: the latency is removed.
    """
    first = make_stream()
    idle = [first]
    pool = ThreadPoolExecutor(workers)
    pending: deque[Future[FloatArray]] = deque()
    try:
        for segment in cut_segments(blocks, first):
            pending.append(pool.submit(_enhance, segment, idle, make_stream))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _enhance(segment: Segment, idle: list[Stream], make_stream: Callable[[], Stream]) -> FloatArray:
    try:
        stream = idle.pop()
    except IndexError:
        stream = make_stream()
    stream.reset()
    output = stream.process(segment.audio)
    if segment.frames is None:
        output = np.concatenate([output, stream.flush()])
    start = stream.latency + segment.warm_up
    idle.append(stream)
    return output[start:] if segment.frames is None else output[start : start + segment.frames]


def cut_segments(blocks: Iterable[FloatArray], stream: Stream) -> Iterator[Segment]:
    """Cut a recording for streams like this one."""
    rate, made_rate, engine = stream.sample_rate, stream.output_rate, stream.format
    # Where phase and hops restart; twice that, as rounding the length to even asks for even offsets.
    unit = 2 * engine.hop_frames * rate // math.gcd(rate, engine.input_rate)
    memory = _WARM_UP_SECONDS + engine.memory_frames / engine.input_rate
    warm_up = math.ceil(memory * rate / unit) * unit
    wanted = _SEGMENT_SAMPLES / stream.channels / made_rate * rate
    frames = max(1, round(wanted / unit)) * unit
    after = math.ceil(stream.latency * rate / made_rate) + 1

    before = 0
    kept = np.empty((0, stream.channels), np.float32)
    held: list[FloatArray] = []
    held_frames = 0
    for block in blocks:
        held.append(block)
        held_frames += len(block)
        while held_frames >= before + frames + after:
            kept = np.concatenate(held)
            yield Segment(
                kept[: before + frames + after],
                before * made_rate // rate,
                frames * made_rate // rate,
            )
            kept = kept[before + frames - warm_up :]
            before, held, held_frames = warm_up, [kept], len(kept)
    kept = np.concatenate(held) if held else kept
    yield Segment(kept, before * made_rate // rate, None)
