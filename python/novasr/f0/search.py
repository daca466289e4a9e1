"""What every method is asked for: a range, and values at fixed times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from novasr.types import DoubleArray

#: Speech and song have their fundamental, and its first harmonics, below half of it.
RATE_HZ = 16_000


@dataclass(frozen=True)
class Search:
    """Where and when to look for F0 in audio at 16 kHz.

    Attributes
    ----------
    floor_hz, ceiling_hz : float
        Range of F0.
    period_ms : float
        From one value to the next; the first is at the first sample.
    count : int
        Number of values.
    """

    floor_hz: float
    ceiling_hz: float
    period_ms: float
    count: int

    @property
    def hop(self) -> float:
        """Samples from one value to the next."""
        return self.period_ms * RATE_HZ / 1000

    def frames(self, audio: DoubleArray, width: int) -> DoubleArray:
        """Cut out what surrounds each value's time, zeros beyond the ends: shape (count, width)."""
        centres = np.round(np.arange(self.count) * self.hop).astype(np.int64)
        after = max(0, int(centres[-1]) + width - len(audio))
        padded = np.pad(audio, (width // 2, after))
        return np.lib.stride_tricks.sliding_window_view(padded, width)[centres]
