"""Finding, reading and checking weights: the default ones, upstream's by name, or a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from novasr.errors import NovasrError, ParameterError, WeightsError
from novasr.families import default_family, families, family, in_torch
from novasr.filesystem.suffixes import known_suffix
from novasr.weights.hub import NAMED_WEIGHTS, download, sha256

if TYPE_CHECKING:
    from torch.nn import Module

    from novasr import _native
    from novasr.types import FloatArray


class PackagedWeights(NamedTuple):
    """Weights in this package, and the model family they belong to."""

    filename: str
    family: str


PACKAGED_WEIGHTS = {
    "base": PackagedWeights("novasr.safetensors", "novasr"),
    "wide": PackagedWeights("wide.safetensors", "wide"),
}

#: Of the files that hold weights; ``.bin`` is a PyTorch state dict.
SUFFIXES = (".safetensors", ".bin")


@dataclass(frozen=True)
class Weights:
    """Checked tensors of one family.

    Attributes
    ----------
    family : str
        Name of the architecture.
    tensors : dict of str to ndarray of float32
        By name, in the family's order.
    sha256 : str
        Of the file they were read from.
    metadata : dict of str to str
        What the file says of itself.
    """

    family: str
    tensors: dict[str, FloatArray]
    sha256: str
    metadata: dict[str, str] = field(default_factory=dict)

    def values(self) -> FloatArray:
        """Lay the tensors end to end, as the native engine takes them."""
        return np.concatenate([tensor.ravel() for tensor in self.tensors.values()])


def load_weights(weights: str | Path | None = None) -> Weights:
    """Read and check weights.

    Parameters
    ----------
    weights : str or path, optional
        ``"base"`` (the default) or ``"wide"`` for the weights in this package, ``"v1"`` or ``"v2"`` for
        upstream's (downloaded once, then cached), or a ``.safetensors`` or ``.bin`` file.

    Returns
    -------
    Weights
        The tensors, and the family they belong to: a ``.safetensors`` file may name it in its metadata
        (``family``), otherwise it is the first one whose tensors are all there.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, of another kind or of another architecture; the message names
        the first tensor that is off.
    """
    name = "base" if weights is None else str(weights)
    if name in PACKAGED_WEIGHTS:
        with as_file(files("novasr.weights") / PACKAGED_WEIGHTS[name].filename) as path:
            return _read(path, name)
    path = download(name) if name in NAMED_WEIGHTS else Path(name)
    return _read(path, name)


def load_tensors(weights: str | Path | None = None) -> dict[str, FloatArray]:
    """Read and check the tensors of weights by name; parameters and errors as for :func:`load_weights`."""
    return load_weights(weights).tensors


def load_model(weights: str | Path | None = None) -> Module:
    """Build the PyTorch network with weights, in evaluation mode, float32, on the CPU.

    Parameters
    ----------
    weights : str or path, optional
        A file, or a name: ``"base"``, ``"wide"``, ``"v1"`` or ``"v2"``. Default: ``"base"``.

    Returns
    -------
    torch.nn.Module
        Maps (batch, 1, frames) at the input rate to the output rate; that of the default weights is
        ``novasr.families.novasr.NovaSRNetwork``.

    Raises
    ------
    WeightsError
        If they are missing, damaged or of another model, or cannot be downloaded.
    MissingPackageError
        If PyTorch is not installed.
    """
    from novasr.weights.torch_runtime import require_torch

    loaded = load_weights(weights)
    torch = require_torch()
    network: Module = in_torch(loaded.family).Network()
    if hasattr(network, "metadata"):
        network.metadata = loaded.metadata  # type: ignore[assignment]
    network.load_state_dict({name: torch.from_numpy(v) for name, v in loaded.tensors.items()})
    return network.eval().requires_grad_(False)


def _read(path: Path, label: str) -> Weights:
    if not path.is_file():
        known = ", ".join(map(repr, (*PACKAGED_WEIGHTS, *NAMED_WEIGHTS)))
        msg = (
            f"weights {label!r}: no such file: give the path of a weights file, or a name: {known}"
        )
        raise WeightsError(msg)
    try:
        suffix = known_suffix(path, *SUFFIXES)
        metadata, found = (
            _read_safetensors(path) if suffix == ".safetensors" else ({}, _read_torch(path))
        )
    except ParameterError as error:
        raise WeightsError(f"weights {error}, or in .ts where TorchScript may run") from error
    except NovasrError:
        raise
    except Exception as error:  # both readers raise many kinds for a damaged file
        reason = str(error).partition("\n")[0]
        msg = f"weights {label!r}: not a readable .safetensors or .bin file ({reason})"
        raise WeightsError(msg) from error
    chosen, tensors = _checked(metadata.get("family"), found, label)
    return Weights(chosen, tensors, sha256(path), metadata)


def _read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, FloatArray]]:
    """Give what the file says of itself, and its tensors."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
        return metadata, {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118


def _read_torch(path: Path) -> dict[str, FloatArray]:
    from novasr.weights.torch_runtime import require_torch

    torch = require_torch()
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        msg = f"weights {str(path)!r}: holds a {type(state).__name__}, not a state dict"
        raise WeightsError(msg)
    return {name: value.float().numpy() for name, value in state.items()}


def _checked(
    named: str | None, found: dict[str, FloatArray], label: str
) -> tuple[str, dict[str, FloatArray]]:
    """Give the family, and its tensors in order."""
    try:
        chosen = _family_of(found) if named is None else family(named)
    except WeightsError as error:
        raise WeightsError(f"weights {label!r}: {error}") from None
    found = {name.removeprefix(chosen["prefix"]): value for name, value in found.items()}
    for name, shape in chosen["tensors"].items():
        if name not in found:
            msg = f"weights {label!r}: tensor {name!r} is missing"
        elif found[name].shape != shape:
            msg = f"weights {label!r}: tensor {name!r} has shape {found[name].shape}, expected {shape}"
        elif not np.isfinite(found[name]).all():
            msg = f"weights {label!r}: tensor {name!r} holds NaN or infinite values"
        else:
            continue
        raise WeightsError(msg)
    if unknown := sorted(found.keys() - chosen["tensors"].keys()):
        msg = f"weights {label!r}: tensor {unknown[0]!r} does not belong to this architecture"
        raise WeightsError(msg)
    return chosen["name"], {name: found[name] for name in chosen["tensors"]}


def _family_of(found: dict[str, FloatArray]) -> _native.Family:
    """Give the first family whose tensors are all there, or the default one."""
    for candidate in families().values():
        if {name.removeprefix(candidate["prefix"]) for name in found} >= candidate[
            "tensors"
        ].keys():
            return candidate
    return family(default_family())
