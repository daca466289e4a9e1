"""Counts over a set, and the recordings that stand for it."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from novasr.sets.outcome import Outcome
from novasr.sets.unit import Made

BAND_HZ = 1_000  #: width of a class of the histogram


@dataclass
class Summary:
    """What became of a set, without the recordings themselves.

    Attributes
    ----------
    counts : Counter of str
        Recordings by status.
    seconds, enhanced_seconds : float
        Length of all, and of those enhanced.
    bands : Counter of int
        Recordings by the kilohertz in which their band ends, of those with a band.
    """

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    enhanced_seconds: float = 0.0
    bands: Counter[int] = field(default_factory=Counter)

    def add(self, made: Made) -> None:
        """Count what a unit became."""
        for outcome in made.outcomes:
            self.counts[outcome.status] += 1
            self.seconds += outcome.seconds
            if outcome.status == "enhanced":
                self.enhanced_seconds += outcome.seconds
            if outcome.bandwidth_in > 0:
                self.bands[int(outcome.bandwidth_in // BAND_HZ)] += 1

    @property
    def recordings(self) -> int:
        """How many there were."""
        return self.counts.total()

    @property
    def failed(self) -> int:
        """How many could not be read."""
        return self.counts["failed"]

    def facts(self) -> dict[str, object]:
        """Give what JSON is made of."""
        return {
            "recordings": self.recordings,
            "hours": round(self.seconds / 3600, 4),
            "enhanced_hours": round(self.enhanced_seconds / 3600, 4),
            **{name.replace(" ", "_"): self.counts[name] for name in _STATUSES},
        }


_STATUSES = ("enhanced", "full band", "empty", "failed")


class Sample:
    """A few recordings of a set, the same ones whatever the order in which they come.

    Parameters
    ----------
    size : int
        How many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[tuple[int, str, int, Outcome]] = []

    def add(self, unit_id: str, number: int, outcome: Outcome) -> None:
        """Take in a recording: the `number`-th of its unit."""
        digest = hashlib.blake2b(
            outcome.id.encode("utf-8", "surrogateescape"), digest_size=8
        ).digest()
        entry = (-int.from_bytes(digest, "big"), unit_id, number, outcome)
        if len(self._kept) < self._size:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    def __iter__(self) -> Iterator[tuple[str, int, Outcome]]:
        """Yield unit, number and outcome, in an order that tells nothing."""
        return (
            (unit, number, outcome) for _, unit, number, outcome in sorted(self._kept, reverse=True)
        )
