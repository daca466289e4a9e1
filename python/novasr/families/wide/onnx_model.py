"""The network as an ONNX graph that streams, with the running cut-off estimator inside; it needs no PyTorch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from novasr.families.onnx_graph import Graph, Value, streaming_graph
from novasr.families.wide import bands
from novasr.families.wide.architecture import (
    ACTIVE_LEVEL,
    BAND,
    BLOCKS,
    CHANNELS,
    CROSSOVER_LINES,
    CROSSOVER_START,
    DECAY,
    EDGE,
    FADE_HOPS,
    FULL_BAND_HZ,
    GAIN_BANDS,
    HIGHEST_GAIN,
    HOP,
    INPUT_BANDS,
    JUMP,
    KERNEL,
    LEVEL_BANDS,
    LINE_HZ,
    LINE_POWER_FLOOR,
    LINES,
    LOOK_AHEAD,
    LOWEST_GAIN,
    MEMORY,
    MOST_RAISED,
    NOISE_FRAMES,
    OFFSET,
    POWER_FLOOR,
    RATE_HZ,
    WHITENING_FLOOR,
    WHITENING_LINES,
)
from novasr.families.wide.cutoff_onnx import NUMBERS, PEAKS, CutoffSteps
from novasr.families.wide.fourier_onnx import analysed, synthesised

if TYPE_CHECKING:
    from novasr.types import FloatArray

NORM_EPSILON = 1e-5

METADATA = {
    "input_rate": RATE_HZ,
    "output_rate": RATE_HZ,
    "look_ahead": LOOK_AHEAD,
    "flush_frames": HOP,
    "hop": HOP,
    "memory": MEMORY,
    "edge": EDGE,
    "offset": OFFSET,
    "band": BAND,
    "linked_channels": 1,
}


class State(NamedTuple):
    """What is kept; the first ones are the same for all channels."""

    tracking: Value  # begins with the cut-off in Hz
    peaks: Value
    fade: Value  # hops for which what is added still fades in
    hop: Value  # number of the next one
    input: Value  # its last hop
    overlap: Value  # second half of the last frame's change
    sums: Value  # of shape, level and activity
    layers: Value  # past hops


SHARED = 4
SHAPES: tuple[tuple[int, ...], ...] = (
    (NUMBERS,),
    PEAKS,
    (1,),
    (1,),
    (HOP,),
    (HOP,),
    (INPUT_BANDS + 2,),
    (BLOCKS, CHANNELS, KERNEL - 1),
)
STATE_SIZE = sum(map(math.prod, SHAPES))


class Spectrum(NamedTuple):
    """Real and imaginary parts, (batch, hops, LINES)."""

    re: Value
    im: Value


class Heard(NamedTuple):
    """What the frames hold; quieter channels raised to the loudest."""

    spectrum: Spectrum
    power: Value  # (B, H, LINES)
    raised: Value  # (B, H, 1), by that amplitude
    power_of_all: Value  # (H, LINES), of all channels together as they are
    shape: Value  # (B, H, INPUT_BANDS), relative to the level
    level: Value  # (B, H, 1)
    tonality: Value  # (B, H, INPUT_BANDS)


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
        return _Network(graph, tensors).run(graph.where(flush, 0.0, audio), state)

    return streaming_graph(STATE_SIZE, "frames", write)


class _Network:
    """Writes the steps in their order; shapes are (batch, hops, ...)."""

    def __init__(self, graph: Graph, tensors: Mapping[str, FloatArray]) -> None:
        self.graph, self.tensors = graph, tensors
        self.input_bands = graph.constant(bands.input_bands().T)
        self.hertz = graph.constant(bands.line_hz())

    def run(self, audio: Value, state: Value) -> tuple[Value, Value]:
        """Give the audio of one hop before, with its band extended, and the next state."""
        graph = self.graph
        past = self._unpacked(state)
        hops = graph.reshape(graph.concat(past.input, audio), 0, -1, HOP)
        before = graph.slice(hops, 0, -1, axis=1)
        frames = graph.concat(before, graph.slice(hops, 1, axis=1))  # (B, H, FFT)
        numbers, next_number = self._hop_numbers(past.hop, frames)
        heard = self._listen(frames)
        (tracking, peaks, fade, sums), (cutoff_hz, share, averages) = self._follow(heard, past)
        features = self._features(heard, cutoff_hz, averages)
        gains, layers = self._layers(features, past.layers)
        upper = self._upper_band(frames, heard, gains, numbers)
        change = self._change(heard, upper, cutoff_hz, share)
        added, overlap = self._overlapped(change, past.overlap, numbers)
        kept = State(tracking, peaks, fade, next_number, self._last(hops), overlap, sums, layers)
        return graph.reshape(before + added, 0, -1), self._packed(kept, audio)

    def _unpacked(self, state: Value) -> State:
        """Take the state apart; what is the same for all channels from the first one."""
        graph = self.graph
        sizes = graph.integers(*map(math.prod, SHAPES))
        parts = graph.nodes("Split", state, sizes, outputs=len(SHAPES), axis=1)
        shared = [
            graph.reshape(graph.slice(part, 0, 1, axis=0), *shape)
            for part, shape in zip(parts[:SHARED], SHAPES, strict=False)
        ]
        own = (
            graph.reshape(part, 0, *shape)
            for part, shape in zip(parts[SHARED:], SHAPES[SHARED:], strict=True)
        )
        return State(*shared, *own)

    def _packed(self, kept: State, audio: Value) -> Value:
        graph = self.graph
        batch = graph.slice(graph.node("Shape", audio), 0, 1)
        shared = graph.concat(*(graph.reshape(part, 1, -1) for part in kept[:SHARED]))
        count = graph.concat(batch, graph.integers(sum(map(math.prod, SHAPES[:SHARED]))))
        own = (graph.reshape(part, 0, -1) for part in kept[SHARED:])
        return graph.concat(graph.node("Expand", shared, count), *own)

    def _hop_numbers(self, first: Value, frames: Value) -> tuple[Value, Value]:
        """Give the numbers of the hops, (H,), and of the next one, (1,), which NOISE_FRAMES bounds."""
        graph = self.graph
        hops = graph.squeeze(graph.slice(graph.node("Shape", frames), 1, 2), 0)
        places = graph.node("Range", graph.scalar(0), hops, graph.scalar(1))
        numbers = graph.as_integer(first) + places
        following = graph.as_integer(first) + hops
        period = graph.scalar(NOISE_FRAMES)
        wrapped = graph.node("Mod", following, period) + period
        return numbers, graph.as_float(graph.node("Min", following, wrapped))

    def _listen(self, frames: Value) -> Heard:
        graph = self.graph
        spectrum = self._spectrum(frames)
        power = self._power(spectrum)
        of_all = graph.node("ReduceSum", power, graph.integers(0), keepdims=0)
        _, level = self._levels(power)
        loudest = graph.node("ReduceMax", level, axes=[0], keepdims=1)
        raised = graph.smallest(graph.node("Exp", (loudest - level) / 2.0), MOST_RAISED)
        spectrum = Spectrum(spectrum.re * raised, spectrum.im * raised)
        power = self._power(spectrum)
        mean, level = self._levels(power)
        logs = graph.node("MatMul", graph.node("Log", power + LINE_POWER_FLOOR), self.input_bands)
        tonality = graph.node("Log", mean + LINE_POWER_FLOOR) - logs
        shape = graph.node("Log", mean + POWER_FLOOR) - level
        return Heard(spectrum, power, raised, of_all, shape, level, tonality)

    def _spectrum(self, frames: Value) -> Spectrum:
        return Spectrum(*analysed(self.graph, frames))

    def _power(self, spectrum: Spectrum) -> Value:
        return spectrum.re * spectrum.re + spectrum.im * spectrum.im

    def _levels(self, power: Value) -> tuple[Value, Value]:
        """Give the mean power of the bands, and the level of the lowest ones."""
        graph = self.graph
        mean = graph.node("MatMul", power, self.input_bands)
        lowest = graph.node("Log", graph.slice(mean, 0, LEVEL_BANDS) + POWER_FLOOR)
        return mean, graph.node("ReduceMean", lowest, axes=[2], keepdims=1)

    def _follow(self, heard: Heard, past: State) -> tuple[list[Value], list[Value]]:
        """Go from hop to hop.

        Gives the next states, and for each hop the cut-off, (H, 1), the share of what is to be added, (H, 1), and the
        leaky sums of shape, level and activity, (B, H, INPUT_BANDS + 2).
        """
        graph, cutoffs = self.graph, CutoffSteps(self.graph)
        activity = graph.node("Sigmoid", heard.level - ACTIVE_LEVEL)
        active = graph.concat(heard.shape * activity, heard.level * activity, activity)

        def step(
            numbers: Value, peaks: Value, fade: Value, sums: Value, power: Value, new: Value
        ) -> tuple[list[Value], list[Value]]:
            before_hz = graph.largest(cutoffs.cutoff_hz(numbers), float(BAND))
            numbers, peaks = cutoffs.push(power, numbers, peaks)
            hz = graph.largest(cutoffs.cutoff_hz(numbers), float(BAND))
            jumps = graph.largest(hz, before_hz) > graph.smallest(hz, before_hz) * JUMP
            fade = graph.where(jumps, float(FADE_HOPS), fade)
            done = 1.0 - fade / float(FADE_HOPS)
            share = done * done * (3.0 - done * 2.0)
            sums = sums * DECAY + new
            return [numbers, peaks, graph.largest(fade - 1.0, 0.0), sums], [hz, share, sums]

        of_a_hop = ("batch", INPUT_BANDS + 2)
        return graph.scan(
            step,
            state=[
                (cutoffs.begin(past.tracking), (NUMBERS,)),
                (past.peaks, PEAKS),
                (past.fade, (1,)),
                (past.sums, of_a_hop),
            ],
            items=[(heard.power_of_all, (LINES,), 0), (active, of_a_hop, 1)],
            outputs=[((1,), 0), ((1,), 0), (of_a_hop, 1)],
        )

    def _features(self, heard: Heard, cutoff_hz: Value, averages: Value) -> Value:
        graph = self.graph
        centres = graph.constant(bands.input_centres_hz())
        present = graph.node("Sigmoid", (cutoff_hz * 0.93 - centres) / 80.0)
        weight = graph.slice(averages, -1) + 1e-2
        mean_shape = graph.slice(averages, 0, -2) / weight
        mean_level = graph.slice(averages, -2, -1) / weight
        cutoff = graph.node("Log", cutoff_hz / 8_000.0) + heard.level * 0.0
        return graph.concat(
            present * heard.shape / 4.0,
            heard.level / 6.0 + 1.0,
            cutoff,
            present * mean_shape / 4.0,
            (heard.level - mean_level) / 6.0,
            present * heard.tonality / 2.0,
        )

    def _layers(self, features: Value, past: Value) -> tuple[Value, Value]:
        """Give the gains in absolute bands but for the level, and the past hops of the blocks."""
        graph = self.graph
        x = self._linear("enter", features)
        kept = []
        for number in range(BLOCKS):
            block = f"blocks.{number}"
            before = graph.squeeze(graph.slice(past, number, number + 1, axis=1), 1)
            rows = graph.concat(before, graph.node("Transpose", x, perm=[0, 2, 1]))
            kept.append(graph.unsqueeze(graph.slice(rows, 1 - KERNEL), 1))
            y = graph.node("Conv", rows, *self._parameters(f"{block}.depthwise"), group=CHANNELS)
            y = self._norm(f"{block}.norm", graph.node("Transpose", y, perm=[0, 2, 1]))
            y = self._linear(f"{block}.narrow", self._gelu(self._linear(f"{block}.widen", y)))
            x = x + y * graph.constant(self.tensors[f"{block}.scale"])
        return self._linear("leave", self._norm("norm", x)), graph.concat(*kept, axis=1)

    def _parameters(self, name: str) -> list[Value]:
        return [self.graph.constant(self.tensors[f"{name}.{kind}"]) for kind in ("weight", "bias")]

    def _linear(self, name: str, x: Value) -> Value:
        weight = self.tensors[f"{name}.weight"]
        weight = weight.reshape(weight.shape[:2]).T  # `enter` is a convolution of one tap
        bias = self.graph.constant(self.tensors[f"{name}.bias"])
        return self.graph.node("MatMul", x, self.graph.constant(weight)) + bias

    def _norm(self, name: str, x: Value) -> Value:
        parameters = self._parameters(name)
        return self.graph.node("LayerNormalization", x, *parameters, axis=-1, epsilon=NORM_EPSILON)

    def _gelu(self, x: Value) -> Value:
        inner = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
        return x * (self.graph.node("Tanh", inner) + 1.0) * 0.5

    def _upper_band(self, frames: Value, heard: Heard, gains: Value, numbers: Value) -> Spectrum:
        """Shape the rectified input and the noise."""
        graph = self.graph
        gains = gains + heard.level / 2.0
        curve = graph.constant(bands.gain_curve())
        voiced, hiss = (
            graph.node(
                "Exp", graph.clip(graph.node("MatMul", part, curve), LOWEST_GAIN, HIGHEST_GAIN)
            )
            for part in (graph.slice(gains, 0, GAIN_BANDS), graph.slice(gains, GAIN_BANDS))
        )
        rectified = self._spectrum(graph.node("Relu", frames))
        voiced = voiced * heard.raised * self._whitening(rectified, heard.raised)
        table = bands.noise_spectra()
        places = graph.node("Mod", numbers, graph.scalar(NOISE_FRAMES))
        noise = [graph.node("Gather", graph.constant(table[..., part]), places) for part in (0, 1)]
        return Spectrum(
            *(part * voiced + n * hiss for part, n in zip(rectified, noise, strict=True))
        )

    def _whitening(self, spectrum: Spectrum, raised: Value) -> Value:
        """Give one over the root of the power around each line."""
        graph, sides = self.graph, WHITENING_LINES // 2
        power = self._power(spectrum) * raised * raised
        ends = graph.integers(0, 0, sides, 0, 0, sides)
        power = graph.node("Pad", power, ends, mode="edge")
        smooth = graph.node("AveragePool", power, kernel_shape=[WHITENING_LINES])
        return graph.node("Reciprocal", graph.node("Sqrt", smooth + WHITENING_FLOOR))

    def _change(self, heard: Heard, upper: Spectrum, cutoff_hz: Value, share: Value) -> Value:
        """Give what each frame adds to the audio, (B, H, FFT)."""
        graph = self.graph
        above = (self.hertz - cutoff_hz * CROSSOVER_START) / (CROSSOVER_LINES * LINE_HZ) + 0.5
        factor = graph.clip(above, 0.0, 1.0) * share / heard.raised
        re, im = (factor * (new - old) for new, old in zip(upper, heard.spectrum, strict=True))
        frames = synthesised(graph, re, im)
        sound = graph.node("ReduceSum", heard.power, graph.integers(2), keepdims=1) > 0.0
        return graph.where(sound & (cutoff_hz < FULL_BAND_HZ), frames, 0.0)

    def _overlapped(self, change: Value, overlap: Value, numbers: Value) -> tuple[Value, Value]:
        """Add the halves of the frames: (B, H, HOP). A stream's first hop lies before it, and adds nothing."""
        graph = self.graph
        started = graph.smallest(graph.as_float(numbers), 1.0)
        first = graph.slice(change, 0, HOP) * graph.reshape(started, 1, -1, 1)
        second = graph.slice(change, HOP)
        late = graph.concat(graph.unsqueeze(overlap, 1), graph.slice(second, 0, -1, axis=1), axis=1)
        return late + first, self._last(second)

    def _last(self, hops: Value) -> Value:
        return self.graph.squeeze(self.graph.slice(hops, -1, axis=1), 1)
