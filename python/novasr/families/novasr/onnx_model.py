"""The network as an ONNX graph that streams; it needs no PyTorch.

Every layer works on "what is kept, then what is new" and gives as many frames as are new, later by its look-ahead.
Before its first frame and behind its last one a signal is zero, as in the whole-signal network; a mask of the frames
that are part of the stream, which is kept like any signal, sees to that at both ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from novasr.families.onnx_graph import Graph, Value, streaming_graph

if TYPE_CHECKING:
    from novasr.types import FloatArray

INPUT_HZ, RATIO = 16_000, 3
CHANNELS, EDGE_TAPS, BLOCK_TAPS = 32, 7, 11
PHASE_TAPS = 6  # of each half of an anti-aliasing filter
UP_AHEAD, DOWN_AHEAD, SHORTER = 4, 3, 2  # of an activation: each ends two frames early
MEMORY, EDGE, OFFSET = 40, 83, 1  # as network_stream.hpp states them

# Frames by which a signal is late, at the output's rate.
LATE_INTERPOLATED = RATIO * (EDGE_TAPS // 2 + 1)
LATE_BLOCK = LATE_INTERPOLATED + 2 * (UP_AHEAD + DOWN_AHEAD + BLOCK_TAPS // 2)
LOOK_AHEAD = LATE_BLOCK + EDGE_TAPS // 2
FLUSH_FRAMES = LOOK_AHEAD // RATIO
assert LOOK_AHEAD == FLUSH_FRAMES * RATIO


class State(NamedTuple):
    """Channels and frames of what is kept."""

    mask: tuple[int, int] = (1, FLUSH_FRAMES)
    pre: tuple[int, int] = (1, EDGE_TAPS - 1)
    interpolate: tuple[int, int] = (CHANNELS, 2)
    up_1: tuple[int, int] = (CHANNELS, PHASE_TAPS - 1)
    down_1: tuple[int, int] = (2 * CHANNELS, PHASE_TAPS)
    conv_1: tuple[int, int] = (CHANNELS, BLOCK_TAPS - 1)
    up_2: tuple[int, int] = (CHANNELS, PHASE_TAPS - 1)
    down_2: tuple[int, int] = (2 * CHANNELS, PHASE_TAPS)
    conv_2: tuple[int, int] = (CHANNELS, BLOCK_TAPS - 1)
    residual: tuple[int, int] = (CHANNELS, LATE_BLOCK - LATE_INTERPOLATED)
    post: tuple[int, int] = (CHANNELS, EDGE_TAPS - 1)


METADATA = {
    "input_rate": INPUT_HZ,
    "output_rate": RATIO * INPUT_HZ,
    "look_ahead": LOOK_AHEAD,
    "flush_frames": FLUSH_FRAMES,
    "hop": 1,
    "memory": MEMORY,
    "edge": EDGE,
    "offset": OFFSET,
    "band": INPUT_HZ // 2,
    "linked_channels": 0,
}
STATE_SIZE = sum(channels * frames for channels, frames in State())


def build(tensors: Mapping[str, FloatArray]) -> Graph:
    """Write the graph.

    Parameters
    ----------
    tensors : mapping of str to ndarray of float32
        As :func:`novasr.weights.load.load_tensors` gives them.

    Returns
    -------
    Graph
        With the inputs and outputs that docs/onnx.md states.
    """

    def write(graph: Graph, audio: Value, state: Value, flush: Value) -> tuple[Value, Value]:
        return _Network(graph, tensors, state).run(audio, flush)

    return streaming_graph(STATE_SIZE, "enhanced_frames", write)


class _Network:
    """Writes the layers in their order; each takes its past from the state and leaves what to keep."""

    def __init__(self, graph: Graph, tensors: Mapping[str, FloatArray], state: Value) -> None:
        self.graph, self.tensors = graph, tensors
        layout = State()._asdict()
        sizes = graph.integers(*(channels * frames for channels, frames in layout.values()))
        parts = graph.nodes("Split", state, sizes, outputs=len(layout), axis=1)
        self.past = {
            name: graph.reshape(part, 0, *shape)
            for part, (name, shape) in zip(parts, layout.items(), strict=True)
        }
        self.kept: dict[str, Value] = {}

    def run(self, audio: Value, flush: Value) -> tuple[Value, Value]:
        """Give the output, (batch, RATIO * frames), and the next state, (batch, STATE_SIZE)."""
        graph = self.graph
        audio = graph.where(flush, 0.0, graph.unsqueeze(audio, 1))  # (B, 1, N)
        part = graph.node("Expand", graph.where(flush, 0.0, 1.0), graph.node("Shape", audio))
        mask = self._recent("mask", part)  # (B, 1, FLUSH_FRAMES + N)
        self.mask = self._tripled(mask, mask, mask)

        x = self._interpolated(self._conv("pre", "conv_pre", audio), mask)
        x = x * self._present(LATE_INTERPOLATED, 0)  # (B, C, 3 N)
        residual = self._recent("residual", x)
        residual = graph.slice(residual, 0, -State().residual[1])
        late = LATE_INTERPOLATED
        for number in (1, 2):
            x = self._activation(number, x, late)
            late += UP_AHEAD + DOWN_AHEAD
            x = self._conv(f"conv_{number}", f"resblocks.0.convs{number}.0", x)
            late += BLOCK_TAPS // 2
            x = x * self._present(late, number * SHORTER)
        x = x + residual * self._present(late, 2 * SHORTER)
        x = self._conv("post", "conv_post", x) * self._present(LOOK_AHEAD, 2 * SHORTER)
        return graph.squeeze(graph.node("Tanh", x), 1), self._packed()

    def _recent(self, name: str, new: Value) -> Value:
        """Give what is kept of a signal, then what is new, and keep the end of it."""
        joined = self.graph.concat(self.past[name], new)
        self.kept[name] = self.graph.slice(joined, -getattr(State(), name)[1])
        return joined

    def _packed(self) -> Value:
        return self.graph.concat(
            *(self.graph.reshape(self.kept[name], 0, -1) for name in State._fields)
        )

    def _present(self, late: int, shorter: int) -> Value:
        """Give 1 where a signal that is `late`, and ends `shorter` frames early, is part of the stream, else 0."""
        here, end = (
            self.graph.slice(self.mask, LOOK_AHEAD - frames, -frames)
            for frames in (late, late - shorter)
        )
        return here * end if shorter else here

    def _conv(self, name: str, tensor: str, x: Value) -> Value:
        weight = self.tensors[f"{tensor}.weight"]
        bias = self.tensors.get(f"{tensor}.bias")
        parts = [weight] if bias is None else [weight, bias]
        return self.graph.node("Conv", self._recent(name, x), *map(self.graph.constant, parts))

    def _interpolated(self, x: Value, mask: Value) -> Value:
        """Triple the rate linearly; the first and the last frame are held: (B, C, N) to (B, C, 3 N)."""
        graph = self.graph
        joined = self._recent("interpolate", x)
        before, here, after = (graph.slice(joined, i, i - 2 or None) for i in range(3))
        late = LATE_INTERPOLATED // RATIO
        has_before, has_after = (
            graph.slice(mask, FLUSH_FRAMES - frames, -frames) for frames in (late + 1, late - 1)
        )
        before = here + has_before * (before - here)
        after = here + has_after * (after - here)
        return self._tripled((before + here * 2.0) / 3.0, here, (here * 2.0 + after) / 3.0)

    def _tripled(self, *phases: Value) -> Value:
        """Interleave three signals: (B, C, N) each to (B, C, 3 N)."""
        columns = (self.graph.unsqueeze(phase, -1) for phase in phases)
        return self.graph.reshape(self.graph.concat(*columns), 0, 0, -1)

    def _activation(self, number: int, x: Value, late: int) -> Value:
        """Apply the snake at twice the rate, whose even and odd frames stay apart: (B, C, T) to (B, C, T)."""
        graph, shorter = self.graph, number * SHORTER
        block = f"resblocks.0.activations.{number - 1}"
        up = self.tensors[f"{block}.upsample.filter"].reshape(PHASE_TAPS, 2).T  # (2, taps)
        down = self.tensors[f"{block}.downsample.lowpass.filter"].reshape(PHASE_TAPS, 2).T
        # An output reaches from the odd frame of one pair to the even one of another.
        down = np.stack([np.pad(down[1], (1, 0)), np.pad(down[0], (0, 1))])
        # The filters are the same for all channels, which therefore count as a batch.
        x = graph.reshape(self._recent(f"up_{number}", x), -1, 1, 0)
        x = graph.node("Conv", x, graph.constant(2.0 * up[:, None]))  # (B C, 2, T)
        x = graph.reshape(graph.reshape(x, -1, 2 * CHANNELS, 0), 0, CHANNELS, 2, -1)
        x = self._snake(block, x) * graph.unsqueeze(self._present(late + UP_AHEAD, shorter), 1)
        x = self._recent(f"down_{number}", graph.reshape(x, 0, 2 * CHANNELS, -1))
        x = graph.node("Conv", graph.reshape(x, -1, 2, 0), graph.constant(down[None]))
        late += UP_AHEAD + DOWN_AHEAD
        return graph.reshape(x, -1, CHANNELS, 0) * self._present(late, shorter)

    def _snake(self, block: str, x: Value) -> Value:
        alpha, beta = (
            np.exp(self.tensors[f"{block}.act.{name}"].astype(np.float64))[:, None, None]
            for name in ("alpha", "beta")
        )
        half_over_b = self.graph.constant(1.0 / (2.0 * beta + 1e-9))
        twice_a = self.graph.constant(2.0 * alpha)
        return x + half_over_b * (1.0 - self.graph.node("Cos", x * twice_a))
