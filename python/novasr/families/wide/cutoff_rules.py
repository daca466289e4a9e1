"""The rules of the running cut-off estimator, as in cpp/src/dsp/cutoff_estimator.cpp, which explains them."""

# Without `from __future__ import annotations`: TorchScript does not resolve the strings that it makes of them.

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from novasr.families.wide.architecture import LINE_HZ, RATE_HZ


class Rules(NamedTuple):
    """Constants; a bin is a line of the power spectrum, a window a number of blocks of active frames."""

    full_band_hz: float = RATE_HZ / 2
    bin_hz: float = LINE_HZ
    block_frames: int = 6
    blocks: int = 7
    first_bin: int = 3
    last_bin: int = 250
    first_edge: int = 16
    last_edge: int = 196
    silence: float = 2e-4
    active_range: float = 2.5e-4
    release: float = 0.99266
    attack: float = 2.0
    overflow: float = 1e30
    knee: float = 0.75
    edge_db: float = 16.0
    same: float = 0.15
    doubt_db: float = 5.0
    most_evidence_db: float = 14.0
    enough_evidence_db: float = 56.0
    decay_db: float = 2.0
    wider_windows: int = 9
    dead_zone: float = 0.05
    settled_dead_zone: float = 0.08
    settled_windows: int = 24
    mean_windows: int = 64
    alive_db: float = 12.0
    range_db: float = 75.0
    no_band_db: float = 50.0
    dead_share: float = 0.1
    certain_fall_db: float = 40.0
    first_top_bin: int = 160
    end_of_top: int = 192
    top_range_db: float = 60.0
    certain_top_range_db: float = 20.0
    top_share: float = 1 / 16
    least_power: float = 1e-12
    dead_level_db: float = -200.0
    near_leakage: int = 3
    far_leakage: int = 12
    leakage_margin_db: float = 4.0


RULES = Rules()
LEAKAGE_DB = (30.9, 36.0, 39.9, 43.1, 45.8, 48.1, 50.2, 52.0, 53.7, 55.2)


class Scale(NamedTuple):
    """A width at which cliffs are judged, and what that means for each edge from the first one on.

    Attributes
    ----------
    reach : int
        Bins on either side over which the sound above is smoothed.
    natural_db : float
        Full-band sounds seldom fall further.
    band : ndarray of int64, shape (edges, bins)
        The bins up to each edge whose lowest level counts; the first may be there more than once.
    above : ndarray of int64, shape (edges,)
        Where what lies above each edge begins.
    """

    reach: int
    natural_db: float
    band: NDArray[np.int64]
    above: NDArray[np.int64]


def _scale(gap_bins: int, gap_percent: int, band: int, reach: int, natural_db: float) -> Scale:
    first, last = RULES.first_edge, RULES.last_edge
    gaps = {k: gap_bins + (gap_percent * k + 50) // 100 for k in range(first, last)}
    above = {k: k + gap for k, gap in gaps.items() if k + gap <= last}
    counts = np.array([[min(max(band, gaps[k] + 1), k)] for k in above])
    bins = np.array([*above])[:, None] - np.minimum(np.arange(counts.max()), counts - 1)
    return Scale(reach, natural_db, bins, np.array([*above.values()]))


SCALES = (
    _scale(3, 5, 8, reach=2, natural_db=17.0),  # resamplers, codecs, elliptic filters
    _scale(2, 15, 10, reach=3, natural_db=21.0),  # Chebyshev filters, steep Butterworth filters
    _scale(0, 35, 8, reach=3, natural_db=28.0),  # Butterworth filters of order 6 and 8
)

_near_and_far = np.arange(RULES.near_leakage, RULES.far_leakage + 1)
#: For each bin from `far_leakage` to below `last_edge`: the bins whose tones leak there, (bins, 20).
LEAKING_BINS = np.arange(RULES.far_leakage, RULES.last_edge)[:, None] + np.concatenate(
    [-_near_and_far, _near_and_far]
)
#: By how much, (20,).
LEAKAGE_DOWN_DB = np.array([*LEAKAGE_DB, *LEAKAGE_DB], np.float32)
