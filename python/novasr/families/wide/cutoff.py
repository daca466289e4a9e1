"""The running cut-off estimator, cpp/src/dsp/cutoff_estimator.cpp, in a form that TorchScript takes."""

# Without `from __future__ import annotations`: TorchScript does not resolve the strings that it makes of them.

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from novasr.families.wide.architecture import LINES
from novasr.families.wide.cutoff_rules import LEAKAGE_DOWN_DB, LEAKING_BINS, RULES, SCALES, Rules


class Tracking:
    """What is known of a stream: the numbers of the state."""

    def __init__(self, numbers: list[float]) -> None:
        self.hz = numbers[0]
        self.confidence = numbers[1]
        self.frames = numbers[2]  # active ones in the block that is being filled
        self.complete_blocks = numbers[3]
        self.loudest = numbers[4]
        self.current_hz = numbers[5]
        self.current_fall_db = numbers[6]
        self.current_windows = numbers[7]
        self.challenger_hz = numbers[8]
        self.challenger_fall_db = numbers[9]
        self.challenger_windows = numbers[10]
        self.evidence_db = numbers[11]
        self.halves_above = numbers[12]
        self.dead_db = numbers[13]
        self.knows_dead = numbers[14]
        self.full_band_confidence = numbers[15]

    def numbers(self) -> list[float]:
        """Give them in the order in which they were taken."""
        return [
            self.hz,
            self.confidence,
            self.frames,
            self.complete_blocks,
            self.loudest,
            self.current_hz,
            self.current_fall_db,
            self.current_windows,
            self.challenger_hz,
            self.challenger_fall_db,
            self.challenger_windows,
            self.evidence_db,
            self.halves_above,
            self.dead_db,
            self.knows_dead,
            self.full_band_confidence,
        ]

    def drop_challenger(self) -> None:
        """Begin it anew."""
        self.challenger_hz = 0.0
        self.challenger_fall_db = 0.0
        self.challenger_windows = 0.0
        self.evidence_db = 0.0


class CutoffTracker(nn.Module):
    """Follows where the band of a stream ends, from the power spectra of its frames.

    The state is two tensors: the numbers of :class:`Tracking`, and the largest power of each bin in the last blocks,
    (blocks, LINES), of which the last one is being filled.
    """

    rules: Rules
    bands: list[Tensor]
    above: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.rules, self.lines = RULES, LINES
        self.natural_db = [scale.natural_db for scale in SCALES]
        self.reach = [scale.reach for scale in SCALES]
        self.bands = [torch.from_numpy(scale.band) for scale in SCALES]
        self.above = [torch.from_numpy(scale.above) for scale in SCALES]
        self.leaking = torch.from_numpy(LEAKING_BINS)
        self.leakage_db = torch.from_numpy(LEAKAGE_DOWN_DB)
        self.bins = torch.arange(LINES)

    def initial_state(self, hz: float) -> list[Tensor]:
        """State before the first frame, with what is assumed until there is evidence."""
        numbers = torch.zeros(16)
        numbers[0] = hz
        return [numbers, torch.zeros(self.rules.blocks, self.lines)]

    def forward(
        self, power: Tensor, numbers: Tensor, peaks: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Take the power of frames, (frames, LINES); give the cut-off after each, in Hz, and the next state."""
        rules = self.rules
        values: list[float] = numbers.tolist()
        known = Tracking(values)
        sums: list[float] = power[:, rules.first_bin :].sum(1).tolist()
        totals: list[float] = power.sum(1).tolist()
        cutoffs: list[float] = []
        for frame in range(len(sums)):
            if self._is_active(sums[frame], totals[frame], known):
                filled = torch.maximum(peaks[-1], power[frame])
                peaks = torch.cat([peaks[:-1], filled[None]])
                known.frames += 1
                if known.frames == rules.block_frames:
                    known.frames = 0.0
                    known.complete_blocks = min(known.complete_blocks + 1, rules.blocks)
                    if known.complete_blocks == rules.blocks:
                        self._analyse(peaks, known)
                    peaks = torch.cat([peaks[1:], torch.zeros_like(peaks[:1])])
            cutoffs.append(known.hz)
        return torch.tensor(cutoffs), torch.tensor(known.numbers()), peaks

    def _is_active(self, power: float, total: float, known: Tracking) -> bool:
        rules = self.rules
        if not total < rules.overflow:  # also for NaN
            return False
        risen = min(power, rules.attack * max(known.loudest, rules.silence))
        known.loudest = max(risen, rules.release * known.loudest)
        return power > rules.silence and power > rules.active_range * known.loudest

    def _analyse(self, peaks: Tensor, known: Tracking) -> None:
        rules = self.rules
        level_db = 10 * torch.log10(peaks.amax(0).clamp(min=rules.least_power))
        loudest = rules.first_bin + int(level_db[rules.first_bin : rules.last_bin].argmax())
        hz, fall_db, excess_db = self._find_cliff(level_db)
        if excess_db < -rules.doubt_db:
            known.evidence_db -= rules.decay_db
            if known.evidence_db <= 0:
                known.drop_challenger()
        elif known.current_windows > 0 and self._same(hz, known.hz):
            self._learn_dead_level(level_db, known)
            self._confirm(hz, fall_db, known)
        else:
            self._challenge(hz, fall_db, excess_db, known)
        if excess_db < 0:
            if known.hz < rules.full_band_hz:
                self._look_above(level_db, loudest, known)
            else:
                self._rate_full_band(level_db, loudest, known)

    def _find_cliff(self, level_db: Tensor) -> tuple[float, float, float]:
        """Give the most distinct edge in Hz, its fall, and how far that exceeds what natural sounds reach."""
        rules = self.rules
        fine_db = self._smooth(level_db, 1)
        band_db = self._without_leakage(fine_db, level_db)
        steepest, edge_db, best_fall_db, best_db = 0, 0.0, 0.0, -math.inf
        for scale in range(len(self.bands)):
            smooth_db = self._smooth(level_db, self.reach[scale])[: rules.last_bin + 1]
            above_db = smooth_db.flip(0).cummax(0)[0].flip(0)
            from_db = band_db[self.bands[scale]].amin(1)
            falls_db = from_db - above_db[self.above[scale]]
            edge = int(falls_db.argmax())
            fall_db = float(falls_db[edge])
            if fall_db - self.natural_db[scale] > best_db:
                other = (falls_db[:edge] <= rules.knee * fall_db).nonzero()
                knee = int(other[-1]) + 1 if len(other) > 0 else 0
                edge_db = float(from_db[knee]) - min(rules.edge_db, 0.5 * fall_db)
                steepest, best_fall_db = edge + rules.first_edge, fall_db
                best_db = fall_db - self.natural_db[scale]
        hz = rules.bin_hz * self._crossing(fine_db, steepest, edge_db)
        return hz, best_fall_db, best_db

    def _smooth(self, level_db: Tensor, reach: int) -> Tensor:
        inner = F.avg_pool1d(level_db[None], 2 * reach + 1, 1)[0]
        return torch.cat([level_db[:reach], inner, level_db[-reach:]])

    def _without_leakage(self, smooth_db: Tensor, level_db: Tensor) -> Tensor:
        rules = self.rules
        first, end = rules.far_leakage, rules.last_edge
        leakage_db = (level_db[self.leaking] - self.leakage_db).amax(1)
        inner = smooth_db[first:end]
        hidden = inner < leakage_db + rules.leakage_margin_db
        inner = inner.masked_fill(hidden, rules.dead_level_db)
        return torch.cat([smooth_db[:first], inner, smooth_db[end:]])

    def _crossing(self, level_db: Tensor, place: int, to_db: float) -> float:
        """Find where the level crosses `to_db` near a bin, in bins."""
        rules = self.rules
        levels: list[float] = level_db.tolist()
        while place > rules.first_edge and levels[place] < to_db:
            place -= 1
        while place < rules.last_edge and levels[place + 1] > to_db:
            place += 1
        step_db = max(levels[place] - levels[place + 1], 1e-3)
        return place + min(max((levels[place] - to_db) / step_db, 0.0), 1.0)

    def _same(self, hz: float, other_hz: float) -> bool:
        return abs(hz - other_hz) < self.rules.same * other_hz

    def _certainty(self, fall_db: float) -> float:
        return min(max(fall_db / self.rules.certain_fall_db, 0.0), 1.0)

    def _confirm(self, hz: float, fall_db: float, known: Tracking) -> None:
        rules = self.rules
        known.current_windows = min(known.current_windows + 1, rules.mean_windows)
        known.current_hz += (hz - known.current_hz) / known.current_windows
        known.current_fall_db += (fall_db - known.current_fall_db) / known.current_windows
        known.drop_challenger()
        settled = known.current_windows >= rules.settled_windows
        zone = rules.settled_dead_zone if settled else rules.dead_zone
        if abs(known.current_hz - known.hz) > zone * known.hz:
            known.hz = known.current_hz
        known.confidence = self._certainty(known.current_fall_db)

    def _challenge(self, hz: float, fall_db: float, excess_db: float, known: Tracking) -> None:
        rules = self.rules
        evidence_db = min(excess_db + rules.doubt_db, rules.most_evidence_db)
        if known.challenger_windows > 0 and not self._same(hz, known.challenger_hz):
            known.evidence_db -= evidence_db
            if known.evidence_db > 0:
                return
            known.drop_challenger()
        known.challenger_windows = min(known.challenger_windows + 1, rules.mean_windows)
        known.challenger_hz += (hz - known.challenger_hz) / known.challenger_windows
        known.challenger_fall_db += (fall_db - known.challenger_fall_db) / known.challenger_windows
        known.evidence_db += evidence_db
        wider = known.challenger_hz > known.hz
        if known.evidence_db < rules.enough_evidence_db:
            return
        if wider and known.challenger_windows < rules.wider_windows:
            return
        known.hz = known.challenger_hz
        known.current_hz = known.challenger_hz
        known.current_fall_db = known.challenger_fall_db
        known.current_windows = known.challenger_windows
        known.confidence = self._certainty(known.current_fall_db)
        known.drop_challenger()
        known.halves_above = 0.0
        known.knows_dead = 0.0

    def _above(self, hz: float) -> tuple[int, int]:
        """Give the bins of half an octave, from a little above an edge on."""
        edge = min(hz / self.rules.bin_hz, self.rules.last_edge)
        return int(1.1 * edge) + 3, min(int(1.5 * edge) + 7, self.rules.last_bin)

    def _learn_dead_level(self, level_db: Tensor, known: Tracking) -> None:
        first, end = self._above(known.hz)
        dead_db = float(level_db[first:end].mean())
        if known.knows_dead > 0:
            known.dead_db += self.rules.dead_share * (dead_db - known.dead_db)
        else:
            known.dead_db = dead_db
        known.knows_dead = 1.0
        known.halves_above = 0.0

    def _look_above(self, level_db: Tensor, loudest: int, known: Tracking) -> None:
        rules = self.rules
        loudest_db = float(level_db[loudest])
        least_db = loudest_db - rules.no_band_db
        if known.knows_dead > 0:
            least_db = max(known.dead_db + rules.alive_db, loudest_db - rules.range_db)
        first, end = self._above(known.hz)
        distance = (self.bins[first:end] - loudest).double()
        leakage_db = loudest_db - 20 * torch.log10((4 * distance.square() - 1).clamp(min=1))
        hidden_db = (leakage_db + rules.leakage_margin_db).clamp(min=least_db)
        alive = int((level_db[first:end] > hidden_db).sum())
        known.halves_above += 2.0 if 2 * alive > end - first else -min(known.halves_above, 1.0)
        if known.halves_above < 2 * rules.wider_windows:
            return
        known.hz = rules.full_band_hz
        known.confidence = 0.0
        known.current_hz = 0.0
        known.current_fall_db = 0.0
        known.current_windows = 0.0
        known.drop_challenger()
        known.halves_above = 0.0
        known.knows_dead = 0.0
        known.full_band_confidence = 0.0

    def _rate_full_band(self, level_db: Tensor, loudest: int, known: Tracking) -> None:
        rules = self.rules
        top_db = float(level_db[rules.first_top_bin : rules.end_of_top].mean())
        down_db = float(level_db[loudest]) - top_db
        share = (rules.top_range_db - down_db) / (rules.top_range_db - rules.certain_top_range_db)
        rated = min(max(share, 0.0), 1.0)
        known.full_band_confidence += rules.top_share * (rated - known.full_band_confidence)
        known.confidence = known.full_band_confidence
