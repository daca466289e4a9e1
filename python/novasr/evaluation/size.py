"""How small a network is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save

from novasr.families import family, in_torch, value_count
from novasr.weights.load import load_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    UsesPerSecond = Callable[[str], float]


@dataclass(frozen=True)
class Size:
    """What a network weighs.

    Attributes
    ----------
    parameters : int
        Values of its tensors.
    weights_bytes : int
        Of a weights file, as ``novasr train`` writes it in float16.
    mmacs_per_second : float or None
        See :func:`count_mmacs`; None without PyTorch, too.
    """

    parameters: int
    weights_bytes: int
    mmacs_per_second: float | None


def size_of(weights: str | Path | None) -> Size:
    """Weigh a network.

    Parameters
    ----------
    weights : str or Path, optional
        As for :func:`novasr.load_model`.

    Raises
    ------
    WeightsError
        If they cannot be read.
    """
    loaded = load_weights(weights)
    prefix = family(loaded.family)["prefix"]
    halves = {prefix + name: values.astype(np.float16) for name, values in loaded.tensors.items()}
    return Size(
        parameters=value_count(loaded.family),
        weights_bytes=len(save(halves, metadata={"family": loaded.family})),
        mmacs_per_second=count_mmacs(loaded.family) if find_spec("torch") else None,
    )


def count_mmacs(name: str) -> float | None:
    """Count the multiplications by a family's weights: convolutions and matrix products.

    Activations, norms and Fourier transforms are not counted. An engine may need fewer: the native one of the family
    ``novasr`` folds convolutions and skips what is 0.

    Parameters
    ----------
    name : str
        The family.

    Returns
    -------
    float or None
        In millions for a second of audio; None if its PyTorch form does not say how often it uses its tensors.

    Examples
    --------
    >>> round(count_mmacs("wide"), 1)
    99.3
    """
    uses_per_second: UsesPerSecond | None = getattr(in_torch(name), "uses_per_second", None)
    if uses_per_second is None:
        return None
    tensors = family(name)["tensors"].items()
    return sum(math.prod(shape) * uses_per_second(tensor) for tensor, shape in tensors) / 1e6
