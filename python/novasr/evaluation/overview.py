"""The four axes by which people choose: fidelity, adaptability, speed and size."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from novasr.audio.plot import require_matplotlib
from novasr.engines import is_script
from novasr.evaluation.protocols import USUAL_DEGRADATION
from novasr.evaluation.report import layout, mean_cell
from novasr.evaluation.runner import Settings
from novasr.evaluation.size import size_of
from novasr.evaluation.summary import all_classes, summarise
from novasr.evaluation.systems import BASE, System, choose, tasks_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from novasr.evaluation.benchmark import ModelFigure
    from novasr.evaluation.runner import Score
    from novasr.evaluation.size import Size
    from novasr.evaluation.summary import Mean, Row
    from novasr.families.task import Task

WIDE = "wide"
BANDS_KHZ = (4.0, 6.0, 8.0, 12.0)
#: How scores and times are taken.
METHOD = {
    "protocol": Settings.protocol,
    "degradation": USUAL_DEGRADATION[Settings.protocol],
    "bins": "up to each recording's own band",
    "scored_mode": "full from a network's own rate, extend from others",
    "timed_mode": "extend",
}
_AREA_PER_MEGABYTE = 500.0  # of a marker, in square points
_LEAST_AREA = 40.0


@dataclass(frozen=True)
class Overview:
    """Figures of each system.

    Attributes
    ----------
    scores : list of Score
        Plain outputs for clean inputs: LSD of several bands, and ViSQOL of one.
    speed : dict of str to ModelFigure
        By system.
    size : dict of str to Size
        By system; resamplers and TorchScript have none.
    conditions : dict of str to object
        Of :func:`novasr.evaluation.benchmark.conditions`, :data:`METHOD`, ``recordings`` and ``seconds``.
    """

    scores: list[Score]
    speed: dict[str, ModelFigure]
    size: dict[str, Size]
    conditions: dict[str, Any]

    @property
    def systems(self) -> list[str]:
        """Names, in the order of the scores."""
        return list(dict.fromkeys(score.system for score in self.scores))

    @cached_property
    def rows(self) -> list[Row]:
        """Means by system, class and band; all classes come last."""
        return summarise(self.scores)


def usual_systems(weights: Sequence[str]) -> list[System]:
    """List sinc, the models in this package and others.

    Parameters
    ----------
    weights : sequence of str
        The others, as for :func:`choose`.

    Raises
    ------
    WeightsError, StreamError
        If one of `weights` is not available.
    AudioFormatError
        If they differ in the rate of their output.
    """
    networks, _ = choose([BASE, WIDE, *weights], baselines=False)
    return [System("sinc"), *networks]


def parts(own: Task) -> dict[str, Settings]:
    """Tell what is scored: fidelity from the usual band, adaptability from the others of :data:`BANDS_KHZ`."""
    usual = tasks_of((), own)
    others = tuple(task for task in tasks_of(BANDS_KHZ, own) if task not in usual)
    return {
        "fidelity": Settings(("lsd", "visqol"), ("plain",), tasks=usual),
        "adaptability": Settings(("lsd",), ("plain",), tasks=others),
    }


def sizes(systems: Sequence[System]) -> dict[str, Size]:
    """Weigh the networks whose parameters can be read."""
    readable = [item for item in systems if item.is_network and not is_script(item.weights)]
    return {item.name: size_of(item.weights) for item in readable}


def page(overview: Overview) -> str:
    """Format the conditions and four tables."""
    told = overview.conditions
    rates = ", ".join(
        f"{2 * band_khz:g}" for band_khz in sorted({r.band_khz for r in overview.rows})
    )
    tables = {
        "Fidelity: all recordings, mean ± half of the 95 % interval": _fidelity(overview),
        "Adaptability: LSD by class and band of the input, * the lowest": _adaptability(overview),
        "Speed: one core; x real time for a file of 10 s from 16 to 48 kHz, latency and blocks of 10 ms "
        "for a stream at 48 kHz": _speed(overview),
        "Size": _size(overview),
    }
    return "\n\n".join(
        [
            f"{told['recordings']} recordings, {told['seconds'] / 60:.1f} minutes; "
            f"{told['cpu']}, {told['isa']}, float32, load {told['load']}\n"
            f"Protocol {told['protocol']}, to {rates} kHz by {told['degradation']}, bins {told['bins']}\n"
            f"Mode: {told['scored_mode']}; timed: {told['timed_mode']}",
            *(f"{heading}\n\n{table}" for heading, table in tables.items()),
        ]
    )


def _fidelity(overview: Overview) -> str:
    lines = [
        [
            row.system,
            f"{row.band_khz:g}",
            str(row.recordings),
            *(mean_cell(row.means.get(name), 2) for name in ("lsd", "visqol")),
        ]
        for row in all_classes(overview.rows)
        if "visqol" in row.means
    ]
    return layout(["system", "band kHz", "n", "LSD", "ViSQOL"], lines, markdown=False)


def _adaptability(overview: Overview) -> str:
    cells: dict[tuple[str, float, int], dict[str, Mean]] = {}
    for row in overview.rows:
        cells.setdefault((row.kind, row.band_khz, row.recordings), {})[row.system] = row.means[
            "lsd"
        ]
    lines = []
    for (kind, band_khz, count), found in sorted(cells.items(), key=lambda item: item[0][1]):
        best = min(found, key=lambda name: found[name].mean)
        marked = [
            mean_cell(found.get(name), 2) + (" *" if name == best else "")
            for name in overview.systems
        ]
        lines.append([kind, f"{band_khz:g}", str(count), *marked])
    order = [row.kind for row in overview.rows]
    lines.sort(key=lambda line: order.index(line[0]))
    return layout(["class", "band kHz", "n", *overview.systems], lines, markdown=False)


def _speed(overview: Overview) -> str:
    lines = [
        [
            name,
            figure.engine,
            f"{figure.speed:.0f}",
            _number(figure.latency_ms, 1),
            _number(figure.p50_us, 0),
            _number(figure.p99_us, 0),
        ]
        for name, figure in overview.speed.items()
    ]
    heading = [
        "system",
        "engine",
        "file x real time",
        "stream latency ms",
        "block p50 us",
        "p99 us",
    ]
    return layout(heading, lines, markdown=False)


def _size(overview: Overview) -> str:
    lines = []
    for name, figure in overview.speed.items():
        size = overview.size.get(name)
        own = ["0", "0", "-"]
        if size is not None:
            kilobytes = size.weights_bytes / 1e3
            own = [
                f"{size.parameters:,}",
                f"{kilobytes:,.0f}",
                _number(size.mmacs_per_second, 0),
            ]
        lines.append([name, *own, f"{figure.memory_mb:.0f}"])
    heading = ["system", "parameters", "weights kB", "MMAC/s", "memory MB"]
    return layout(heading, lines, markdown=False)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def figures(overview: Overview) -> dict[str, Any]:
    """Give all figures as JSON has them."""
    return {
        "summary": [asdict(row) for row in overview.rows],
        "speed": {name: asdict(figure) for name, figure in overview.speed.items()},
        "size": {name: asdict(size) for name, size in overview.size.items()},
    }


def pareto(points: dict[str, tuple[float, float]]) -> list[str]:
    """Name the points that no other one beats, by cost.

    Parameters
    ----------
    points : dict of str to (float, float)
        Cost, of which less is better, and quality, of which more is.

    Returns
    -------
    list of str
        In ascending order of cost and quality.
    """
    front: list[str] = []
    highest = -math.inf
    for name, (_, quality) in sorted(points.items(), key=lambda item: (item[1][0], -item[1][1])):
        if quality > highest:
            front.append(name)
            highest = quality
    return front


def write_picture(destination: Path, overview: Overview) -> None:
    """Draw quality over the load of a core, and the distance over the rate of the input.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = {name: f"C{number % 10}" for number, name in enumerate(overview.systems)}
    _draw_front(left, overview, colours)
    _draw_bands(right, overview, colours)
    figure.savefig(destination, format="png", dpi=120)


def _draw_front(axes: Axes, overview: Overview, colours: dict[str, str]) -> None:
    from matplotlib.ticker import LogLocator

    points = {
        row.system: (100 / overview.speed[row.system].speed, row.means["visqol"].mean)
        for row in all_classes(overview.rows)
        if "visqol" in row.means
    }
    front = [points[name] for name in pareto(points)]
    axes.step(*zip(*front, strict=True), where="post", color="0.7", zorder=1)
    axes.set_xscale("log")
    axes.margins(0.2)
    middle = math.sqrt(math.prod(axes.get_xlim()))
    for name, (load, quality) in points.items():
        size = overview.size.get(name)
        megabytes = size.weights_bytes / 1e6 if size else 0.0
        area = max(_LEAST_AREA, _AREA_PER_MEGABYTE * megabytes)
        axes.scatter(load, quality, s=area, color=colours[name], zorder=2)
        side = -1 if load > middle else 1  # towards the middle, where there is room
        axes.annotate(
            _label(name, overview.speed[name].latency_ms, size),
            (load, quality),
            xytext=(side * (4 + math.sqrt(area) / 2), 6),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
        )
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel("load of one core, %   (less is better)")
    axes.set_ylabel("ViSQOL, MOS-LQO   (more is better)")
    axes.set_title("Quality over cost: best at the top left; area is the size", loc="left")


def _label(name: str, latency_ms: float | None, size: Size | None) -> str:
    notes = [f"{size.weights_bytes / 1e3:,.0f} kB"] if size else []
    notes += [f"{latency_ms:.1f} ms"] if latency_ms is not None else []
    return "\n".join([name, ", ".join(notes)]).strip()


def _draw_bands(axes: Axes, overview: Overview, colours: dict[str, str]) -> None:
    rows = sorted(all_classes(overview.rows), key=lambda row: row.band_khz)
    for name in overview.systems:
        own = [row for row in rows if row.system == name]
        bands, means = [row.band_khz for row in own], [row.means["lsd"] for row in own]
        axes.plot(bands, [mean.mean for mean in means], "o-", color=colours[name], label=name)
        ends = [mean.low for mean in means], [mean.high for mean in means]
        axes.fill_between(bands, *ends, color=colours[name], alpha=0.15, linewidth=0)
    axes.invert_yaxis()
    axes.set_xticks(sorted({row.band_khz for row in rows}))
    axes.set_xlabel("band of the input, kHz")
    axes.set_ylabel("LSD   (less is better, up)")
    axes.set_title("Adaptability: inputs of other bands", loc="left")
    axes.legend()
