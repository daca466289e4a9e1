"""The command ``novasr evaluate``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novasr.checks import check_choice
from novasr.cli.numbers import numbers
from novasr.cli.progress import progress_bars
from novasr.cli.recordings import (
    DataFolders,
    Jobs,
    Limit,
    read_folders,
    require_packages,
    warn_left_out,
    writable,
)
from novasr.errors import AudioFileError
from novasr.filesystem.suffixes import known_suffix
from novasr.messages import print_warning
from novasr.models import OFFLINE_MODELS, chosen_weights
from novasr.offline.cores import core_count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from novasr.evaluation.runner import Score, Settings
    from novasr.evaluation.summary import Row
    from novasr.evaluation.systems import System
    from novasr.training.datasets import Recording


class Protocol(str, Enum):
    """Whose log-spectral distance, as an option."""

    p1 = "p1"
    p2 = "p2"


class Degradation(str, Enum):
    """The downsampling, as an option."""

    soxr = "soxr"
    torchaudio = "torchaudio"
    mask = "mask"


HELP = """Score networks and baselines on recordings, with confidence intervals.

Each recording, at 48 kHz unless --rate says otherwise, is downsampled to twice the band, by default to 16 kHz,
extended by every system, and compared with the original. A folder may hold a manifest.csv with the columns file,
bandwidth_khz, speaker and class. Tables go to stdout; docs/evaluation.md says what each score means.

\b
Examples:
  novasr evaluate recordings/
  novasr evaluate speech/ music/ --model base --weights my.safetensors --csv scores.csv
  novasr evaluate vctk/ --protocol p1 --degradation torchaudio --all-bins --plot scores.png
  novasr evaluate recordings/ --metrics lsd --no-baselines --limit 20
  novasr evaluate recordings/ --metrics lsd --page listen/
  novasr evaluate recordings/ --bands 4,6,8,12 --model base --model wide
  novasr evaluate anna-test/ --model wide --model studio --bank anna.novabank --metrics lsd,modulation
  novasr evaluate cd/ --rate 44100
"""


def evaluate(
    data: DataFolders,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="M",
            help="base (default), wide, or studio with a --bank; repeatable, before --weights.",
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="W",
            help="Another network: a name that novasr.enhance takes, or a file; repeatable.",
        ),
    ] = None,
    bank: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of the model studio, by novasr bank build."),
    ] = None,
    index_rate: Annotated[
        float | None,
        typer.Option(metavar="R", help="How far the bank is taken, 0 .. 1.  [default: 1]"),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Where the input's band ends, in kHz.  [default: 8]"),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            metavar="HZ",
            help="Rate at which outputs are compared.  [default: the networks']",
        ),
    ] = None,
    baselines: Annotated[
        bool, typer.Option(help="Add sinc and linear interpolation, v1 and v2.")
    ] = True,
    protocol: Annotated[
        Protocol, typer.Option(help="LSD of AP-BWE (p1) or of ssr_eval (p2).")
    ] = Protocol.p1,
    degradation: Annotated[
        Degradation | None,
        typer.Option(help="The downsampling.  [default: soxr for p1, mask for p2]"),
    ] = None,
    all_bins: Annotated[
        bool,
        typer.Option(
            "--all-bins", help="Score up to half the rate, above a recording's own band, too."
        ),
    ] = False,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Of lsd, detail, modulation, distribution, mrstft, si_sdr, consistency, f0 and visqol.  "
            "[default: all but modulation, distribution and visqol]",
        ),
    ] = None,
    robustness: Annotated[
        bool,
        typer.Option(
            "--robustness", help="Also silence, DC, telephone, G.711, hiss, clipping, MP3."
        ),
    ] = False,
    jobs: Jobs = None,
    limit: Limit = None,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write the scores of every recording here."),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write means, intervals and conditions here."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the means here, as PNG.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the outputs here, as float WAV.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Make a page here to listen to recordings, chosen by the LSD of the first network.",
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown.")
    ] = False,
) -> None:
    """Evaluate, print tables and write files."""
    if plot is not None:
        known_suffix(plot, ".png")
    require_packages(plotting=plot is not None)
    from novasr.evaluation import page as pages
    from novasr.evaluation import report, runner, systems
    from novasr.evaluation.summary import differences, summarise
    from novasr.filesystem.replacing import replacing

    for name in model or []:
        check_choice("model", name, OFFLINE_MODELS)
    for name in weights or []:
        chosen_weights(None, name, offline=True)
    asked = systems.distinct([*(model or []), *(weights or [])]) or [systems.BASE]
    own = systems.local_task(asked)
    settings = runner.Settings(
        metrics=runner.USUAL_METRICS
        if metrics is None
        else tuple(dict.fromkeys(metrics.split(","))),
        protocol=protocol.value,
        degradation=degradation.value if degradation else None,
        all_bins=all_bins,
        robustness=robustness,
        save=save,
        tasks=systems.tasks_of(numbers("--bands", bands) if bands is not None else (), own, rate),
    )
    runner.require_metrics(settings.metrics)
    if page is not None:
        pages.require_page(settings.metrics)
    recordings = read_folders(data, limit)
    if save is not None:
        _check_places(recordings)
    with ExitStack() as files:
        csv_now, json_now, plot_now = (
            files.enter_context(replacing(writable(path))) if path else None
            for path in (csv_file, json_file, plot)
        )
        recordings = runner.usable(recordings, settings.high_hz, warn_left_out)
        if page is not None:
            pages.make_folder(page)
        compared, left_out = systems.choose(
            asked, baselines=baselines, bank=bank, index_rate=index_rate
        )
        for name, error in left_out.items():
            print_warning(f"{name} is left out: {error}")
        scores = _score(recordings, compared, settings, jobs or core_count())
        scored = {score.recording for score in scores}
        recordings = [recording for recording in recordings if str(recording.path) in scored]
        rows = summarise(scores, settings.protocol)
        first = compared[-len(asked)].name
        apart = differences(scores, first, settings.protocol)
        steady = _steady_levels(compared, settings) if robustness else {}
        _print(rows, settings, markdown=markdown)
        _print_differences(apart, first, settings, markdown=markdown)
        if robustness:
            _print_robustness(rows, scores, steady, settings, markdown=markdown)
        if csv_now:
            report.write_csv(csv_now, scores)
        if json_now:
            figures = {
                "conditions": _conditions(settings, data, recordings) | systems.bank_of(compared),
                "summary": [asdict(row) for row in rows],
                "differences": {"to": first, "summary": [asdict(row) for row in apart]},
                "steady": steady,
            }
            report.write_json(json_now, figures)
        if plot_now:
            report.write_figure(plot_now, [row for row in rows if _is_main(row)])
    for path in (csv_file, json_file, plot):
        if path is not None:
            print(f"written: {path}")
    if page is not None:
        clips = pages.choose_clips(scores, first)
        pages.write_page(page, recordings, compared, settings, clips, first)
        print(f"written: {page / 'index.html'}")


def _check_places(recordings: list[Recording]) -> None:
    """Refuse recordings whose outputs would have one name."""
    places: dict[tuple[str, str], Path] = {}
    for recording in recordings:
        other = places.setdefault((recording.path.parent.name, recording.path.stem), recording.path)
        if other != recording.path:
            msg = f"{recording.path}: --save would name it as {other}: evaluate one at a time"
            raise AudioFileError(msg)


def _score(
    recordings: list[Recording], systems: list[System], settings: Settings, jobs: int
) -> list[Score]:
    from novasr.evaluation.runner import evaluate as run

    with progress_bars() as new_bar, new_bar(f"{len(recordings)} recordings") as report:
        return run(recordings, systems, settings, jobs=jobs, report=report, left_out=warn_left_out)


def _steady_levels(systems: list[System], settings: Settings) -> dict[str, dict[str, float]]:
    from novasr.evaluation.robustness import steady_levels

    task = settings.tasks[0]
    return {item.name: steady_levels(item, task) for item in systems if item.takes(task)}


def _is_main(row: Row) -> bool:
    return row.variant == "plain" and row.condition == "clean"


def _conditions(
    settings: Settings, data: list[Path], recordings: list[Recording]
) -> dict[str, Any]:
    import novasr
    from novasr.evaluation.summary import RESAMPLES, SEED

    return {
        "novasr": novasr.__version__,
        "data": [str(folder) for folder in data],
        "recordings": len(recordings),
        "seconds": sum(recording.seconds for recording in recordings),
        "protocol": settings.protocol,
        "degradation": settings.downsampling,
        "bins": "all" if settings.all_bins else "up to each recording's own band",
        "rate_hz": settings.high_hz,
        "bands_khz": [task.band_hz / 1000 for task in settings.tasks],
        "samples": "float, a network's output filled up to the recording's length with zeros",
        "interval": f"95 %, percentile cluster bootstrap, {RESAMPLES} draws, seed {SEED}",
    }


def _print(rows: list[Row], settings: Settings, *, markdown: bool) -> None:
    from novasr.evaluation.protocols import crossover_hz
    from novasr.evaluation.report import score_table
    from novasr.evaluation.summary import all_classes

    tasks, vary = settings.tasks, _bands_column(settings)
    band = "all bins" if settings.all_bins else "bins up to each recording's own band"
    way = f"to {_listed(task.low_hz for task in tasks)} kHz by {settings.downsampling}"
    way += f", compared at {_listed([settings.high_hz])} kHz"
    print(f"Protocol {settings.protocol}, {way}, {band}, float.")
    print("Mean ± half of the 95 % interval, bootstrapped over clusters: speakers where known,")
    print("else recordings.\n")
    print(score_table([row for row in rows if _is_main(row)], markdown=markdown, vary=vary))
    kilohertz = _listed(crossover_hz(task) for task in tasks)
    print(
        f"\nReplaced: the input's own band below {kilohertz} kHz. Matched: gain fitted to the input.\n"
    )
    others = [row for row in all_classes(rows) if row.variant != "plain"]
    print(score_table(others, markdown=markdown, vary=(*vary, "variant")))


def _print_differences(rows: list[Row], first: str, settings: Settings, *, markdown: bool) -> None:
    from novasr.evaluation.report import difference_cell, score_table

    if not rows:
        return
    print(
        f"\nDifferences to {first}, recording by recording; * the 95 % interval excludes 0, which means"
    )
    print("little with fewer than about 20 clusters\n")
    main, vary = [row for row in rows if _is_main(row)], _bands_column(settings)
    print(score_table(main, markdown=markdown, vary=vary, cell=difference_cell))


def _bands_column(settings: Settings) -> tuple[str, ...]:
    return ("band_khz",) if len(settings.tasks) > 1 else ()


def _listed(hertz: Iterable[float]) -> str:
    return ", ".join(f"{value / 1000:g}" for value in hertz)


def _print_robustness(
    rows: list[Row],
    scores: list[Score],
    steady: dict[str, dict[str, float]],
    settings: Settings,
    *,
    markdown: bool,
) -> None:
    from novasr.evaluation.report import layout, score_table
    from novasr.evaluation.runner import METRICS
    from novasr.evaluation.summary import all_classes, count_harmed

    print("\nDegraded inputs, scored against the clean recording\n")
    degraded = [row for row in all_classes(rows) if row.variant == "plain"]
    only, vary = METRICS["lsd"][0], (*_bands_column(settings), "condition")
    print(score_table(degraded, markdown=markdown, vary=vary, only=only))
    if harmed := count_harmed(scores):
        print(f"\nRecordings, of {degraded[0].recordings}, on which LSD exceeds that of sinc\n")
        conditions = list(dict.fromkeys(condition for *_, condition in harmed))
        keys = dict.fromkeys((name, band) for name, band, _ in harmed)
        lines = [
            [name, f"{band:g}", *(str(harmed[name, band, item]) for item in conditions)]
            for name, band in keys
        ]
        print(layout(["system", "band kHz", *conditions], lines, markdown=markdown))
    rate = _listed([settings.tasks[0].low_hz])
    print(f"\nA second of silence, and of DC at 0.1, at {rate} kHz: dB of full scale\n")
    lines = [[name, *(f"{v:.1f}" for v in levels.values())] for name, levels in steady.items()]
    heading = ["system", "silence peak", "silence DC", "DC error"]
    print(layout(heading, lines, markdown=markdown))
