"""Worker processes of this machine, which do the units of a set."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from novasr.errors import NovasrError
from novasr.sets.outcome import Outcome
from novasr.sets.unit import Made, Unit
from novasr.sets.workplace import Treatment, Workplace

_FIELDS = 4  # of a worker's counters, see Progress
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Progress:
    """How far the units in work and those done in this call have come.

    Attributes
    ----------
    seconds : float
        Audio done.
    weight : float
        In the set's measure.
    recordings, failed : int
        Counts.
    """

    seconds: float
    weight: float
    recordings: int
    failed: int


class LocalWorkers:
    """Processes, one for each core that is to work.

    Parameters
    ----------
    count : int
        How many.
    output, scratch : Path
        Folder of the results, and one for what is in work.
    treatment : Treatment
        How recordings are enhanced.
    """

    def __init__(self, count: int, output: Path, scratch: Path, treatment: Treatment) -> None:
        self._count = count
        context = multiprocessing.get_context("spawn")  # a copy of threads in mid-work would hang
        self._counters: Any = context.RawArray("d", _FIELDS * count)
        slot = context.Value("i", 0)
        self._pool = ProcessPoolExecutor(
            count, context, _begin, (self._counters, slot, output, scratch, treatment)
        )

    @property
    def progress(self) -> Progress:
        """What has been done so far."""
        values = list(self._counters)
        seconds, weight, recordings, failed = (sum(values[at::_FIELDS]) for at in range(_FIELDS))
        return Progress(seconds, weight, int(recordings), int(failed))

    def run(self, units: Iterable[Unit]) -> Iterator[tuple[Unit, Made] | None]:
        """Yield what each unit became as it is done, and ``None`` now and then while nothing is.

        Raises
        ------
        NovasrError
            If a unit cannot be done at all, or a worker was killed.
        """
        waiting = iter(units)
        running: dict[Future[Made], Unit] = {}
        while True:
            for unit in islice(waiting, 2 * self._count - len(running)):
                running[self._pool.submit(_run, unit)] = unit
            if not running:
                return
            done, _ = wait(running, _LOOK_SECONDS, FIRST_COMPLETED)
            if not done:
                yield None
            for future in done:
                try:
                    made = future.result()
                except BrokenProcessPool as error:
                    raise NovasrError(
                        "a worker process was killed, perhaps for lack of memory: call again to go on, with"
                        " fewer --jobs if it was that"
                    ) from error
                yield running.pop(future), made

    def close(self) -> None:
        """End the workers; what they have in work is left behind in their folder."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


_workplace: Workplace


def _begin(counters: Any, slot: Any, output: Path, scratch: Path, treatment: Treatment) -> None:
    """Set this process up as a worker."""
    global _workplace
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    with slot.get_lock():
        first = _FIELDS * slot.value
        slot.value += 1
    _end_with_parent()

    def tick(outcome: Outcome, weight: float) -> None:
        counters[first] += outcome.seconds
        counters[first + 1] += weight
        counters[first + 2] += 1
        counters[first + 3] += outcome.status == "failed"

    _workplace = Workplace(output, scratch / f"worker-{os.getpid()}", treatment, tick)


def _run(unit: Unit) -> Made:
    return unit.run(_workplace)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        with contextlib.suppress(OSError):
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
