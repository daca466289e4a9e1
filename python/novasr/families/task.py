"""What a network is to do: the rates that it works at, and the band that it keeps."""

from __future__ import annotations

from dataclasses import dataclass


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

    @property
    def ratio(self) -> int:
        """Output frames for each input frame."""
        return self.high_hz // self.low_hz
