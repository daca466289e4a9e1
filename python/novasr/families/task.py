"""What a network is to do: the rates it works at, and the band it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from novasr.engines import EngineFormat


@dataclass(frozen=True)
class Task:
    """The rates and the band of a model family, for training and evaluation.

    Attributes
    ----------
    low_hz : int
        Rate of the input.
    high_hz : int
        Rate of the output, a whole multiple of `low_hz`.
    band_hz : float
        Where the input's band ends and the model's begins.
    """

    low_hz: int
    high_hz: int
    band_hz: float

    @classmethod
    def of(cls, engine: EngineFormat) -> Task:
        """Read it from an engine's format: no PyTorch is needed for that."""
        return cls(engine.input_rate, engine.output_rate, engine.band_hz)

    @property
    def ratio(self) -> int:
        """Output frames for each input frame."""
        return self.high_hz // self.low_hz

    def __str__(self) -> str:
        return f"{self.low_hz / 1000:g} to {self.high_hz / 1000:g} kHz"
