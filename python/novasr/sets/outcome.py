"""What became of a recording of a set."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

#: Enhanced; passed through as it was: with a full band already, without a frame, or unreadable.
Status: TypeAlias = Literal["enhanced", "full band", "empty", "failed"]


@dataclass(frozen=True)
class Outcome:
    """A line of ``report.jsonl``.

    Attributes
    ----------
    id : str
        The recording: its path in a manifest, ``shard.tar/member`` or ``table.parquet/row``.
    status : {"enhanced", "full band", "empty", "failed"}
        All but the first are in the result as they were in the source.
    reason : str
        Why it was passed through; empty for what was enhanced.
    seconds : float
        Its length; 0 if it is not known.
    sample_rate, channels : int
        Of the source, the rate in Hz; 0 if they are not known.
    bandwidth_in : float
        Where its band ends in Hz; 0 for silence, or if it is not known.
    result : str
        The result: its path below the output folder, or its member or row in the shard.
    warnings : tuple of str
        What is wrong with it, or what the result lacks.
    """

    id: str
    status: Status
    reason: str = ""
    seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    bandwidth_in: float = 0.0
    result: str = ""
    warnings: tuple[str, ...] = ()

    def line(self) -> dict[str, Any]:
        """Give what JSON is made of."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, line: dict[str, Any]) -> Outcome:
        """Read what `line` gave."""
        return cls(**{**line, "warnings": tuple(line["warnings"])})
