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
        Where the input's band ends and the model's begins, or the highest such place.
    least_band_hz : float, optional
        Where the input's band may end at the lowest; by default it ends at `band_hz`.
    """

    low_hz: int
    high_hz: int
    band_hz: float
    least_band_hz: float | None = None

    @classmethod
    def of(cls, engine: EngineFormat) -> Task:
        """Read it from an engine's format: no PyTorch is needed for that."""
        return cls(engine.input_rate, engine.output_rate, engine.band_hz)

    @property
    def ratio(self) -> int:
        """Output frames for each input frame."""
        return self.high_hz // self.low_hz

    @property
    def lowest_band_hz(self) -> float:
        """Where the input's band may end at the lowest."""
        return self.band_hz if self.least_band_hz is None else self.least_band_hz

    @property
    def any_band(self) -> bool:
        """Whether the input's band may end at more than one place."""
        return self.lowest_band_hz < self.band_hz

    def __str__(self) -> str:
        if not self.any_band:
            return f"{self.low_hz / 1000:g} to {self.high_hz / 1000:g} kHz"
        bands = f"{self.lowest_band_hz / 1000:g} .. {self.band_hz / 1000:g} kHz"
        return f"any band of {bands} to {self.high_hz / 1000:g} kHz"
