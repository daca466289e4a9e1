"""Writing ONNX graphs as expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from onnx import GraphProto, ModelProto

OPSET = 17  # the first with DFT; ONNX Runtime has it since 1.12
IR_VERSION = 8  # of the same release

_TYPES = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.bool_): TensorProto.BOOL,
    np.dtype(np.int64): TensorProto.INT64,
}

Shape = Sequence[int | str]


class Value:
    """A tensor of a graph; numbers beside it become constants of float32."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name

    def __add__(self, other: Operand) -> Value:
        return self.graph.node("Add", self, other)

    def __radd__(self, other: Operand) -> Value:
        return self.graph.node("Add", other, self)

    def __sub__(self, other: Operand) -> Value:
        return self.graph.node("Sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self.graph.node("Sub", other, self)

    def __mul__(self, other: Operand) -> Value:
        return self.graph.node("Mul", self, other)

    def __rmul__(self, other: Operand) -> Value:
        return self.graph.node("Mul", other, self)

    def __truediv__(self, other: Operand) -> Value:
        return self.graph.node("Div", self, other)


Operand = Value | float


class Graph:
    """A graph that is being written."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._initializers: list[TensorProto] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._count = 0

    def input(self, name: str, shape: Shape, dtype: type = np.float32) -> Value:
        """Declare an input; a string names a dimension that is free."""
        kind = _TYPES[np.dtype(dtype)]
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return Value(self, name)

    def output(self, name: str, value: Value, shape: Shape) -> None:
        """Declare a value of float32 as an output."""
        self._nodes.append(helper.make_node("Identity", [value.name], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def constant(self, value: ArrayLike) -> Value:
        """Give a tensor of float32, or of int64 or bool if `value` is an array of that; each is stored once."""
        array = np.asarray(value)
        if array.dtype not in _TYPES:
            array = array.astype(np.float32)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"c{len(self._constants)}"
            self._initializers.append(numpy_helper.from_array(array, name))
            self._constants[key] = Value(self, name)
        return self._constants[key]

    def node(self, op: str, *inputs: Operand, **attributes: Any) -> Value:
        """Apply an operator with one output."""
        return self.nodes(op, *inputs, outputs=1, **attributes)[0]

    def nodes(self, op: str, *inputs: Operand, outputs: int, **attributes: Any) -> list[Value]:
        """Apply an operator with several outputs."""
        values = [x if isinstance(x, Value) else self.constant(x) for x in inputs]
        results = [Value(self, f"v{self._count + i}") for i in range(outputs)]
        self._count += outputs
        node = helper.make_node(
            op, [v.name for v in values], [r.name for r in results], **attributes
        )
        self._nodes.append(node)
        return results

    def integers(self, *values: int) -> Value:
        """Give a constant of shape (len(values),), for shapes and axes."""
        return self.constant(np.array(values, np.int64))

    def concat(self, *values: Value, axis: int = -1) -> Value:
        """Join along an axis."""
        return self.node("Concat", *values, axis=axis)

    def slice(self, x: Value, start: int, end: int | None = None, axis: int = -1) -> Value:
        """Give ``x[start:end]`` along an axis."""
        last = np.iinfo(np.int64).max if end is None else end
        return self.node("Slice", x, *map(self.integers, (start, last, axis)))

    def reshape(self, x: Value, *shape: int) -> Value:
        """Reshape; 0 keeps a dimension, one -1 is inferred."""
        return self.node("Reshape", x, self.integers(*shape))

    def unsqueeze(self, x: Value, axis: int) -> Value:
        """Insert a dimension of 1."""
        return self.node("Unsqueeze", x, self.integers(axis))

    def squeeze(self, x: Value, axis: int) -> Value:
        """Remove a dimension of 1."""
        return self.node("Squeeze", x, self.integers(axis))

    def where(self, condition: Value, yes: Operand, no: Operand) -> Value:
        """Choose element by element."""
        return self.node("Where", condition, yes, no)

    def model(self, name: str, **properties: Any) -> ModelProto:
        """Give the whole as a checked model; the properties are fields of ModelProto."""
        graph: GraphProto = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, self._initializers
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            **properties,
        )
        checker.check_model(model, full_check=True)
        return model
