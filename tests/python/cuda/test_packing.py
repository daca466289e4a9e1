"""Recordings cut into segments, in batches of powers of two: nothing is lost, doubled or mixed up."""

from __future__ import annotations

import numpy as np
import pytest

from novasr.cuda.packing import Grid, Packer, Run, batches

GRID = Grid(frames=10, halo=3, ratio=2)


@pytest.mark.parametrize("largest", [1, 2, 8, 64])
@pytest.mark.parametrize("counts", [[], [0], [1], [5, 0, 3, 8, 1], [100], [1] * 9])
def test_every_segment_is_in_one_row_of_one_batch(counts, largest):
    seen = []
    for batch in batches(counts, largest):
        assert batch.size <= largest
        assert batch.size & (batch.size - 1) == 0
        rows = [run.row + i for run in batch.runs for i in range(run.count)]
        assert rows == list(range(len(rows)))
        assert len(rows) <= batch.size < 2 * max(1, len(rows))
        seen += [(run.recording, run.segment + i) for run in batch.runs for i in range(run.count)]
    assert seen == [(r, s) for r, count in enumerate(counts) for s in range(count)]


@pytest.mark.parametrize("largest", [1, 4, 32])
def test_segments_overlap_by_the_halo_and_know_where_they_lie(rng, largest):
    recordings = [rng.standard_normal(n).astype(np.float32) for n in (0, 1, 9, 10, 11, 64)]
    packer = Packer(GRID, recordings)
    for batch in packer.batches(largest):
        audio = np.full((batch.size, GRID.width), np.nan, np.float32)
        start, total = np.full((2, batch.size), -1, np.int32)
        packer.fill(batch, audio, start, total)
        for run in batch.runs:
            padded = np.pad(recordings[run.recording], (GRID.halo, 100))
            for i in range(run.count):
                first = (run.segment + i) * GRID.frames
                row = run.row + i
                np.testing.assert_array_equal(audio[row], padded[first : first + GRID.width])
                assert (start[row], total[row]) == (first, len(recordings[run.recording]))
        used = sum(run.count for run in batch.runs)
        assert not audio[used:].any()
        assert not total[used:].any()
        inner = audio[:, GRID.halo : GRID.halo + GRID.frames]
        packer.take(batch, np.repeat(inner, GRID.ratio, axis=1))
    for recording, output in zip(recordings, packer.outputs, strict=True):
        np.testing.assert_array_equal(output, np.repeat(recording, GRID.ratio))


def test_places_of_a_recording_of_40_hours_fit_32_bits():
    grid = Grid(frames=4416, halo=16, ratio=3)
    frames = 40 * 3600 * 16_000
    packer = Packer(grid, [np.broadcast_to(np.float32(0), 1)])
    packer._frames = [frames]  # 9 GB of memory less
    last = grid.segments(frames) - 1
    places = {
        s: [int(x[0]) for x in packer.places(Run(0, s, 0, 1))] for s in (0, 1, last - 1, last)
    }
    assert places[0][0] == 0
    assert places[1][0] == 4416
    assert places[last][0] > 1_000_000
    left = {segment: total - start for segment, (start, total) in places.items()}
    assert left[0] > 1_000_000
    assert left[last] == frames - last * 4416
    assert left[last - 1] == left[last] + 4416
    assert all(3 * total < 2**31 for _, total in places.values())
