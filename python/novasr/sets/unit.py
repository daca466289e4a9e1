"""The smallest part of a set that is done as a whole or anew: a recording, a shard, a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from novasr.sets.outcome import Outcome
from novasr.sets.workplace import Workplace


@dataclass(frozen=True)
class Made:
    """What a unit became.

    Attributes
    ----------
    files : dict of str to int
        Its files, by their path below the output folder, and their sizes in bytes.
    outcomes : list of Outcome
        Of its recordings, in their order.
    """

    files: dict[str, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)


class Unit(Protocol):
    """A part of a set. It travels to a worker, in another process or on another machine."""

    @property
    def id(self) -> str:
        """Name that no other unit of the set has."""

    @property
    def source(self) -> Path:
        """File that it is read from."""

    @property
    def weight(self) -> float:
        """Share of the work, in the set's own measure."""

    def run(self, workplace: Workplace) -> Made:
        """Enhance its recordings and publish its files; the same bytes each time."""

    def recording(self, number: int, folder: Path) -> Path:
        """Give a file with the source of one recording, extracted into `folder` if it lies in a shard."""

    def result(self, number: int, outcome: Outcome, output: Path, folder: Path) -> Path:
        """Give a file with the result of one recording, extracted into `folder` if it lies in a shard."""


class Lookup(Protocol):
    """Finds what units became."""

    def __call__(self, unit_id: str) -> Made:
        """Give what the unit became."""


class DataSet(Protocol):
    """A set in one of the formats."""

    @property
    def kind(self) -> str:
        """What it is, for people."""

    def units(self) -> Iterator[Unit]:
        """Yield the units of this call's share, in the set's order."""

    def write_lists(
        self, output: Path, lookup: Lookup, treatment_facts: dict[str, Any]
    ) -> list[Path]:
        """Write what lists the results, such as a manifest, when all units are done; return the files."""


def size_or_nothing(path: Path) -> float:
    """Give the size of a file in bytes, 1 at least; of one that is missing the work will tell."""
    try:
        return float(max(1, path.stat().st_size))
    except OSError:
        return 1.0
