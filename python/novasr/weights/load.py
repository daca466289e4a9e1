"""Finding, reading and checking weights: the default ones, upstream's by name, or a file."""

from __future__ import annotations

import math
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from novasr.errors import NovasrError, ParameterError, WeightsError
from novasr.filesystem.suffixes import known_suffix
from novasr.weights.hub import NAMED_WEIGHTS, download

if TYPE_CHECKING:
    from novasr.families.novasr import NovaSRNetwork
    from novasr.types import FloatArray

#: Every tensor of the architecture, in the order of the native engine's flat list.
TENSOR_SHAPES: dict[str, tuple[int, ...]] = {
    "conv_pre.weight": (32, 1, 7),
    "conv_pre.bias": (32,),
    "resblocks.0.convs1.0.weight": (32, 32, 11),
    "resblocks.0.convs1.0.bias": (32,),
    "resblocks.0.convs2.0.weight": (32, 32, 11),
    "resblocks.0.convs2.0.bias": (32,),
    "resblocks.0.activations.0.act.alpha": (32,),
    "resblocks.0.activations.0.act.beta": (32,),
    "resblocks.0.activations.0.upsample.filter": (1, 1, 12),
    "resblocks.0.activations.0.downsample.lowpass.filter": (1, 1, 12),
    "resblocks.0.activations.1.act.alpha": (32,),
    "resblocks.0.activations.1.act.beta": (32,),
    "resblocks.0.activations.1.upsample.filter": (1, 1, 12),
    "resblocks.0.activations.1.downsample.lowpass.filter": (1, 1, 12),
    "conv_post.weight": (1, 32, 7),
}
VALUE_COUNT = sum(math.prod(shape) for shape in TENSOR_SHAPES.values())
#: Of the files that hold weights; ``.bin`` is a PyTorch state dict.
SUFFIXES = (".safetensors", ".bin")
#: Upstream stores the network as the decoder of a larger model.
UPSTREAM_PREFIX = "dec."


def load_tensors(weights: str | Path | None = None) -> dict[str, FloatArray]:
    """Read and check weights.

    Parameters
    ----------
    weights : str or path, optional
        ``None`` for the weights in this package, ``"v1"`` or ``"v2"`` for upstream's (downloaded once,
        then cached), or a ``.safetensors`` or ``.bin`` file.

    Returns
    -------
    dict of str to ndarray of float32
        The tensors of :data:`TENSOR_SHAPES`, in that order.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, of another kind or of another architecture; the message names
        the first tensor that is off.
    """
    if weights is None:
        with as_file(files("novasr.weights") / "novasr.safetensors") as path:
            return _read(path, "the weights of this package")
    path = download(str(weights)) if str(weights) in NAMED_WEIGHTS else Path(weights)
    return _read(path, str(weights))


def load_model(weights: str | Path | None = None) -> NovaSRNetwork:
    """Build the PyTorch network with weights, in evaluation mode, float32, on the CPU.

    Parameters
    ----------
    weights : str or path, optional
        As for :func:`load_tensors`.

    Returns
    -------
    NovaSRNetwork
        A ``torch.nn.Module`` from (batch, 1, frames) at 16 kHz to (batch, 1, 3 * frames - 4) at 48 kHz.

    Raises
    ------
    WeightsError
        As :func:`load_tensors`.
    MissingPackageError
        If PyTorch is not installed.
    """
    from novasr.weights.torch_runtime import require_torch

    tensors = load_tensors(weights)
    torch = require_torch()
    from novasr.families.novasr import NovaSRNetwork

    network = NovaSRNetwork()
    network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    return network.eval().requires_grad_(False)


def flatten(tensors: dict[str, FloatArray]) -> FloatArray:
    """Lay checked tensors end to end, as the native engine takes them: shape (23248,)."""
    return np.concatenate([tensors[name].ravel() for name in TENSOR_SHAPES])


def _read(path: Path, label: str) -> dict[str, FloatArray]:
    if not path.is_file():
        known = ", ".join(repr(name) for name in NAMED_WEIGHTS)
        msg = f"weights {label!r}: no such file, and not one of {known}"
        raise WeightsError(msg)
    try:
        suffix = known_suffix(path, *SUFFIXES)
        found = _read_safetensors(path) if suffix == ".safetensors" else _read_torch(path)
    except ParameterError as error:
        raise WeightsError(f"weights {error}, or in .ts where TorchScript may run") from error
    except NovasrError:
        raise
    except Exception as error:  # both readers raise many kinds for a damaged file
        reason = str(error).partition("\n")[0]
        msg = f"weights {label!r}: not a readable .safetensors or .bin file ({reason})"
        raise WeightsError(msg) from error
    return _checked(found, label)


def _read_safetensors(path: Path) -> dict[str, FloatArray]:
    from safetensors.numpy import load_file

    return {name: value.astype(np.float32) for name, value in load_file(path).items()}


def _read_torch(path: Path) -> dict[str, FloatArray]:
    from novasr.weights.torch_runtime import require_torch

    torch = require_torch()
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        msg = f"weights {str(path)!r}: holds a {type(state).__name__}, not a state dict"
        raise WeightsError(msg)
    return {name: value.float().numpy() for name, value in state.items()}


def _checked(found: dict[str, FloatArray], label: str) -> dict[str, FloatArray]:
    found = {name.removeprefix(UPSTREAM_PREFIX): value for name, value in found.items()}
    for name, shape in TENSOR_SHAPES.items():
        if name not in found:
            msg = f"weights {label!r}: tensor {name!r} is missing"
        elif found[name].shape != shape:
            msg = f"weights {label!r}: tensor {name!r} has shape {found[name].shape}, expected {shape}"
        elif not np.isfinite(found[name]).all():
            msg = f"weights {label!r}: tensor {name!r} holds NaN or infinite values"
        else:
            continue
        raise WeightsError(msg)
    if unknown := sorted(found.keys() - TENSOR_SHAPES.keys()):
        msg = f"weights {label!r}: tensor {unknown[0]!r} does not belong to this architecture"
        raise WeightsError(msg)
    return {name: found[name] for name in TENSOR_SHAPES}
