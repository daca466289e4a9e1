"""Praat's autocorrelation method, as praat-parselmouth computes it.

It is under the GPL-3, hence an extra of its own, and imported only where ``"praat"`` is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novasr.f0.search import RATE_HZ

if TYPE_CHECKING:
    from novasr.f0.search import Search
    from novasr.types import DoubleArray


def praat(audio: DoubleArray, search: Search) -> DoubleArray:
    """Track with Praat's autocorrelation (Boersma, IFA Proceedings 17, 1993)."""
    import parselmouth

    half = int(np.ceil(1.5 * RATE_HZ / search.floor_hz))  # of Praat's window of three periods
    last = int(np.ceil((search.count - 1) * search.hop))
    # Praat centres its frames in the sound: let it end as far behind the last as it begins before the first.
    padded = np.pad(audio[: last + half], (half, max(0, last + half - len(audio)) + 1))
    pitch = parselmouth.Sound(padded, RATE_HZ).to_pitch_ac(
        time_step=search.period_ms / 1000,
        pitch_floor=search.floor_hz,
        pitch_ceiling=search.ceiling_hz,
    )
    return np.asarray(pitch.selected_array["frequency"])
