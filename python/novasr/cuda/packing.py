"""Recordings cut into segments of one length, which many recordings fill together, in batches of powers of two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from novasr.types import FloatArray

_FAR = 1 << 24  # frames; positions at the output rate fit 32 bits


@dataclass(frozen=True)
class Grid:
    """How recordings are cut.

    Attributes
    ----------
    frames : int
        Input frames of a segment.
    halo : int
        Input frames before and after it that its output depends on.
    ratio : int
        Output frames for each input frame.
    """

    frames: int
    halo: int
    ratio: int

    @property
    def width(self) -> int:
        """Input frames of a segment with its halo."""
        return self.halo + self.frames + self.halo

    def segments(self, frames: int) -> int:
        """Count the segments of a recording."""
        return -(-frames // self.frames)


@dataclass(frozen=True)
class Run:
    """Segments of one recording that follow each other, in rows of a batch that follow each other."""

    recording: int
    segment: int
    row: int
    count: int


@dataclass(frozen=True)
class Batch:
    """Segments that are computed together; rows beyond those of the runs are of no recording."""

    size: int
    runs: tuple[Run, ...]


def batches(counts: Sequence[int], largest: int) -> Iterator[Batch]:
    """Deal out segments to batches, in order.

    Parameters
    ----------
    counts : sequence of int
        Segments of each recording.
    largest : int
        Rows of a batch; a power of two. The last batch has the smallest one that is enough.
    """
    runs: list[Run] = []
    filled = 0
    for recording, count in enumerate(counts):
        done = 0
        while done < count:
            taken = min(count - done, largest - filled)
            runs.append(Run(recording, done, filled, taken))
            done += taken
            filled += taken
            if filled == largest:
                yield Batch(largest, tuple(runs))
                runs, filled = [], 0
    if runs:
        yield Batch(1 << (filled - 1).bit_length(), tuple(runs))


class Packer:
    """Recordings of one call, and their output.

    Parameters
    ----------
    grid : Grid
        How to cut them.
    recordings : sequence of ndarray of float32, shape (frames,)
        The input.
    """

    def __init__(self, grid: Grid, recordings: Sequence[FloatArray]) -> None:
        self._grid = grid
        self._frames = [len(recording) for recording in recordings]
        self._padded = [self._pad(recording) for recording in recordings]
        self.outputs = [np.empty(grid.ratio * n, np.float32) for n in self._frames]

    def batches(self, largest: int) -> Iterator[Batch]:
        """Deal out the segments, see :func:`batches`."""
        return batches([self._grid.segments(n) for n in self._frames], largest)

    def fill(
        self,
        batch: Batch,
        audio: FloatArray,
        start: NDArray[np.int32],
        total: NDArray[np.int32],
    ) -> None:
        """Write the input of a batch: audio of shape (size, halo + frames + halo), start and total of (size,)."""
        grid = self._grid
        end = 0
        for run in batch.runs:
            end = run.row + run.count
            first = run.segment * grid.frames
            windows = sliding_window_view(self._padded[run.recording][first:], grid.width)
            audio[run.row : end] = windows[:: grid.frames][: run.count]
            start[run.row : end], total[run.row : end] = self.places(run)
        audio[end:] = 0.0
        start[end:] = total[end:] = 0

    def places(self, run: Run) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tell where segments begin and where their recording ends.

        Of ends further away than any filter reaches it is enough to know that they are far.
        """
        first = (run.segment + np.arange(run.count)) * self._grid.frames
        start = np.minimum(first, _FAR)
        return start, start + np.minimum(self._frames[run.recording] - first, _FAR)

    def take(self, batch: Batch, made: FloatArray) -> None:
        """Read the output of a batch, of shape (size, ratio * frames)."""
        step = self._grid.ratio * self._grid.frames
        for run in batch.runs:
            output = self.outputs[run.recording][run.segment * step :][: run.count * step]
            output[:] = made[run.row : run.row + run.count].reshape(-1)[: len(output)]

    def _pad(self, recording: FloatArray) -> FloatArray:
        grid = self._grid
        padded = np.zeros(grid.segments(len(recording)) * grid.frames + 2 * grid.halo, np.float32)
        padded[grid.halo : grid.halo + len(recording)] = recording
        return padded
