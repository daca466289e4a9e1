"""Averages over the frames around each one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from novasr.families.studio.architecture import LEVEL_FRAMES

if TYPE_CHECKING:
    from torch import Tensor

NEIGHBOURS = (0.25, 0.5, 0.25)


def smoothed(values: Tensor) -> Tensor:
    """Average (batch, rows, frames) over the nearest frames: what a bank holds, which leaves faster changes alone."""
    kernel = torch.tensor(NEIGHBOURS).to(values).expand(values.shape[1], 1, -1)
    padded = F.pad(values, (1, 1), mode="replicate")
    return F.conv1d(padded, kernel, groups=values.shape[1])


def deviation(values: Tensor) -> Tensor:
    """Give how (batch, rows, frames) differ from their averages."""
    return values - local_mean(values)


def local_mean(values: Tensor) -> Tensor:
    """Average (batch, rows, frames) over a second, less at the ends."""
    return F.avg_pool1d(values, LEVEL_FRAMES, 1, LEVEL_FRAMES // 2, count_include_pad=False)
