"""The folded network: fewer and simpler layers with the same output, as the native engine computes them.

The convolution behind the second activation, the residual branch and the last convolution are linear, hence one
filter of 17 taps; the factors of the activations go into the layers around them (cpp/src/families/novasr/fold.cpp).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from novasr.errors import WeightsError
from novasr.families.novasr.cuda import RATIO

if TYPE_CHECKING:
    from novasr.types import DoubleArray, FloatArray

CHANNELS = 32
PRE_TAPS, CONV_TAPS, POST_TAPS, FILTER_TAPS = 7, 11, 7, 12
OUTPUT_TAPS = CONV_TAPS + POST_TAPS - 1
RESIDUAL_TAPS = 11

# Minimax coefficients of sin(2 pi q) for |q| <= 1/4, by powers 1, 3, 5, 7, 9; the error is 1.2e-8.
SINE = (
    6.2831853018906845,
    -41.3416918643384,
    81.60326572878891,
    -76.59820792039793,
    39.87323177856197,
)


@dataclass(frozen=True)
class FoldedNetwork:
    """All constants of the folded network.

    An activation maps v to ``kappa v + 1 - cos(2 pi v)``; the rest of SnakeBeta lies in its neighbours.

    Attributes
    ----------
    pre_weight : ndarray, shape (7, 32)
        Of the first convolution; the factor of the first activation is in it.
    pre_bias : ndarray, shape (32,)
    up : ndarray, shape (2, 2, 6)
        Activation, phase, tap of the up-samplers.
    kappa : ndarray, shape (2, 32)
        Slope of the linear part of the activations.
    low_pass : ndarray, shape (2, 12)
        Taps of the activations' low-pass filters.
    conv_weight : ndarray, shape (11, 32, 32)
        Tap, input, output of the convolution between the activations.
    conv_bias : ndarray, shape (32,)
    output_weight : ndarray, shape (32, 32)
        Input, tap: the 17 taps of the last filter, and zeros.
    residual_weight : ndarray, shape (3, 11)
        The residual branch, for each phase of the output a filter of the 16 kHz input.
    residual_bias : ndarray, shape (3,)
    edge_branch : ndarray, shape (7, 11, 32)
        The last convolution's taps one by one, for outputs at the ends: the branch of the activations.
    edge_residual : ndarray, shape (7, 7)
        The same for the residual branch.
    edge_bias : ndarray, shape (7,)
    silence : float
        The output for sustained silence before the tanh.
    """

    pre_weight: FloatArray
    pre_bias: FloatArray
    up: FloatArray
    kappa: FloatArray
    low_pass: FloatArray
    conv_weight: FloatArray
    conv_bias: FloatArray
    output_weight: FloatArray
    residual_weight: FloatArray
    residual_bias: FloatArray
    edge_branch: FloatArray
    edge_residual: FloatArray
    edge_bias: FloatArray
    silence: float

    def arrays(self) -> dict[str, FloatArray]:
        """Give all but the scalar by name, in order."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "silence"
        }


def fold(tensors: Mapping[str, FloatArray]) -> FoldedNetwork:
    """Fold a network in double precision.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        The weights by name, see :func:`novasr.weights.load.load_tensors`.

    Raises
    ------
    WeightsError
        If the folded values exceed the range of float32.
    """
    wide = {name: value.astype(np.float64) for name, value in tensors.items()}
    scales = [_Scales(wide, index) for index in range(2)]
    pre_weight, pre_bias = wide["conv_pre.weight"][:, 0], wide["conv_pre.bias"]
    conv_1 = wide["resblocks.0.convs1.0.weight"].transpose(2, 1, 0)  # (tap, in, out)
    conv_2, bias_2 = wide["resblocks.0.convs2.0.weight"], wide["resblocks.0.convs2.0.bias"]
    post = wide["conv_post.weight"][0]  # (channel, tap)

    branch = np.einsum("cj,cik->jki", post, conv_2) * scales[1].gain  # (post tap, conv tap, in)
    residual = post.T @ pre_weight  # (post tap, pre tap)
    bias = post.T @ (bias_2 + pre_bias)
    merged = np.zeros((CHANNELS, CHANNELS))
    for j in range(POST_TAPS):
        merged[:, j : j + CONV_TAPS] += branch[j].T
    found = {
        "pre_weight": (pre_weight * scales[0].inner[:, None]).T,
        "pre_bias": pre_bias * scales[0].inner,
        "up": np.stack([s.up for s in scales]),
        "kappa": np.stack([s.kappa for s in scales]),
        "low_pass": np.stack([s.low_pass for s in scales]),
        "conv_weight": conv_1 * scales[0].gain[None, :, None] * scales[1].inner,
        "conv_bias": wide["resblocks.0.convs1.0.bias"] * scales[1].inner,
        "output_weight": merged,
        "residual_weight": _residual_filters(residual),
        "residual_bias": np.full(RATIO, bias.sum()),
        "edge_branch": branch,
        "edge_residual": residual,
        "edge_bias": bias,
    }
    with np.errstate(over="ignore"):
        narrow = {name: np.ascontiguousarray(v, np.float32) for name, v in found.items()}
    for name, value in narrow.items():
        if not np.isfinite(value).all():
            msg = (
                f"folding the weights overflows float32 in {name}: alpha or beta of an activation is too "
                "large or too small"
            )
            raise WeightsError(msg)
    return FoldedNetwork(**narrow, silence=_silence(wide, scales))


class _Scales:
    """One activation in double: ``u + gain (1 - cos(2 pi inner u))``."""

    def __init__(self, tensors: Mapping[str, DoubleArray], index: int) -> None:
        prefix = f"resblocks.0.activations.{index}"
        self.inner = np.exp(tensors[f"{prefix}.act.alpha"]) / math.pi
        self.gain = 1.0 / (2.0 * np.exp(tensors[f"{prefix}.act.beta"]) + 1e-9)
        self.kappa = 1.0 / (self.inner * self.gain)
        self.up = 2.0 * tensors[f"{prefix}.upsample.filter"].reshape(-1, 2).T
        self.low_pass = tensors[f"{prefix}.downsample.lowpass.filter"].reshape(-1)

    def of_constant(self, u: DoubleArray) -> DoubleArray:
        """Pass a constant through."""
        u = u * self.up[0].sum()
        made = u + self.gain * (1.0 - np.cos(2.0 * math.pi * self.inner * u))
        passed: DoubleArray = made * self.low_pass.sum()
        return passed


def _residual_filters(residual: DoubleArray) -> DoubleArray:
    """Merge interpolation and the residual branch's two convolutions: (3 phases, 11 taps at 16 kHz)."""
    filters = np.zeros((RATIO, RESIDUAL_TAPS))
    for phase in range(RATIO):
        for j in range(POST_TAPS):
            frame, side = divmod(phase + j - POST_TAPS // 2, RATIO)
            before, after = ((1 / 3, 0.0), (0.0, 0.0), (0.0, 1 / 3))[side]
            for offset, weight in ((-1, before), (0, 1.0 - before - after), (1, after)):
                first = frame + offset + RESIDUAL_TAPS // 2 - PRE_TAPS // 2
                if weight:
                    filters[phase, first : first + PRE_TAPS] += weight * residual[j]
    return filters


def _silence(tensors: Mapping[str, DoubleArray], scales: list[_Scales]) -> float:
    """Pass the constant of silence through the layers; below half a float32 step at full scale it counts as 0."""
    pre = tensors["conv_pre.bias"]
    x = pre
    for scale, name in zip(scales, ("convs1", "convs2"), strict=True):
        x = tensors[f"resblocks.0.{name}.0.weight"].sum(axis=2) @ scale.of_constant(x)
        x = x + tensors[f"resblocks.0.{name}.0.bias"]
    constant = float(tensors["conv_post.weight"][0].sum(axis=1) @ (x + pre))
    return 0.0 if abs(constant) < 2.0**-24 else constant
