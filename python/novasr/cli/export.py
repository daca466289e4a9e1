"""The command ``novasr export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Write the model as one file: streaming ONNX or TorchScript, or plain weights.

.safetensors: the weights, for the plugin and for --weights. .bin: the same for upstream NovaSR. .ts: streaming
TorchScript, which LibTorch runs without Python; docs/torchscript.md states what it offers: metadata, state in and
out, flush. .onnx: the same for ONNX Runtime, which needs no PyTorch either; see docs/onnx.md.

\b
Examples:
  novasr export novasr.ts
  novasr export novasr.onnx
  novasr export wide.onnx --weights wide
  novasr export upstream.ts --weights v1
  novasr export v1.safetensors --weights v1
  novasr export mine.bin --weights runs/mine/weights.safetensors
"""


def export(
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="File to write, .onnx, .ts, .safetensors or .bin.")
    ],
    weights: Annotated[
        str | None,
        typer.Option(metavar="W", help="base (default), wide, v1, v2 or a weights file."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Export and say where the file is."""
    from novasr.filesystem.suffixes import known_suffix
    from novasr.weights.export import export_onnx, export_torchscript, export_weights
    from novasr.weights.load import SUFFIXES

    suffix = known_suffix(output, ".onnx", ".ts", *SUFFIXES)
    writers = {".onnx": export_onnx, ".ts": export_torchscript}
    write = writers.get(suffix, export_weights)
    path = write(output, weights, overwrite=overwrite)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
