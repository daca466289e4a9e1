"""The Fourier transforms of the frames in an ONNX graph.

In ONNX Runtime the operator DFT has three times the rounding error of an ordinary FFT, which the logarithms of faint
bands beside loud lines show. A transform in two steps, of `COLUMNS` and of `ROWS` points, has not.
"""

from __future__ import annotations

import numpy as np

from novasr.families.onnx_graph import Graph, Value
from novasr.families.wide import bands
from novasr.families.wide.architecture import FFT, LINES
from novasr.types import FloatArray

COLUMNS, ROWS = 16, 32  # frame n is COLUMNS[n // ROWS], ROWS[n % ROWS]
assert COLUMNS * ROWS == FFT


def _waves(first: int, second: int, points: int) -> tuple[FloatArray, FloatArray]:
    """Give cosine and sine of the products of 0 .. first - 1 and 0 .. second - 1, in turns / points."""
    turns = 2 * np.pi / points * np.outer(np.arange(first), np.arange(second))
    return np.cos(turns).astype(np.float32), np.sin(turns).astype(np.float32)


def analysed(graph: Graph, frames: Value) -> tuple[Value, Value]:
    """Transform (batch, hops, FFT) under the window: real and imaginary parts, (batch, hops, LINES)."""
    x = graph.reshape(frames * graph.constant(bands.window()), 0, 0, COLUMNS, ROWS)
    cosine, sine = _waves(COLUMNS, COLUMNS, COLUMNS)
    x = graph.node("MatMul", graph.constant(np.concatenate([cosine, -sine])), x)
    re, im = graph.nodes("Split", x, outputs=2, axis=2)  # (B, H, COLUMNS, ROWS) each
    turn_re, turn_im = map(graph.constant, _waves(COLUMNS, ROWS, FFT))
    x = graph.concat(re * turn_re + im * turn_im, im * turn_re - re * turn_im)
    count = LINES // COLUMNS + 1
    cosine, sine = _waves(ROWS, count, ROWS)
    waves = np.block([[cosine, -sine], [sine, cosine]])
    x = graph.node("Transpose", graph.node("MatMul", x, graph.constant(waves)), perm=[0, 1, 3, 2])
    parts = graph.nodes("Split", x, outputs=2, axis=2)  # (B, H, count, COLUMNS) each
    re, im = (graph.slice(graph.reshape(part, 0, 0, -1), 0, LINES) for part in parts)
    return re, im


def synthesised(graph: Graph, re: Value, im: Value) -> Value:
    """Give the frames of spectra, under the window: (batch, hops, FFT)."""
    waves = _waves(LINES, FFT, FFT)
    twice = np.where(np.isin(np.arange(LINES), (0, LINES - 1)), 1, 2)[:, None] / FFT
    inverse = np.concatenate([waves[0] * twice, -waves[1] * twice]) * bands.window()
    return graph.node("MatMul", graph.concat(re, im), graph.constant(inverse.astype(np.float32)))
