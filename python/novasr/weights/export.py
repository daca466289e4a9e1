"""The network as one file: TorchScript for LibTorch, ONNX, or plain weights for the plugin."""

from __future__ import annotations

import io
import warnings
from collections import OrderedDict
from pathlib import Path

from novasr.errors import AudioFileError, WeightsError
from novasr.families import OFFLINE_FAMILIES, family, in_torch
from novasr.filesystem.replacing import replacing
from novasr.filesystem.suffixes import known_suffix
from novasr.weights.header import in_order
from novasr.weights.load import SUFFIXES, Weights, load_model, load_weights
from novasr.weights.torch_runtime import require_torch

_METHODS = ["metadata", "initial_state", "flush"]


def torchscript_bytes(weights: str | Path | None = None) -> bytes:
    """Script the streaming form of a network.

    Parameters
    ----------
    weights : str or path, optional
        As for :func:`novasr.load_model`.

    Returns
    -------
    bytes
        What ``torch.jit.load`` and LibTorch read. ``docs/torchscript.md`` states its methods.

    Raises
    ------
    WeightsError
        If the weights cannot be used.
    MissingPackageError
        If PyTorch is not installed.
    """
    torch = require_torch()
    family_name = load_weights(weights).family
    if family_name in OFFLINE_FAMILIES:
        raise WeightsError(
            f"weights {str(weights)!r}: refine whole recordings: they have no streaming form"
        )
    form = in_torch(family_name)
    stream = form.StreamingNetwork(load_model(weights)).eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # torch 2.13 deprecates TorchScript in Python; LibTorch has no other form with state.
        warnings.simplefilter("ignore", DeprecationWarning)
        script = torch.jit.freeze(torch.jit.script(stream), preserved_attrs=_METHODS)
        torch.jit.save(script, buffer)
    return buffer.getvalue()


def export_torchscript(
    destination: str | Path, weights: str | Path | None = None, *, overwrite: bool = False
) -> Path:
    """Write the streaming TorchScript of a network.

    Parameters
    ----------
    destination : str or path
        The file to make, ``.ts``.
    weights : str or path, optional
        As for :func:`novasr.load_model`.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        `destination`.

    Raises
    ------
    ParameterError
        If the name ends in something else.
    AudioFileError
        If the file exists or cannot be written.
    WeightsError
        If the weights cannot be used.
    """
    known_suffix(destination, ".ts")
    path = _free(destination, overwrite)
    return _write(path, torchscript_bytes(weights))


def export_onnx(
    destination: str | Path, weights: str | Path | None = None, *, overwrite: bool = False
) -> Path:
    """Write a network as an ONNX model that streams; it needs no PyTorch, and ONNX Runtime alone to run.

    Parameters
    ----------
    destination : str or path
        The file to make, ``.onnx``; ``docs/onnx.md`` states its inputs, outputs and metadata.
    weights : str or path, optional
        As for :func:`novasr.load_model`.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        `destination`.

    Raises
    ------
    ParameterError
        If the name ends in something else.
    AudioFileError
        If the file exists or cannot be written.
    WeightsError
        If the weights cannot be used.
    MissingPackageError
        If the package onnx is not installed.
    """
    from novasr.weights.onnx_file import onnx_bytes

    known_suffix(destination, ".onnx")
    path = _free(destination, overwrite)
    return _write(path, onnx_bytes(weights))


def export_weights(
    destination: str | Path, weights: str | Path | None = None, *, overwrite: bool = False
) -> Path:
    """Write weights as ``.safetensors`` in float32, which the plugin reads, or as upstream's ``.bin``.

    Parameters
    ----------
    destination : str or path
        The file to make, ``.safetensors`` or ``.bin``; the latter is what upstream NovaSR loads: a state
        dict in float16 under upstream's names.
    weights : str or path, optional
        As for :func:`novasr.load_model`.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        `destination`.

    Raises
    ------
    ParameterError
        If the name ends in something else.
    AudioFileError
        If the file exists or cannot be written.
    WeightsError
        If the weights cannot be used.
    """
    suffix = known_suffix(destination, *SUFFIXES)
    path = _free(destination, overwrite)
    loaded = load_weights(weights)
    content = _upstream_bytes(loaded) if suffix == ".bin" else _safetensors_bytes(loaded)
    return _write(path, content)


def _safetensors_bytes(weights: Weights) -> bytes:
    from safetensors.numpy import save

    metadata = {**weights.metadata, "family": weights.family}
    return in_order(save(weights.tensors, metadata=metadata))


def _upstream_bytes(weights: Weights) -> bytes:
    torch = require_torch()
    if weights.family in OFFLINE_FAMILIES:
        raise WeightsError(
            f"weights of the family {weights.family!r} are stored as .safetensors alone"
        )
    prefix = family(weights.family)["prefix"]
    state = {f"{prefix}{name}": torch.from_numpy(v).half() for name, v in weights.tensors.items()}
    buffer = io.BytesIO()
    torch.save(OrderedDict(state), buffer)
    return buffer.getvalue()


def _free(destination: str | Path, overwrite: bool) -> Path:
    path = Path(destination)
    if path.exists() and not overwrite:
        msg = f"{path}: exists: choose another name or overwrite it (--overwrite)"
        raise AudioFileError(msg)
    return path


def _write(path: Path, content: bytes) -> Path:
    with replacing(path) as temporary:
        try:
            temporary.write_bytes(content)
        except OSError as error:
            raise AudioFileError(f"{path}: cannot be written: {error.strerror}") from error
    return path
