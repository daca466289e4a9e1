"""Another sample rate for finished audio, by the SoX resampler."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from novasr.types import FloatArray


def resampled(
    blocks: Iterator[FloatArray], sample_rate: int, output_rate: int, channels: int
) -> Iterator[FloatArray]:
    """Yield `blocks` at another rate, aligned, ``round(frames * output_rate / sample_rate)`` in all.

    Parameters
    ----------
    blocks : iterator of ndarray of float32, shape (frames, channels)
        At `sample_rate`.
    sample_rate, output_rate : int
        In Hz.
    channels : int
        Of each block.

    Yields
    ------
    ndarray of float32, shape (frames, channels)
        At `output_rate`; equal rates pass the blocks on as they are.
    """
    if sample_rate == output_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(sample_rate, output_rate, channels, dtype="float32", quality="VHQ")
    taken = given = 0
    for block in blocks:
        taken += len(block)
        made = stream.resample_chunk(block)
        given += len(made)
        yield made
    wanted = round(taken * output_rate / sample_rate)
    rest = stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)
    if len(rest) < wanted - given:
        rest = np.pad(rest, ((0, wanted - given - len(rest)), (0, 0)))
    yield rest[: max(0, wanted - given)]
