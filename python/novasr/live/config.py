"""What a live stream is to do, as it goes to the audio process."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class RecordingTarget:
    """Where to record.

    Attributes
    ----------
    path : str
        Absolute path of the file to write.
    kind : str
        Its container as libsndfile names it.
    """

    path: str
    kind: str


@dataclass(frozen=True)
class LiveConfig:
    """The configuration of a live stream; parameters as for :class:`novasr.live.LiveStream`.

    Attributes
    ----------
    parameters : dict of str to str, float or bool
        Mode, mix and the rest of what :meth:`novasr.Stream.set` takes.
    patient : bool
        Wait for devices that are missing: the stream has run before.
    """

    input: str | int | None = None
    output: str | int | None = None
    block: int | None = None
    rate: int | None = None
    engine: str = "auto"
    weights: str | None = None
    low_latency: bool = False
    record: RecordingTarget | None = None
    allow_feedback: bool = False
    parameters: dict[str, object] = field(default_factory=dict)
    patient: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> LiveConfig:
        """Read what :meth:`to_json` gave."""
        record = values["record"]
        return cls(**{**values, "record": record and RecordingTarget(**record)})
