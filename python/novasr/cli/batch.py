"""Files that are enhanced in one call: what is planned, done and said of each."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from novasr.cli.progress import NewBar, progress_bars
from novasr.errors import AudioFileError, ExistsError, NovasrError, blaming, describe
from novasr.messages import (
    EXIT_ERROR,
    print_error,
    print_interrupted,
    print_line,
    print_note,
    print_warning,
)
from novasr.offline.cores import core_count
from novasr.types import Mode, OfflineEngine, OfflineModelName, OutputGain, OutputRate, Subtype

if TYPE_CHECKING:
    from novasr.cli.inputs import Input, Job
    from novasr.offline.enhancement import Settings as Chain
    from novasr.offline.files import EnhanceResult

_EXISTING_NAMED = 5  # of results that exist; the rest are counted


@dataclass(frozen=True)
class Sound:
    """What is to become of the sound of all files of one call."""

    model: OfflineModelName | None
    mode: Mode
    engine: OfflineEngine
    weights: str | None
    high_band_gain_db: float
    steps: int | None
    bank: Path | None
    index_rate: float | None
    rate: OutputRate | None
    gain: OutputGain
    subtype: Subtype | None
    quality: float | None
    dither: bool
    allow_truncated: bool

    def chain(self) -> Chain:
        """Give what is not about files."""
        from novasr.models import chosen_weights
        from novasr.offline.enhancement import Settings

        return Settings(
            self.mode,
            self.engine,
            chosen_weights(self.model, self.weights, offline=True),
            self.high_band_gain_db,
            self.rate,
            self.gain,
            steps=self.steps,
            bank=self.bank,
            index_rate=self.index_rate,
        )

    def check(self) -> None:
        """Raise once what would be raised over each file."""
        from novasr.audio.writing import check_layout

        check_layout(self.subtype, self.quality)
        self.chain()

    def unseen(self) -> list[str]:
        """Name the options that were given and whose effect a file does not show."""
        given = {
            "--gain": self.gain != 0,
            "--model": self.model is not None,
            "--mode": self.mode != "extend",
            "--high-band-gain": self.high_band_gain_db != 0,
            "--steps": self.steps is not None,
            "--bank": self.bank is not None,
            "--index-rate": self.index_rate is not None,
            "--weights": self.weights is not None,
            "--quality": self.quality is not None,
            "--dither": self.dither,
        }
        return [option for option, wanted in given.items() if wanted]


@dataclass(frozen=True)
class Settings:
    """What all files of one call share."""

    sound: Sound
    jobs: int | None
    force: bool
    overwrite: bool
    skip_existing: bool
    plot: bool


class Done(NamedTuple):
    """A file that was enhanced, and whether there is a picture of it."""

    result: EnhanceResult
    picture: Path | None


class Batch:
    """The files of one call; one that fails is named, and the others are done.

    Parameters
    ----------
    settings : Settings
        What they share.
    directory : Path, optional
        Folder for the results.
    """

    def __init__(self, settings: Settings, directory: Path | None) -> None:
        self._settings, self._directory = settings, directory
        self._planned: list[Job] = []
        self._skipped: list[Job] = []
        self._failures: list[NovasrError] = []
        self._existing = 0
        self._futures: list[Future[Done]] = []
        self._total = 0

    def plan(self, names: Sequence[Path], output: Path | None, recursive: bool) -> None:
        """Find the files, name their results and set apart what is done already."""
        from novasr.cli.inputs import find_inputs, plan_jobs

        if self._settings.plot:
            from novasr.audio.plot import require_matplotlib

            require_matplotlib()
        found, unusable = find_inputs(names, recursive=recursive)
        rate = self._settings.sound.rate
        if fresh := _without_results(found, names, rate):
            self._planned, refused = plan_jobs(
                fresh, output=output, directory=self._directory, rate=rate
            )
            unusable += refused
        if self._settings.skip_existing:
            self._skip_finished()
        self._total = len(self._planned) + len(self._skipped) + len(unusable)
        for error in unusable:
            self._fail(error)

    def show(self) -> None:
        """Print what would be done, as far as it can be told before the work."""
        would = 0
        self._show_skipped()
        self._check_model()
        for job in self._planned:
            try:
                with blaming(job.source):
                    self._check(job)
            except NovasrError as error:
                self._fail(error)
            else:
                would += 1
                print_line(f"{job.source} -> {job.destination}")
        self._sum_up(f"would be done: {would} of {self._total} files")

    def run(self) -> None:
        """Do the work."""
        if self._total == len(self._skipped) == 1:
            self._show_skipped()
        self._check_model()
        if self._directory is not None:
            self._planned = [job for job in self._planned if self._has_folder(job)]
        if len(self._planned) > 1:
            self._check_space_for_all()
        started = time.perf_counter()
        try:
            results = self._enhance_all(self._settings.jobs or core_count())
        except (KeyboardInterrupt, SystemExit):
            self._tell_interrupted()
            raise
        if self._total == 1:
            return
        done = f"{len(results)} of {self._total} files"
        if results:
            seconds = sum(result.seconds for result in results)
            done += f": {_pace(seconds, time.perf_counter() - started)}"
        self._sum_up(done)

    def _fail(self, error: NovasrError) -> None:
        if self._total == 1:
            raise error
        self._failures.append(error)
        self._existing += isinstance(error, ExistsError)
        if not isinstance(error, ExistsError) or self._existing <= _EXISTING_NAMED:
            print_error(error)

    def _tell_interrupted(self) -> None:
        """Say how far a batch came; of one file the shell's prompt says enough."""
        if self._total == 1:
            return
        done = sum(
            future.done() and not future.cancelled() and future.exception() is None
            for future in self._futures
        )
        print_interrupted(
            f"{done} of {self._total} files done; --skip-existing goes on where it ended"
        )

    def _show_skipped(self) -> None:
        for job in self._skipped:
            print_line(f"{job.source}: {job.destination} is complete: skipped")

    def _sum_up(self, done: str) -> None:
        print_line(f"{done}, {len(self._skipped)} skipped" if self._skipped else done)
        if self._existing > _EXISTING_NAMED:
            more = self._existing - _EXISTING_NAMED
            print_error(
                f"{more} more {'exists' if more == 1 else 'exist'}: add --overwrite or --skip-existing"
            )
        if self._failures:
            print_error(f"{len(self._failures)} of {self._total} files failed")
            raise typer.Exit(EXIT_ERROR)

    def _check_model(self) -> None:
        from novasr.offline.files import check_settings

        if self._planned:
            check_settings(self._settings.sound.chain())

    def _skip_finished(self) -> None:
        planned, self._planned = self._planned, []
        for job in planned:
            due = _still_due(job, self._settings.sound)
            if due is None:
                self._skipped.append(job)
            else:
                self._planned.append(due)
        unseen = self._settings.sound.unseen()
        if self._skipped and unseen:
            print_note(
                f"skipped by rate, width and length: whether with {' '.join(unseen)} a file does not show"
            )

    def _check(self, job: Job) -> None:
        """Raise what would be raised over one file before its work begins."""
        from novasr.offline.files import check_file

        self._check_picture(job)
        check_file(
            job.source,
            job.destination,
            self._settings.sound.chain(),
            extends=True,
            **self._file_options(job),
        )
        if self._directory is None and not job.destination.parent.is_dir():
            raise AudioFileError(f"{job.destination}: the folder is missing")

    def _file_options(self, job: Job) -> dict[str, Any]:
        sound = self._settings.sound
        return {
            "subtype": sound.subtype,
            "quality": sound.quality,
            "allow_truncated": sound.allow_truncated,
            "overwrite": self._settings.overwrite or job.remake,
        }

    def _check_picture(self, job: Job) -> None:
        replaced = self._settings.overwrite or job.remake
        if self._settings.plot and job.picture.exists() and not replaced:
            raise ExistsError(f"{job.picture}: exists: move it away or add --overwrite")

    def _has_folder(self, job: Job) -> bool:
        folder = job.destination.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._fail(AudioFileError(f"{folder}: cannot be created: {error.strerror}"))
            return False
        return True

    def _check_space_for_all(self) -> None:
        """Add up what the results on each file system take; those that fail take nothing."""
        from novasr.filesystem.disk_space import check_space
        from novasr.offline.files import check_file

        needed: Counter[int] = Counter()
        folders: dict[int, Path] = {}
        for job in self._planned:
            with contextlib.suppress(NovasrError), blaming(job.source):
                size = check_file(
                    job.source,
                    job.destination,
                    self._settings.sound.chain(),
                    **self._file_options(job),
                )
                target = Path(os.path.realpath(job.destination))
                disk = target.parent.stat().st_dev
                needed[disk] += size - (target.stat().st_size if target.exists() else 0)
                folders[disk] = job.destination.parent
        for disk, folder in folders.items():
            check_space(folder, needed[disk])

    def _enhance_all(self, workers: int) -> list[EnhanceResult]:
        """Work on all files; report each as soon as those before it are done."""
        results: list[EnhanceResult] = []
        files = max(1, min(workers, len(self._planned)))
        with progress_bars() as new_bar, _pool(files) as (pool, stop):
            self._futures = [
                pool.submit(self._enhance_one, job, workers // files, new_bar, stop)
                for job in self._planned
            ]
            for future in self._futures:
                try:
                    done = future.result()
                except NovasrError as error:
                    self._fail(error)
                else:
                    results.append(done.result)
                    _print_done(done)
        return results

    def _enhance_one(self, job: Job, threads: int, new_bar: NewBar, stop: threading.Event) -> Done:
        from novasr.offline.files import enhance_file

        self._check_picture(job)
        with blaming(job.source), new_bar(job.source.name) as report:

            def progress(done: float, total: float) -> None:
                if stop.is_set():
                    raise _Stopped
                report(done, total)

            result = enhance_file(
                job.source,
                job.destination,
                **dataclasses.asdict(self._settings.sound),
                force=self._settings.force,
                overwrite=self._settings.overwrite or job.remake,
                jobs=threads,
                progress=progress,
            )
            if not self._settings.plot:
                return Done(result, None)
            any_band = self._settings.sound.chain().any_band
            return _with_picture(job, result, any_band=any_band)


class _Stopped(Exception):
    """Ends a job after Ctrl-C."""


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[tuple[ThreadPoolExecutor, threading.Event]]:
    """Lend a thread pool and the event that ends its jobs; Ctrl-C sets it and waits for them."""
    stop = threading.Event()
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool, stop
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _without_results(
    found: list[Input], names: Sequence[Path], rate: OutputRate | None
) -> list[Input]:
    """Leave out what a folder holds of earlier calls."""
    from novasr.offline.results import is_result

    fresh = [item for item in found if item.path in names or not is_result(item.path, rate)]
    if found and not fresh:
        raise AudioFileError("nothing to do: all files found are named like results (NAME-48k)")
    if len(fresh) < len(found):
        print_note(f"left out: {len(found) - len(fresh)} named like results (NAME-48k)")
    return fresh


def _still_due(job: Job, sound: Sound) -> Job | None:
    """Return the job, to replace what is in its place if that is no result; None if it is done."""
    from novasr.offline.results import differences, is_complete

    try:
        with blaming(job.source):
            if not job.destination.exists() or job.destination.samefile(job.source):
                return job
            if not is_complete(job.destination):
                return replace(job, remake=True)
            found = differences(job.source, job.destination, sound.rate, sound.subtype)
    except NovasrError:  # the work will say why
        return job
    if not found:
        return None
    print_note(f"{job.destination}: is replaced: {', '.join(found)}")
    return replace(job, remake=True)


def _with_picture(job: Job, result: EnhanceResult, *, any_band: bool) -> Done:
    from novasr.audio.plot import plot_spectrograms

    try:
        plot_spectrograms(job.source, job.destination, job.picture, any_band=any_band)
    except Exception as error:  # the result is there: a picture is no reason to fail
        lost = f"no plot: {describe(error)}"
        return Done(replace(result, warnings=(*result.warnings, lost)), None)
    return Done(result, job.picture)


def _print_done(done: Done) -> None:
    result = done.result
    print_line(f"{result.source} -> {result.destination}: {_pace(result.seconds, result.elapsed)}")
    if done.picture is not None:
        print_line(f"plot: {done.picture}")
    print_warnings(result)


def print_warnings(result: EnhanceResult) -> None:
    """Say what was met on the way to a result."""
    from novasr.offline.results import clipping_text

    if result.replaced:
        print_warning(
            f"{result.source}: {result.replaced} NaN or infinite samples were replaced by zero"
        )
    if result.clipped:
        text = clipping_text(result.clipped, result.peak, result.destination)
        print_warning(f"{result.destination}: {text}")
    for warning in result.warnings:
        print_warning(f"{result.source}: {warning}")


def _pace(seconds: float, elapsed: float) -> str:
    speed = seconds / elapsed
    digits = 0 if speed >= 10 else 1
    return f"{seconds:.1f} s in {elapsed:.2f} s ({speed:.{digits}f}x real time)"
