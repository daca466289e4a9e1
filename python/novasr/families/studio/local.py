"""Averages over the second around a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

from novasr.families.studio.architecture import LEVEL_FRAMES

if TYPE_CHECKING:
    from torch import Tensor


def deviation(values: Tensor) -> Tensor:
    """Give how (batch, rows, frames) differ from their averages."""
    return values - local_mean(values)


def local_mean(values: Tensor) -> Tensor:
    """Average (batch, rows, frames) over the frames around each one, fewer at the ends."""
    return F.avg_pool1d(values, LEVEL_FRAMES, 1, LEVEL_FRAMES // 2, count_include_pad=False)
