"""The command ``novasr report``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from novasr.cli.progress import NewBar, progress_bars
from novasr.cli.recordings import (
    DataFolders,
    Jobs,
    Limit,
    read_folders,
    require_packages,
    warn_left_out,
    writable,
)
from novasr.filesystem.suffixes import known_suffix
from novasr.offline.cores import core_count

if TYPE_CHECKING:
    from novasr.evaluation.benchmark import ModelFigure
    from novasr.evaluation.overview import Overview
    from novasr.evaluation.runner import Score
    from novasr.evaluation.systems import System
    from novasr.training.datasets import Recording

HELP = """Compare models on one page: fidelity, adaptability, speed and size.

Measures sinc, base, wide and other weights on this machine, and scores them on 48 kHz recordings; close other
programs first. docs/evaluation.md says what each figure means.

\b
Examples:
  novasr report recordings/
  novasr report speech/ music/ --limit 8 --plot report.png --json report.json
  novasr report recordings/ --weights runs/mine/weights.safetensors
"""


def report(
    data: DataFolders,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="W", help="Another model: v1, v2 or a weights file; repeatable."),
    ] = None,
    jobs: Jobs = None,
    limit: Limit = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures here.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw quality over cost here, as PNG."),
    ] = None,
) -> None:
    """Score, measure, print the page and write files."""
    if plot is not None:
        known_suffix(plot, ".png")
    require_packages(plotting=plot is not None)
    from novasr.evaluation import benchmark, overview, runner
    from novasr.evaluation.report import write_json
    from novasr.filesystem.replacing import replacing

    benchmark.require_linux()
    runner.require_metrics(("visqol",))
    recordings = read_folders(data, limit)
    with ExitStack() as files:
        json_now, plot_now = (
            files.enter_context(replacing(writable(path))) if path else None
            for path in (json_file, plot)
        )
        systems = overview.usual_systems(weights or [])
        found = _measure(recordings, systems, jobs or core_count())
        conditions = {"data": [str(folder) for folder in data], **found.conditions}
        print(overview.page(found))
        if json_now:
            write_json(json_now, {"conditions": conditions, **overview.figures(found)})
        if plot_now:
            overview.write_picture(plot_now, found)
    for path in (json_file, plot):
        if path is not None:
            print(f"written: {path}")


def _measure(recordings: list[Recording], systems: list[System], jobs: int) -> Overview:
    from novasr.evaluation import overview
    from novasr.evaluation.benchmark import conditions
    from novasr.evaluation.runner import usable

    machine = conditions()  # before this program adds to the load
    recordings = usable(recordings, systems[0].own.high_hz, warn_left_out)
    with progress_bars() as new_bar:
        speed = _speed(systems, new_bar)
        scores = _scores(recordings, systems, jobs, new_bar)
    scored = {score.recording for score in scores}
    seconds = sum(item.seconds for item in recordings if str(item.path) in scored)
    return overview.Overview(
        scores,
        speed,
        overview.sizes(systems),
        {**machine, **overview.METHOD, "recordings": len(scored), "seconds": seconds},
    )


def _speed(systems: list[System], new_bar: NewBar) -> dict[str, ModelFigure]:
    from novasr.evaluation.benchmark import measure_model, measure_resampler

    speed = {}
    for system in systems:
        with new_bar(f"speed of {system.name}"):
            speed[system.name] = (
                measure_model(system.name, system.weights)
                if system.is_network
                else measure_resampler(system.name)
            )
    return speed


def _scores(
    recordings: list[Recording], systems: list[System], jobs: int, new_bar: NewBar
) -> list[Score]:
    from novasr.evaluation import overview
    from novasr.evaluation.runner import evaluate

    scores: list[Score] = []
    for label, settings in overview.parts(systems[0].own).items():
        with new_bar(f"{label}, {len(recordings)} recordings") as bar:
            scores += evaluate(
                recordings, systems, settings, jobs=jobs, report=bar, left_out=warn_left_out
            )
        scored = {score.recording for score in scores}
        recordings = [recording for recording in recordings if str(recording.path) in scored]
    return scores
