"""Writing ONNX graphs as expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

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

    def __sub__(self, other: Operand) -> Value:
        return self.graph.node("Sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self.graph.node("Sub", other, self)

    def __mul__(self, other: Operand) -> Value:
        return self.graph.node("Mul", self, other)

    def __truediv__(self, other: Operand) -> Value:
        return self.graph.node("Div", self, other)

    def __lt__(self, other: Operand) -> Value:
        return self.graph.node("Less", self, other)

    def __le__(self, other: Operand) -> Value:
        return self.graph.node("LessOrEqual", self, other)

    def __gt__(self, other: Operand) -> Value:
        return self.graph.node("Greater", self, other)

    def __ge__(self, other: Operand) -> Value:
        return self.graph.node("GreaterOrEqual", self, other)

    def __and__(self, other: Value) -> Value:
        return self.graph.node("And", self, other)


Operand = Value | float
Branch = Callable[[], Sequence[Value]]


class Graph:
    """A graph that is being written."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._initializers: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []
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
        results = self._fresh(outputs)
        node = helper.make_node(
            op,
            [v.name for v in values],
            [r.name for r in results],
            name=f"{op}_{results[0].name}",  # ONNX Runtime 1.18 confuses nodes without one
            **attributes,
        )
        self._nodes.append(node)
        return results

    def integers(self, *values: int) -> Value:
        """Give a constant of shape (len(values),), for shapes and axes."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: int) -> Value:
        """Give a constant of int64 without dimensions."""
        return self.constant(np.array(value, np.int64))

    def as_float(self, x: Value) -> Value:
        """Convert to float32."""
        return self.node("Cast", x, to=TensorProto.FLOAT)

    def as_integer(self, x: Value) -> Value:
        """Convert to int64."""
        return self.node("Cast", x, to=TensorProto.INT64)

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

    def smallest(self, *values: Operand) -> Value:
        """Give the smallest, element by element."""
        return self.node("Min", *values)

    def largest(self, *values: Operand) -> Value:
        """Give the largest, element by element."""
        return self.node("Max", *values)

    def clip(self, x: Value, low: float, high: float) -> Value:
        """Limit to a range."""
        return self.node("Clip", x, low, high)

    def cond(self, condition: Value, then: Branch, otherwise: Branch) -> list[Value]:
        """Compute one of two branches, which give values of float32 in the same order."""
        yes, count = self._body(f"then{self._count}", then)
        no, _ = self._body(f"else{self._count}", otherwise)
        return self.nodes("If", condition, outputs=count, then_branch=yes, else_branch=no)

    def scan(
        self,
        step: Callable[..., tuple[Sequence[Value], Sequence[Value]]],
        state: Sequence[tuple[Value, Shape]],
        items: Sequence[tuple[Value, Shape, int]],
        outputs: Sequence[tuple[Shape, int]],
    ) -> tuple[list[Value], list[Value]]:
        """Go through `items`, each along an axis, with a state; all is of float32.

        ``step(*state, *items)`` gives the next state, and outputs, each of which is stacked along an axis. The shapes
        are those in a step. Returns the last state and the stacked outputs.
        """
        shapes = [shape for _, shape in state]
        arguments = self._fresh(len(state) + len(items))
        taken = _described(arguments, shapes + [shape for _, shape, _ in items])

        def write() -> list[Value]:
            after, made = step(*arguments)
            return [*after, *made]

        body, count = self._body("step", write, taken, shapes + [shape for shape, _ in outputs])
        values = self.nodes(
            "Scan",
            *(value for value, _ in state),
            *(value for value, _, _ in items),
            outputs=count,
            body=body,
            num_scan_inputs=len(items),
            scan_input_axes=[axis for _, _, axis in items],
            scan_output_axes=[axis for _, axis in outputs],
        )
        return values[: len(state)], values[len(state) :]

    def _body(
        self,
        name: str,
        write: Branch,
        inputs: Sequence[ValueInfoProto] = (),
        shapes: Sequence[Shape] | None = None,
    ) -> tuple[GraphProto, int]:
        """Write a graph that may use the values around it; tell how many outputs it has."""
        around, self._nodes = self._nodes, []
        outputs = [self.node("Identity", value) for value in write()]
        described = _described(outputs, shapes or [None] * len(outputs))
        body = helper.make_graph(self._nodes, name, inputs, described)
        self._nodes = around
        return body, len(outputs)

    def _fresh(self, count: int) -> list[Value]:
        self._count += count
        return [Value(self, f"v{self._count - i}") for i in range(count, 0, -1)]

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


def streaming_graph(
    state_size: int,
    enhanced_frames: str,
    write: Callable[[Graph, Value, Value, Value], tuple[Value, Value]],
) -> Graph:
    """Write a graph with the inputs and outputs that docs/onnx.md states.

    Parameters
    ----------
    state_size : int
        Values of the state of a channel.
    enhanced_frames : str
        Name of the length of the output; ``"frames"`` if it is that of the input.
    write : callable
        Takes graph, audio, state and flush, writes what lies between, gives output and next state.
    """
    graph = Graph()
    audio = graph.input("audio", ("batch", "frames"))
    state = graph.input("state", ("batch", state_size))
    flush = graph.input("flush", (), np.bool_)
    output, kept = write(graph, audio, state, flush)
    graph.output("enhanced", output, ("batch", enhanced_frames))
    graph.output("next_state", kept, ("batch", state_size))
    return graph


def _described(values: Sequence[Value], shapes: Sequence[Shape | None]) -> list[ValueInfoProto]:
    return [
        helper.make_tensor_value_info(value.name, TensorProto.FLOAT, shape)
        for value, shape in zip(values, shapes, strict=True)
    ]
