"""The running cut-off estimator, cpp/src/dsp/cutoff_estimator.cpp, as part of an ONNX graph."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from novasr.families.onnx_graph import Graph, Value
from novasr.families.wide.architecture import LINES
from novasr.families.wide.cutoff_rules import LEAKAGE_DOWN_DB, LEAKING_BINS, RULES, SCALES, Scale


class Known(NamedTuple):
    """What is known of a stream: values of shape (1,), zero at the start; a cut-off of 0 is the full band."""

    hz: Value
    confidence: Value
    frames: Value  # active ones in the block that is being filled
    complete_blocks: Value
    loudest: Value
    current_hz: Value
    current_fall_db: Value
    current_windows: Value
    challenger_hz: Value
    challenger_fall_db: Value
    challenger_windows: Value
    evidence_db: Value
    halves_above: Value
    dead_db: Value
    knows_dead: Value
    full_band_confidence: Value


class Cliff(NamedTuple):
    """The most distinct edge in a window: values of shape (1,)."""

    hz: Value
    fall_db: Value
    excess_db: Value


Step = Callable[[], Known]
NUMBERS = len(Known._fields)
PEAKS = (RULES.blocks, LINES)


class CutoffSteps:
    """Writes what happens with each frame."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.zero = graph.constant([0.0])
        self.bins = graph.constant(np.arange(LINES))

    def begin(self, numbers: Value) -> Value:
        """Put the full band in the place of a cut-off of 0: (NUMBERS,)."""
        known = self._unpacked(numbers)
        hz = self.graph.where(known.hz > 0.0, known.hz, RULES.full_band_hz)
        return self._packed(known._replace(hz=hz))

    def cutoff_hz(self, numbers: Value) -> Value:
        """Give the cut-off in Hz: (1,)."""
        return self.graph.slice(numbers, 0, 1)

    def push(self, power: Value, numbers: Value, peaks: Value) -> tuple[Value, Value]:
        """Take the power of a frame, (LINES,); give the next state, (NUMBERS,) and PEAKS."""
        graph = self.graph
        known = self._unpacked(numbers)
        active, loudest = self._is_active(power, known)
        filling = graph.slice(peaks, -1, axis=0)
        filled = graph.where(active, graph.largest(filling, power), filling)
        peaks = graph.concat(graph.slice(peaks, 0, -1, axis=0), filled, axis=0)
        frames = known.frames + graph.where(active, 1.0, self.zero)
        known = known._replace(loudest=loudest, frames=frames)

        def keep() -> list[Value]:
            return [self._packed(known), peaks]

        def complete() -> list[Value]:
            count = graph.smallest(known.complete_blocks + 1.0, float(RULES.blocks))
            now = known._replace(frames=self.zero, complete_blocks=count)
            (result,) = graph.cond(
                count >= float(RULES.blocks),
                lambda: [self._packed(self._analysed(peaks, now))],
                lambda: [self._packed(now)],
            )
            empty = graph.constant(np.zeros((1, LINES)))
            return [result, graph.concat(graph.slice(peaks, 1, axis=0), empty, axis=0)]

        numbers, peaks = graph.cond(frames >= float(RULES.block_frames), complete, keep)
        return numbers, peaks

    def _packed(self, known: Known) -> Value:
        return self.graph.concat(*known)

    def _unpacked(self, numbers: Value) -> Known:
        return Known(*self.graph.nodes("Split", numbers, outputs=NUMBERS, axis=0))

    def _is_active(self, power: Value, known: Known) -> tuple[Value, Value]:
        """Tell whether a frame carries sound, and the loudest frame so far."""
        graph = self.graph
        total = self._sum(power)
        above = self._sum(graph.slice(power, RULES.first_bin))
        finite = total < RULES.overflow  # False for NaN
        risen = graph.smallest(above, graph.largest(known.loudest, RULES.silence) * RULES.attack)
        loudest = graph.largest(risen, known.loudest * RULES.release)
        loudest = graph.where(finite, loudest, known.loudest)
        sounds = (above > RULES.silence) & (above > loudest * RULES.active_range)
        return finite & sounds, loudest

    def _analysed(self, peaks: Value, known: Known) -> Known:
        graph = self.graph
        level_db = self._decibels(
            graph.largest(graph.node("ReduceMax", peaks, axes=[0], keepdims=0), RULES.least_power)
        )
        cliff = self._find_cliff(level_db)
        same = (known.current_windows > 0.0) & self._same(cliff.hz, known.hz)
        known = self._cond(
            cliff.excess_db < -RULES.doubt_db,
            lambda: self._weaken(known),
            lambda: self._cond(
                same,
                lambda: self._confirm(cliff, self._learn_dead_level(level_db, known)),
                lambda: self._challenge(cliff, known),
            ),
        )
        return self._cond(
            cliff.excess_db < 0.0,
            lambda: self._cond(
                known.hz < RULES.full_band_hz,
                lambda: self._look_above(level_db, known),
                lambda: self._rate_full_band(level_db, known),
            ),
            lambda: known,
        )

    def _find_cliff(self, level_db: Value) -> Cliff:
        graph = self.graph
        smooth_db = {reach: self._smooth(level_db, reach) for reach in (1, 2, 3)}
        band_db = self._without_leakage(smooth_db[1], level_db)
        falls = [self._steepest(band_db, smooth_db[scale.reach], scale) for scale in SCALES]
        # (scales,) each
        steepest, to_db, fall_db, excess_db = (
            graph.concat(*values, axis=0) for values in zip(*falls, strict=True)
        )
        best = self._place_of_largest(excess_db)
        steepest, to_db, fall_db, excess_db = (
            graph.node("Gather", values, best) for values in (steepest, to_db, fall_db, excess_db)
        )
        place = self._crossing(smooth_db[1], steepest, to_db)
        return Cliff(place * RULES.bin_hz, fall_db, excess_db)

    def _steepest(
        self, band_db: Value, smooth_db: Value, scale: Scale
    ) -> tuple[Value, Value, Value, Value]:
        """Give the bin of the steepest edge, the level that marks it, its fall, and the excess of that."""
        graph = self.graph
        above_db = self._largest_above(smooth_db)
        from_db = graph.node("Gather", band_db, graph.constant(scale.band))
        from_db = graph.node("ReduceMin", from_db, axes=[1], keepdims=0)  # (edges,)
        falls_db = from_db - graph.node("Gather", above_db, graph.constant(scale.above))
        edge = self._place_of_largest(falls_db)
        fall_db = graph.node("Gather", falls_db, edge)
        number = self.graph.as_float(edge)
        edges = graph.constant(np.arange(len(scale.above), dtype=np.float32))
        other = (edges < number) & (falls_db <= fall_db * RULES.knee)
        knee = self._reduce("Max", graph.where(other, edges + 1.0, 0.0))
        to_db = graph.node("Gather", from_db, self.graph.as_integer(knee))
        to_db = to_db - graph.smallest(fall_db * 0.5, RULES.edge_db)
        return number + float(RULES.first_edge), to_db, fall_db, fall_db - scale.natural_db

    def _smooth(self, level_db: Value, reach: int) -> Value:
        graph = self.graph
        shaped = graph.reshape(level_db, 1, 1, LINES)
        inner = graph.node("AveragePool", shaped, kernel_shape=[2 * reach + 1])
        ends = graph.slice(level_db, 0, reach), graph.slice(level_db, -reach)
        return graph.concat(ends[0], graph.reshape(inner, -1), ends[1])

    def _largest_above(self, level_db: Value) -> Value:
        """Give the largest level from each bin upwards."""
        count = RULES.last_bin + 1
        shaped = self.graph.reshape(self.graph.slice(level_db, 0, count), 1, 1, count)
        found = self.graph.node("MaxPool", shaped, kernel_shape=[count], pads=[0, count - 1])
        return self.graph.reshape(found, -1)

    def _without_leakage(self, smooth_db: Value, level_db: Value) -> Value:
        graph = self.graph
        first, end = RULES.far_leakage, RULES.last_edge
        leaking_db = graph.node("Gather", level_db, graph.constant(LEAKING_BINS))
        leakage_db = graph.node(
            "ReduceMax", leaking_db - graph.constant(LEAKAGE_DOWN_DB), axes=[1], keepdims=0
        )
        inner = graph.slice(smooth_db, first, end)
        hidden = inner < leakage_db + RULES.leakage_margin_db
        inner = graph.where(hidden, RULES.dead_level_db, inner)
        return graph.concat(graph.slice(smooth_db, 0, first), inner, graph.slice(smooth_db, end))

    def _crossing(self, level_db: Value, place: Value, to_db: Value) -> Value:
        """Find where the level crosses `to_db` near a bin, in bins."""
        graph, first, last = self.graph, RULES.first_edge, RULES.last_edge
        edges = graph.constant(np.arange(first, last + 1, dtype=np.float32))
        here, above = (
            graph.slice(level_db, first, last + 1),
            graph.slice(level_db, first + 1, last + 2),
        )
        reached = (edges <= place) & (here >= to_db)
        place = self._reduce("Max", graph.where(reached, edges, float(first)))
        left = (edges >= place) & (above <= to_db)
        place = self._reduce("Min", graph.where(left, edges, float(last)))
        level_here, level_above = (
            graph.node("Gather", level_db, self.graph.as_integer(bins))
            for bins in (place, place + 1.0)
        )
        step_db = graph.largest(level_here - level_above, 1e-3)
        return place + graph.clip((level_here - to_db) / step_db, 0.0, 1.0)

    def _weaken(self, known: Known) -> Known:
        known = known._replace(evidence_db=known.evidence_db - RULES.decay_db)
        return self._without_challenger(known, known.evidence_db <= 0.0)

    def _confirm(self, cliff: Cliff, known: Known) -> Known:
        graph = self.graph
        windows = graph.smallest(known.current_windows + 1.0, float(RULES.mean_windows))
        hz = known.current_hz + (cliff.hz - known.current_hz) / windows
        fall_db = known.current_fall_db + (cliff.fall_db - known.current_fall_db) / windows
        settled = windows >= float(RULES.settled_windows)
        zone = graph.where(settled, RULES.settled_dead_zone, RULES.dead_zone)
        moved = graph.node("Abs", hz - known.hz) > zone * known.hz
        return known._replace(
            hz=graph.where(moved, hz, known.hz),
            confidence=self._certainty(fall_db),
            current_hz=hz,
            current_fall_db=fall_db,
            current_windows=windows,
            **self._no_challenger(),
        )

    def _challenge(self, cliff: Cliff, known: Known) -> Known:
        graph = self.graph
        evidence_db = graph.smallest(cliff.excess_db + RULES.doubt_db, RULES.most_evidence_db)
        same = self._same(cliff.hz, known.challenger_hz)
        against = (known.challenger_windows > 0.0) & graph.node("Not", same)
        weaker = known._replace(evidence_db=known.evidence_db - evidence_db)
        return self._cond(
            against & (weaker.evidence_db > 0.0),
            lambda: weaker,
            lambda: self._support(cliff, evidence_db, self._without_challenger(known, against)),
        )

    def _support(self, cliff: Cliff, evidence_db: Value, known: Known) -> Known:
        """Add a window to the challenger, which wins if its evidence is enough."""
        graph = self.graph
        windows = graph.smallest(known.challenger_windows + 1.0, float(RULES.mean_windows))
        hz = known.challenger_hz + (cliff.hz - known.challenger_hz) / windows
        fall_db = known.challenger_fall_db + (cliff.fall_db - known.challenger_fall_db) / windows
        known = known._replace(
            challenger_hz=hz,
            challenger_fall_db=fall_db,
            challenger_windows=windows,
            evidence_db=known.evidence_db + evidence_db,
        )
        winner = known._replace(
            hz=hz,
            confidence=self._certainty(fall_db),
            current_hz=hz,
            current_fall_db=fall_db,
            current_windows=windows,
            halves_above=self.zero,
            knows_dead=self.zero,
            **self._no_challenger(),
        )
        least = graph.where(hz > known.hz, float(RULES.wider_windows), self.zero)
        enough = (known.evidence_db >= RULES.enough_evidence_db) & (windows >= least)
        return self._choose(enough, winner, known)

    def _learn_dead_level(self, level_db: Value, known: Known) -> Known:
        inside, count = self._above(known.hz)
        dead_db = self._sum(self.graph.where(inside, level_db, 0.0)) / count
        mean_db = known.dead_db + (dead_db - known.dead_db) * RULES.dead_share
        dead_db = self.graph.where(known.knows_dead > 0.0, mean_db, dead_db)
        return known._replace(
            dead_db=dead_db, knows_dead=self.graph.constant([1.0]), halves_above=self.zero
        )

    def _look_above(self, level_db: Value, known: Known) -> Known:
        graph = self.graph
        loudest, loudest_db = self._loudest(level_db)
        least_db = graph.where(
            known.knows_dead > 0.0,
            graph.largest(known.dead_db + RULES.alive_db, loudest_db - RULES.range_db),
            loudest_db - RULES.no_band_db,
        )
        distance = self.graph.as_float(self.bins) - self.graph.as_float(loudest)
        leakage = graph.largest(distance * distance * 4.0 - 1.0, 1.0)
        hidden_db = loudest_db - self._decibels(leakage) * 2.0 + RULES.leakage_margin_db
        inside, count = self._above(known.hz)
        alive = inside & (level_db > graph.largest(hidden_db, least_db))
        sound = self._sum(self.graph.as_float(alive)) * 2.0 > count
        halves = known.halves_above
        halves = graph.where(sound, halves + 2.0, graph.largest(halves - 1.0, 0.0))
        full = known._replace(
            hz=graph.constant([RULES.full_band_hz]),
            **dict.fromkeys(Known._fields[Known._fields.index("current_hz") :], self.zero),
            confidence=self.zero,
        )
        wide = halves >= 2.0 * RULES.wider_windows
        return self._choose(wide, full, known._replace(halves_above=halves))

    def _rate_full_band(self, level_db: Value, known: Known) -> Known:
        _, loudest_db = self._loudest(level_db)
        top_db = self._sum(self.graph.slice(level_db, RULES.first_top_bin, RULES.end_of_top))
        down_db = loudest_db - top_db / float(RULES.end_of_top - RULES.first_top_bin)
        share = (RULES.top_range_db - down_db) / (RULES.top_range_db - RULES.certain_top_range_db)
        rated = self.graph.clip(share, 0.0, 1.0)
        before = known.full_band_confidence
        confidence = before + (rated - before) * RULES.top_share
        return known._replace(confidence=confidence, full_band_confidence=confidence)

    def _above(self, hz: Value) -> tuple[Value, Value]:
        """Mark the bins of half an octave, from a little above an edge on, and count them."""
        graph, bins = self.graph, self.graph.as_float(self.bins)
        edge = graph.smallest(hz / RULES.bin_hz, float(RULES.last_edge))
        first = graph.node("Floor", edge * 1.1) + 3.0
        end = graph.smallest(graph.node("Floor", edge * 1.5) + 7.0, float(RULES.last_bin))
        return (bins >= first) & (bins < end), end - first

    def _loudest(self, level_db: Value) -> tuple[Value, Value]:
        searched = self.graph.slice(level_db, RULES.first_bin, RULES.last_bin)
        place = self.graph.node(
            "Add", self._place_of_largest(searched), self.graph.integers(RULES.first_bin)
        )
        return place, self.graph.node("Gather", level_db, place)

    def _no_challenger(self) -> dict[str, Value]:
        return {
            "challenger_hz": self.zero,
            "challenger_fall_db": self.zero,
            "challenger_windows": self.zero,
            "evidence_db": self.zero,
        }

    def _without_challenger(self, known: Known, condition: Value) -> Known:
        """Drop the challenger where the condition holds."""
        return self._choose(condition, known._replace(**self._no_challenger()), known)

    def _choose(self, condition: Value, yes: Known, no: Known) -> Known:
        return Known(
            *(
                a if a is b else self.graph.where(condition, a, b)
                for a, b in zip(yes, no, strict=True)
            )
        )

    def _cond(self, condition: Value, then: Step, otherwise: Step) -> Known:
        (numbers,) = self.graph.cond(
            condition, lambda: [self._packed(then())], lambda: [self._packed(otherwise())]
        )
        return self._unpacked(numbers)

    def _same(self, hz: Value, other_hz: Value) -> Value:
        return self.graph.node("Abs", hz - other_hz) < other_hz * RULES.same

    def _certainty(self, fall_db: Value) -> Value:
        return self.graph.clip(fall_db / RULES.certain_fall_db, 0.0, 1.0)

    def _decibels(self, x: Value) -> Value:
        return self.graph.node("Log", x) * (10.0 / math.log(10.0))

    def _sum(self, x: Value) -> Value:
        return self.graph.node("ReduceSum", x, self.graph.integers(0), keepdims=1)

    def _reduce(self, kind: str, x: Value) -> Value:
        return self.graph.node(f"Reduce{kind}", x, axes=[0], keepdims=1)

    def _place_of_largest(self, x: Value) -> Value:
        return self.graph.node("ArgMax", x, axis=0, keepdims=1)
