"""The picture that ``novasr live`` draws of its statistics, in text of 80 by 24 characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from novasr.live.stats import SPECTRUM_BANDS

if TYPE_CHECKING:
    from novasr.live.stats import LiveEvent, LiveStats

LABEL_CELLS = 8
MODEL_CELLS = 10

METER_CELLS = 46
METER_FLOOR_DB = -60.0
LOUD_CELL, HOT_CELL = 37, 44  # from -12 and from -3 dB on
HOLD_SECONDS = 1.5

LOWEST_HZ, HIGHEST_HZ = 50, 24_000  # edges of the spectrum
BAND_CELLS = 3  # two of bar and a gap
SPECTRUM_ROWS = 4
SPECTRUM_FLOOR_DB, SPECTRUM_TOP_DB = -90.0, -20.0
RESTORED_DB = 10.0  # by which a band must rise to count as restored
RISE_WEIGHT = 0.03  # of the latest of ten reports a second
PLAIN, RESTORED = "blue", "orange1"
AXIS = {125: "125", 250: "250", 500: "500", 1000: "1k", 2000: "2k", 4000: "4k", 8000: "8k"}

EVENT_ROWS = 2

EIGHTHS_UP = " ▁▂▃▄▅▆▇█"
EIGHTHS_RIGHT = " ▏▎▍▌▋▊▉█"
STATE_STYLES = {"running": "bold green", "stopped": "bold red"}
KEYS = "b bypass (A/B)   w model   m mode   + - mix   r reset peaks   q quit"


class Screen:
    """Draws statistics, and remembers peaks."""

    def __init__(self) -> None:
        self._input = PeakHold()
        self._output = PeakHold()
        self._largest_load = 0.0
        self._rises: list[float] = []

    def draw(self, stats: LiveStats, events: Sequence[LiveEvent] = ()) -> Group:
        """Give the picture; of `events` the last two are seen."""
        self._input.update(stats.input_peak_db, stats.time)
        self._output.update(stats.output_peak_db, stats.time)
        before, after = stats.spectrum_before, stats.spectrum_after
        self._note_rises(before, after)
        self._largest_load = max(self._largest_load, stats.largest_load)
        return Group(
            _title(stats),
            _devices(stats),
            Text(),
            _meter("in", stats.input_peak_db, self._input),
            _meter("out", stats.output_peak_db, self._output),
            Text(),
            *_bars("before", before, [PLAIN] * len(before)),
            Text(),
            *_bars("after", after, [RESTORED if r > RESTORED_DB else PLAIN for r in self._rises]),
            _axis(),
            Text(),
            _figures(stats, self._largest_load),
            *_events(events),
            Text(KEYS, "dim"),
        )

    def _note_rises(self, before: Sequence[float], after: Sequence[float]) -> None:
        """Average by how much each band rises, for its two levels are of different moments."""
        old = self._rises or [a - b for a, b in zip(after, before, strict=True)]
        self._rises = [
            o + RISE_WEIGHT * (a - b - o) if max(a, b) > SPECTRUM_FLOOR_DB else o
            for o, a, b in zip(old, after, before, strict=True)
        ]


class PeakHold:
    """The largest level of all, and one that falls back after a while."""

    def __init__(self) -> None:
        self.largest_db = self.held_db = -float("inf")
        self._until = 0.0

    def update(self, level_db: float, now: float) -> None:
        """Take a level and its time in seconds."""
        self.largest_db = max(self.largest_db, level_db)
        if level_db >= self.held_db or now >= self._until:
            self.held_db, self._until = level_db, now + HOLD_SECONDS


def _title(stats: LiveStats) -> Table:
    left = Text.assemble(
        ("NovaSR live  ", "bold"),
        (f"● {stats.state}", STATE_STYLES.get(stats.state, "bold yellow")),
        f"  {_clock(stats.time)}",
    )
    if stats.record_problem:
        left.append("  recording stopped", "bold yellow")
    elif stats.recorded_s > 0:
        left.append("  ● ", "bold red").append(f"recorded {_clock(stats.recorded_s)}")
    if stats.record_lost:
        left.append(f", {stats.record_lost} frames lost", "yellow")
    return _two_sides(left, Text(f"{stats.rate / 1000:g} kHz, {stats.block} frames"))


def _devices(stats: LiveStats) -> Table:
    sound = Text("BYPASS", "bold black on yellow") if stats.bypass else Text(_model(stats), "bold")
    if stats.passthrough:
        sound = Text("nothing to add at this rate", "yellow")
    route = Text.assemble(stats.input, (" → ", "dim"), stats.output)
    route.truncate(50, overflow="ellipsis")
    return _two_sides(route, sound.append(f", mix {stats.mix:.0%}", "not bold default on default"))


def _model(stats: LiveStats) -> str:
    name = stats.model if len(stats.model) <= MODEL_CELLS else f"{stats.model[: MODEL_CELLS - 1]}…"
    if stats.cutoff_hz == 0:
        return f"{name} {stats.mode}"
    full = stats.cutoff_hz >= HIGHEST_HZ
    return f"{name}, " + ("full band" if full else f"from {stats.cutoff_hz / 1000:.1f} kHz")


def _two_sides(left: Text, right: Text) -> Table:
    table = Table.grid(expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(left, right)
    return table


def _meter(label: str, level_db: float, peak: PeakHold) -> Text:
    bar = _eighths(_position(level_db), METER_CELLS, EIGHTHS_RIGHT)
    held = round(_position(peak.held_db)) - 1
    if held >= 0 and bar[held] == " ":
        bar = f"{bar[:held]}│{bar[held + 1 :]}"
    return Text.assemble(
        (f"{label:{LABEL_CELLS}}", "bold"),
        (bar[:LOUD_CELL], "green on grey11"),
        (bar[LOUD_CELL:HOT_CELL], "yellow on grey11"),
        (bar[HOT_CELL:], "red on grey11"),
        f" {_db(level_db)} dB  peak ",
        (_db(peak.largest_db), "bold red" if peak.largest_db >= 0 else ""),
    )


def _position(level_db: float) -> float:
    return METER_CELLS * min(1.0, max(0.0, 1 - level_db / METER_FLOOR_DB))


def _bars(label: str, levels_db: Sequence[float], styles: Sequence[str]) -> list[Text]:
    per_db = SPECTRUM_ROWS / (SPECTRUM_TOP_DB - SPECTRUM_FLOOR_DB)
    columns = [
        _eighths((level - SPECTRUM_FLOOR_DB) * per_db, SPECTRUM_ROWS, EIGHTHS_UP)
        for level in levels_db
    ]
    lines = []
    for row in reversed(range(SPECTRUM_ROWS)):
        line = Text().append(f"{label if row == SPECTRUM_ROWS - 1 else '':{LABEL_CELLS}}", "bold")
        cells = ((column[row] * (BAND_CELLS - 1) + " ") for column in columns)
        for style, run in groupby(zip(styles, cells, strict=True), itemgetter(0)):
            line.append("".join(text for _, text in run), style)
        lines.append(line)
    return lines


def _axis() -> Text:
    line = [" "] * (LABEL_CELLS + BAND_CELLS * SPECTRUM_BANDS)
    for frequency, label in AXIS.items():
        band = int(
            SPECTRUM_BANDS * math.log(frequency / LOWEST_HZ) / math.log(HIGHEST_HZ / LOWEST_HZ)
        )
        start = LABEL_CELLS + BAND_CELLS * band
        line[start : start + len(label)] = label
    line[-len("24k Hz") :] = "24k Hz"
    return Text("".join(line), "dim")


def _figures(stats: LiveStats, largest_load: float) -> Table:
    lost = stats.xruns_input + stats.xruns_output + stats.underruns + stats.overruns
    table = Table.grid()
    table.add_column(width=LABEL_CELLS, style="bold")
    table.add_column(width=10, no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_row(
        "latency",
        f"{stats.latency_ms:.1f} ms",
        f"device {stats.device_ms:.1f} + ours {stats.our_ms:.1f}"
        if stats.device_ms > 0
        else "ours; the driver does not tell the devices' share",
    )
    table.add_row(
        "load",
        Text(f"{stats.load:.0%}", "bold red" if stats.load > 0.8 else ""),
        f"largest {largest_load:.0%}, late blocks {stats.late_blocks}",
    )
    table.add_row(
        "losses",
        Text(str(lost), "yellow" if lost else ""),
        f"xruns in {stats.xruns_input} out {stats.xruns_output}, "
        f"underruns {stats.underruns}, overruns {stats.overruns}, restarts {stats.restarts}",
    )
    if stats.buffered_ms > 0:
        evened = f"drift, evened out; buffered {stats.buffered_ms:.1f} ms, resyncs {stats.resyncs}"
        table.add_row("clocks", f"{stats.drift_ppm:+.0f} ppm", evened)
    else:
        table.add_row("clocks", "one", "")
    return table


def _events(events: Sequence[LiveEvent]) -> list[Text]:
    lines = [
        Text(f"{_clock(event.time)}  {event.message}", "yellow", no_wrap=True, overflow="ellipsis")
        for event in events[-EVENT_ROWS:]
    ]
    return lines + [Text()] * (EVENT_ROWS - len(lines))


def _eighths(filled: float, cells: int, glyphs: str) -> str:
    """Draw a bar that fills so many of the cells, to an eighth."""
    eighths = max(0, min(8 * cells, round(8 * filled)))
    return "".join(glyphs[max(0, min(8, eighths - 8 * cell))] for cell in range(cells))


def _db(level: float) -> str:
    return f"{max(level, -99.9):5.1f}"


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"
