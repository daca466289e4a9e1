"""The command ``novasr report``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novasr.cli.progress import NewBar, progress_bars
from novasr.cli.recordings import read_folders, require_packages, warn_left_out, writable
from novasr.filesystem.suffixes import known_suffix
from novasr.messages import print_warning
from novasr.offline.cores import core_count

if TYPE_CHECKING:
    from novasr.evaluation.overview import Overview
    from novasr.evaluation.systems import System
    from novasr.training.datasets import Recording

HELP = """Compare models on one page: fidelity, adaptability, speed and size.

Scores sinc, base, wide (where its weights are available) and other weights on 48 kHz recordings, and measures them on
this machine; close other programs first. docs/evaluation.md says what each figure means.

\b
Examples:
  novasr report recordings/
  novasr report speech/ music/ --limit 8 --plot report.png --json report.json
  novasr report recordings/ --weights runs/mine/weights.safetensors
"""


def report(
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA", readable=False, help="Folders of 48 kHz recordings."),
    ],
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="W", help="Another model: v1, v2 or a weights file; repeatable."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes.  [default: one per CPU]")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="At most N recordings of a folder, spread evenly."),
    ] = None,
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
        systems, missing = overview.usual_systems(weights or [])
        if missing is not None:
            print_warning(f"{overview.WIDE} is left out: {missing}")
        with progress_bars() as new_bar:
            found = _measure(recordings, systems, jobs or core_count(), new_bar)
        conditions = _conditions(found, data, recordings)
        print(
            f"{conditions['recordings']} recordings, {conditions['seconds'] / 60:.1f} minutes; "
            f"{conditions['cpu']}, {conditions['isa']}, float32, load {conditions['load']}\n"
        )
        print(overview.tables(found))
        if json_now:
            write_json(json_now, {"conditions": conditions, **overview.figures(found)})
        if plot_now:
            overview.write_picture(plot_now, found)
    for path in (json_file, plot):
        if path is not None:
            print(f"written: {path}")


def _measure(
    recordings: list[Recording], systems: list[System], jobs: int, new_bar: NewBar
) -> Overview:
    from novasr.engines import is_script
    from novasr.evaluation import overview
    from novasr.evaluation.benchmark import measure_model, measure_resampler
    from novasr.evaluation.runner import Settings, evaluate, usable
    from novasr.evaluation.size import size_of
    from novasr.evaluation.systems import tasks_of

    own = systems[0].own
    usual = tasks_of((), own)
    others = [task for task in tasks_of(overview.BANDS_KHZ, own) if task not in usual]
    parts = {
        "fidelity": Settings(("lsd", "visqol"), ("plain",), tasks=usual),
        "adaptability": Settings(("lsd",), ("plain",), tasks=tuple(others)),
    }
    recordings = usable(recordings, own.high_hz, warn_left_out)
    scores = []
    for label, settings in parts.items():
        with new_bar(f"{label}, {len(recordings)} recordings") as bar:
            scores += evaluate(
                recordings, systems, settings, jobs=jobs, report=bar, left_out=warn_left_out
            )
        scored = {score.recording for score in scores}
        recordings = [recording for recording in recordings if str(recording.path) in scored]
    speed = {}
    for system in systems:
        with new_bar(f"speed of {system.name}"):
            speed[system.name] = (
                measure_model(system.name, system.weights)
                if system.is_network
                else measure_resampler(system.name)
            )
    sized = [item for item in systems if item.is_network and not is_script(item.weights)]
    return overview.Overview(scores, speed, {item.name: size_of(item.weights) for item in sized})


def _conditions(found: Overview, data: list[Path], recordings: list[Recording]) -> dict[str, Any]:
    from novasr.evaluation.benchmark import conditions

    scored = {score.recording for score in found.scores}
    seconds = sum(item.seconds for item in recordings if str(item.path) in scored)
    return {
        **conditions(),
        "data": [str(folder) for folder in data],
        "recordings": len(scored),
        "seconds": seconds,
    }
