"""Sets of recordings that ``novasr enhance`` does: manifests, shards and tables."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from novasr.errors import ParameterError, describe
from novasr.messages import print_interrupted, print_line, print_note, print_warning
from novasr.offline.cores import core_count

if TYPE_CHECKING:
    from novasr.sets.journal import Journal
    from novasr.sets.run import Finished, Monitor, SetRun, Workers
    from novasr.sets.summary import Summary
    from novasr.sets.unit import Made, Unit
    from novasr.sets.workers import Progress
    from novasr.sets.workplace import Treatment

_REPORT_SECONDS = 1.0  # between two lines of progress


@dataclass(frozen=True)
class SetOptions:
    """The options of ``novasr enhance`` that are about sets.

    Attributes
    ----------
    manifest : Path, optional
        List of the recordings.
    column : str, optional
        Of tables.
    shard : str, optional
        ``i/n``.
    max_failures : int, optional
        How many recordings may fail.
    ray : str, optional
        Address of a cluster.
    json_lines : bool
        Print lines for programs.
    """

    manifest: Path | None
    column: str | None
    shard: str | None
    max_failures: int | None
    ray: str | None
    json_lines: bool

    def given(self) -> list[str]:
        """Name those that were given, none of which recordings by themselves take."""
        options = {
            "--manifest": self.manifest,
            "--column": self.column,
            "--shard": self.shard,
            "--max-failures": self.max_failures,
            "--ray": self.ray,
            "--json": self.json_lines or None,
        }
        return [name for name, value in options.items() if value is not None]


def enhance_set(
    names: Sequence[Path],
    directory: Path | None,
    options: SetOptions,
    treatment: Treatment,
    *,
    jobs: int | None,
    overwrite: bool,
    dry_run: bool,
) -> None:
    """Do a set, and say what became of it."""
    from novasr.offline.files import check_settings
    from novasr.sets.finding import open_set
    from novasr.sets.run import SetRun
    from novasr.sets.shares import Share

    if directory is None:
        raise ParameterError("-d FOLDER: a set needs a folder for its results")
    share = Share() if options.shard is None else Share.parse(options.shard)
    dataset = open_set(names, options.manifest, directory, share, options.column)
    check_settings(treatment.settings)
    run = SetRun(
        dataset,
        directory,
        treatment,
        share,
        overwrite=overwrite,
        max_failures=options.max_failures,
    )
    if dry_run:
        count = sum(1 for _ in dataset.units())
        print_line(f"would be done: {count} units of a set ({dataset.kind}) -> {directory}")
        return
    with run.opened() as journal, _monitor(options.json_lines) as monitor:
        workers = _workers(run, options.ray, jobs)
        try:
            with contextlib.redirect_stdout(
                sys.stderr
            ):  # Ray prints there what happened to its workers
                finished = run.run(journal, workers, monitor)
        except (KeyboardInterrupt, SystemExit):
            print_interrupted("what is done stays done; call again to go on")
            raise
        page = _page(run, journal, finished)
    _print_end(finished, page, json_lines=options.json_lines)


def _workers(run: SetRun, address: str | None, jobs: int | None) -> Workers:
    if address is not None:
        from novasr.sets.cluster import RayWorkers

        return RayWorkers(address, jobs, run.output, run.scratch, run.treatment)
    from novasr.sets.workers import LocalWorkers

    return LocalWorkers(jobs or core_count(), run.output, run.scratch, run.treatment)


def _page(run: SetRun, journal: Journal, finished: Finished) -> Path | None:
    """Draw the page; without it the set is as complete."""
    from novasr.sets.page import write_page

    if finished.seconds == 0 and run.page.exists():
        return run.page
    try:
        write_page(
            run.dataset,
            journal,
            finished.summary,
            run.output,
            run.scratch,
            run.page,
            {"model": run.treatment.model, "weights": run.treatment.weights_sha256()[:12]},
        )
    except Exception as error:
        print_note(f"no page: {describe(error)}")
        return None
    return run.page


def _print_end(finished: Finished, page: Path | None, *, json_lines: bool) -> None:
    summary = finished.summary
    files = [*finished.lists, finished.report, *([page] if page else [])]
    if json_lines:
        facts = {
            "event": "end",
            **summary.facts(),
            "seconds": round(finished.elapsed, 3),
            "x_real_time": round(finished.seconds / finished.elapsed, 2),
            "files": [str(path) for path in files],
        }
        print_line(json.dumps(facts))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=None, box=None, show_header=False, pad_edge=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name in ("enhanced", "full band", "empty", "failed"):
        table.add_row(name, f"{summary.counts[name]}")
    table.add_row("recordings", f"{summary.recordings}")
    table.add_row("hours", f"{summary.seconds / 3600:.2f}")
    Console(file=sys.stdout, highlight=False).print(table)
    if finished.seconds:
        pace = finished.seconds / finished.elapsed
        print_line(
            f"{finished.seconds / 3600:.2f} h in {finished.elapsed:.1f} s ({pace:.0f}x real time)"
        )
    else:
        print_line("nothing was left to do")
    for path in finished.lists:
        print_line(f"list: {path}")
    print_line(f"report: {finished.report}")
    if page:
        print_line(f"page: {page}")
    if summary.failed:
        print_warning(
            f"{summary.failed} recordings could not be read and are as they were; {finished.report} names them"
        )


@contextlib.contextmanager
def _monitor(json_lines: bool) -> Iterator[Monitor]:
    if json_lines:
        yield _Lines()
    elif sys.stderr.isatty():
        with _Bar() as bar:
            yield bar
    else:
        yield _Silence()


class _Silence:
    """Shows nothing."""

    def begin(self, summary: Summary, weight: float, done: float) -> None:
        """See `Monitor`."""

    def advance(self, progress: Progress) -> None:
        """See `Monitor`."""

    def unit_done(self, unit: Unit, made: Made) -> None:
        """See `Monitor`."""


class _Lines(_Silence):
    """Prints a line of JSON for each unit, and one for each second of progress."""

    def __init__(self) -> None:
        self._file = sys.stdout
        self._started = self._last = time.perf_counter()
        self._left = 0.0

    def begin(self, summary: Summary, weight: float, done: float) -> None:
        """Say what there is to do."""
        self._left = weight - done
        share = done / weight if weight else 1.0
        facts = {"event": "begin", "done": round(share, 4), **summary.facts()}
        print_line(json.dumps(facts), self._file)

    def advance(self, progress: Progress) -> None:
        """Say how far it is."""
        now = time.perf_counter()
        if now - self._last < _REPORT_SECONDS:
            return
        self._last = now
        elapsed = now - self._started
        share = progress.weight / self._left if self._left else 1.0
        facts = {
            "event": "progress",
            "hours": round(progress.seconds / 3600, 4),
            "recordings": progress.recordings,
            "failed": progress.failed,
            "x_real_time": round(progress.seconds / elapsed, 2),
            "seconds_left": round(elapsed * (1 - share) / share) if share else None,
        }
        print_line(json.dumps(facts), self._file)

    def unit_done(self, unit: Unit, made: Made) -> None:
        """Say what a unit became."""
        counts: dict[str, int] = {}
        for outcome in made.outcomes:
            counts[outcome.status] = counts.get(outcome.status, 0) + 1
        facts = {"event": "unit", "unit": unit.id, "files": list(made.files), "counts": counts}
        print_line(json.dumps(facts), self._file)


class _Bar(_Silence):
    """One bar for the whole set, with hours done, speed, time left and failures."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._bars.add_task("set", total=None, text="")
        self._started = time.perf_counter()
        self._done = 0.0

    def __enter__(self) -> _Bar:
        """Show it."""
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._bars.stop()

    def begin(self, summary: Summary, weight: float, done: float) -> None:
        """Begin where an earlier run ended."""
        self._done, self._started = done, time.perf_counter()
        self._bars.update(self._task, total=weight, completed=done)

    def advance(self, progress: Progress) -> None:
        """Move on."""
        speed = progress.seconds / (time.perf_counter() - self._started)
        failed = f", {progress.failed} failed" if progress.failed else ""
        self._bars.update(
            self._task,
            completed=self._done + progress.weight,
            text=f"{progress.seconds / 3600:.2f} h, {speed:.0f}x real time{failed}",
        )
