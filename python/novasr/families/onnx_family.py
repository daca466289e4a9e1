"""What the export to ONNX asks of a model family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from novasr.families.onnx_graph import Graph
    from novasr.types import FloatArray


class OnnxFamily(Protocol):
    """The names of a module ``novasr.families.NAME.onnx_model``.

    Attributes
    ----------
    METADATA : mapping of str to int
        What a host must know; docs/onnx.md explains each.
    """

    METADATA: Mapping[str, int]

    @staticmethod
    def build(tensors: Mapping[str, FloatArray]) -> Graph:
        """Write the streaming form as a graph, with the inputs and outputs that docs/onnx.md states."""
