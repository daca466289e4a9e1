"""A set from its first unit to its lists and report, from wherever an earlier run ended."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from novasr.errors import AudioFileError, DiskError, NovasrError, ParameterError
from novasr.filesystem.locking import locked
from novasr.filesystem.replacing import replacing
from novasr.offline.results import DEFAULT_RATE_HZ
from novasr.sets.journal import Journal, check_head, read_head
from novasr.sets.shares import Share
from novasr.sets.summary import Summary
from novasr.sets.unit import DataSet, Made, Unit
from novasr.sets.workers import Progress
from novasr.sets.workplace import Treatment


class Workers(Protocol):
    """What does the units: processes here, or a cluster."""

    @property
    def progress(self) -> Progress:
        """What has been done so far in this call."""

    def run(self, units: Iterable[Unit]) -> Iterator[tuple[Unit, Made] | None]:
        """Yield what each unit became, and ``None`` now and then."""

    def close(self) -> None:
        """End the work, done or not."""


class Monitor(Protocol):
    """What is told of the work as it goes on."""

    def begin(self, summary: Summary, weight: float, done: float) -> None:
        """Take how much there is in all and how much an earlier run has done, in the set's measure."""

    def advance(self, progress: Progress) -> None:
        """Take how far this call has come."""

    def unit_done(self, unit: Unit, made: Made) -> None:
        """Take what a unit became."""


@dataclass(frozen=True)
class Finished:
    """What a run gives.

    Attributes
    ----------
    summary : Summary
        Counts over the whole share, with what earlier runs have done.
    lists : list of Path
        Manifests that were written.
    report : Path
        A line of JSON for each recording.
    elapsed : float
        Seconds that this call took.
    seconds : float
        Audio done in this call.
    """

    summary: Summary
    lists: list[Path]
    report: Path
    elapsed: float
    seconds: float


class SetRun:
    """One call over one set.

    Parameters
    ----------
    dataset : DataSet
        What to do.
    output : Path
        Folder of the results; it is created.
    treatment : Treatment
        How.
    share : Share
        The part of this call; each has a journal and a report of its own.
    overwrite : bool
        Begin anew, whatever is there, and replace what is in the place of results.
    max_failures : int, optional
        How many recordings may fail before the work is given up.
    """

    def __init__(
        self,
        dataset: DataSet,
        output: Path,
        treatment: Treatment,
        share: Share,
        *,
        overwrite: bool = False,
        max_failures: int | None = None,
    ) -> None:
        self.dataset, self.output, self.treatment = dataset, output, treatment
        self._share, self._overwrite, self._max_failures = share, overwrite, max_failures
        self._journal_path = output / share.marked("journal.jsonl")
        self.scratch = output / share.marked(".novasr-work")
        self.report = output / share.marked("report.jsonl")
        self.page = output / share.marked("report.html")

    @contextlib.contextmanager
    def opened(self) -> Iterator[Journal]:
        """Hold the journal, which no other call has meanwhile.

        Raises
        ------
        AudioFileError
            If another call works on the same part, or the folder cannot be used.
        ParameterError
            If what is there was made in another way, or is something else.
        """
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AudioFileError(f"{self.output}: cannot be created: {error.strerror}") from error
        with locked(self._journal_path, self.output / self._share.marked(".novasr-lock")):
            if self._overwrite:
                for path in (self._journal_path, self.page):
                    path.unlink(missing_ok=True)
            else:
                self._check_folder()
            shutil.rmtree(self.scratch, ignore_errors=True)  # of a killed run
            journal = Journal(self._journal_path, self.output, self._fingerprint())
            try:
                yield journal
            finally:
                journal.close()
                shutil.rmtree(self.scratch, ignore_errors=True)

    def run(self, journal: Journal, workers: Workers, monitor: Monitor) -> Finished:
        """Do what is not done, then write the lists and the report.

        Raises
        ------
        NovasrError
            If more recordings failed than may, or the work cannot go on; what is done stays done.
        """
        started = time.perf_counter()
        total = done = 0.0
        summary = Summary()
        for unit in self.dataset.units():
            total += unit.weight
            if unit in journal:
                done += unit.weight
                summary.add(journal.made(unit.id))
        monitor.begin(summary, total, done)
        self._check_failures(summary.failed)
        due = (unit for unit in self.dataset.units() if unit not in journal)
        try:
            for result in workers.run(due):
                if result is not None:
                    unit, made = result
                    journal.add(unit, made)
                    summary.add(made)
                    monitor.unit_done(unit, made)
                monitor.advance(workers.progress)
                self._check_failures(summary.failed)
        finally:
            workers.close()
        lists = self.dataset.write_lists(self.output, journal.made, self._facts())
        self._write_report(journal)
        progress = workers.progress
        elapsed = time.perf_counter() - started
        return Finished(summary, lists, self.report, elapsed, progress.seconds)

    def _check_folder(self) -> None:
        """Refuse a folder with other files, and one in which other parts were made in another way."""
        journals = list(self.output.glob("journal*.jsonl"))
        if not journals and any(not path.name.startswith(".") for path in self.output.iterdir()):
            raise ParameterError(
                f"-d {self.output}: holds other files, which results could replace: choose a new folder, or"
                " add --overwrite"
            )
        wanted = {name: value for name, value in self._fingerprint().items() if name != "shard"}
        for path in journals:
            head = read_head(path)
            if head is not None and path != self._journal_path:
                check_head(path, head, wanted)

    def _facts(self) -> dict[str, Any]:
        rate = self.treatment.settings.rate
        return {
            "told": {
                "model": self.treatment.model,
                "weights_sha256": self.treatment.weights_sha256(),
                **self.treatment.bank(),
            },
            "rate": None if rate == "source" else rate or DEFAULT_RATE_HZ,
        }

    def _fingerprint(self) -> dict[str, Any]:
        share = f"{self._share.index}/{self._share.count}"
        return {
            "set": self.dataset.kind,
            **self.dataset.identity,
            "shard": share,
            **self.treatment.fingerprint(),
        }

    def _check_failures(self, failed: int) -> None:
        if self._max_failures is not None and failed > self._max_failures:
            raise NovasrError(
                f"{failed} recordings failed, more than --max-failures {self._max_failures}:"
                f" {self._journal_path} names them; call again with a higher limit to go on"
            )

    def _write_report(self, journal: Journal) -> None:
        try:
            with replacing(self.report) as temporary, temporary.open("wb") as file:
                for unit in self.dataset.units():
                    for outcome in journal.made(unit.id).outcomes:
                        text = json.dumps(outcome.line(), ensure_ascii=False) + "\n"
                        file.write(text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            if isinstance(error, NovasrError):
                raise
            raise DiskError(f"{self.report}: cannot be written: {error.strerror}") from error
