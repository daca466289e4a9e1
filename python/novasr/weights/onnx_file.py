"""A network as an ONNX model that streams, with what a host must know in its metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from novasr.errors import MissingPackageError, install_command
from novasr.families import in_onnx
from novasr.weights.hub import NAMED_WEIGHTS
from novasr.weights.load import PACKAGED_WEIGHTS, load_weights


def onnx_bytes(weights: str | Path | None = None) -> bytes:
    """Write the streaming form of a network as an ONNX model.

    Parameters
    ----------
    weights : str or path, optional
        As for :func:`novasr.load_model`.

    Returns
    -------
    bytes
        What ``onnxruntime.InferenceSession`` reads. ``docs/onnx.md`` states inputs, outputs and metadata.

    Raises
    ------
    WeightsError
        If the weights cannot be used, or their family has no ONNX form.
    MissingPackageError
        If the package onnx is not installed.
    """
    onnx = _require_onnx()
    loaded = load_weights(weights)
    form = in_onnx(loaded.family)
    from novasr import __version__

    model = form.build(loaded.tensors).model(
        f"novasr_{loaded.family}",
        producer_name="novasr",
        producer_version=__version__,
        doc_string="Audio super-resolution as a stream: docs/onnx.md of NovaSR Live states the contract.",
    )
    properties = {
        "family": loaded.family,
        "version": __version__,
        "weights_sha256": loaded.sha256,
        **({"license": "Apache-2.0"} if _published(weights) else {}),
        **form.METADATA,
    }
    onnx.helper.set_model_props(model, {key: str(value) for key, value in properties.items()})
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _published(weights: str | Path | None) -> bool:
    """Tell whether these are weights whose licence is known: ours and upstream's."""
    return weights is None or str(weights) in {*PACKAGED_WEIGHTS, *NAMED_WEIGHTS}


def _require_onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        msg = f"ONNX export needs onnx: {install_command('onnx')}"
        raise MissingPackageError(msg) from error
    return onnx
