"""A Ray cluster, which does the units of a set."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novasr.errors import MissingPackageError, NovasrError, install_command
from novasr.sets.outcome import Outcome
from novasr.sets.unit import Made, Unit
from novasr.sets.workers import Progress
from novasr.sets.workplace import Treatment, Workplace

if TYPE_CHECKING:
    from types import ModuleType

_CONNECT_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_RETRIES = 10  # of what was lost; a recording that ends every process is not tried for ever
_IN_WORK = 2  # units a core: while one is done the next is on its way


class RayWorkers:
    """Tasks on a cluster, each with one core; those whose worker or node is lost are done again elsewhere.

    Sources and output are to have the same paths on all nodes, and novasr is to be installed there.

    Parameters
    ----------
    address : str
        Of the head node, ``host:port``; ``"auto"`` for the cluster that runs on this machine.
    count : int, optional
        Cores to use. Default: all.
    output, scratch : Path
        Folder of the results, and one for what is in work.
    treatment : Treatment
        How recordings are enhanced.

    Raises
    ------
    MissingPackageError
        If Ray is not installed.
    NovasrError
        If there is no such cluster.
    """

    def __init__(
        self, address: str, count: int | None, output: Path, scratch: Path, treatment: Treatment
    ) -> None:
        self._ray = require_ray()
        connect(self._ray, address)
        self._count = count
        files: dict[str, Any] = {
            name: Path(path).absolute()
            for name in ("weights", "bank")
            if (path := getattr(treatment.settings, name)) is not None and Path(path).is_file()
        }
        settings = replace(treatment.settings, **files)
        treatment = replace(treatment, settings=settings)
        place = (output.absolute(), scratch.absolute(), treatment)
        self._place = self._ray.put(place)
        self._task: Any = self._ray.remote(num_cpus=1, max_retries=_RETRIES)(_run)
        self._running: dict[Any, Unit] = {}
        self._progress = Progress(0.0, 0.0, 0, 0)

    @property
    def progress(self) -> Progress:
        """What has been done so far: whole units."""
        return self._progress

    def run(self, units: Iterable[Unit]) -> Iterator[tuple[Unit, Made] | None]:
        """Yield what each unit became as it is done, and ``None`` now and then while nothing is.

        Raises
        ------
        NovasrError
            If a unit cannot be done at all, or the cluster is lost.
        """
        waiting, running = iter(units), self._running
        while True:
            room = max(0, _IN_WORK * self._cores() - len(running))  # a node may have gone
            for unit in islice(waiting, room):
                there: Any = replace(unit, source=unit.source.absolute())  # type: ignore[type-var]
                running[self._task.remote(self._place, there)] = unit
            if not running:
                return
            done, _ = self._ray.wait(list(running), timeout=_LOOK_SECONDS)
            if not done:
                yield None
            for reference in done:
                unit = running.pop(reference)
                made = self._result(reference, unit)
                self._count_in(unit, made)
                yield unit, made

    def close(self) -> None:
        """End what is in work, and leave the cluster as it was."""
        with contextlib.suppress(Exception):  # the cluster itself may be gone
            for reference in self._running:
                self._ray.cancel(reference, force=True)
            if self._running:
                self._ray.wait(list(self._running), num_returns=len(self._running), timeout=10)
        self._running.clear()
        self._ray.shutdown()

    def _cores(self) -> int:
        there = int(self._ray.cluster_resources().get("CPU", 1))
        return max(1, there if self._count is None else min(there, self._count))

    def _result(self, reference: Any, unit: Unit) -> Made:
        try:
            made: Made = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, NovasrError) else NovasrError(str(cause)) from error
        except self._ray.exceptions.RayError as error:
            raise NovasrError(
                f"{unit.id}: the cluster could not do it: {str(error).splitlines()[0]}"
            ) from error
        return made

    def _count_in(self, unit: Unit, made: Made) -> None:
        known = self._progress
        self._progress = Progress(
            known.seconds + sum(outcome.seconds for outcome in made.outcomes),
            known.weight + unit.weight,
            known.recordings + len(made.outcomes),
            known.failed + sum(outcome.status == "failed" for outcome in made.outcomes),
        )


def require_ray() -> ModuleType:
    """Import Ray without the statistics that it sends by default.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if (Path.home() / ".ray" / "auth_token").exists():  # with which ray start guards a cluster
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns about GPUs
    try:
        import ray
    except ImportError as error:
        raise MissingPackageError(f"a cluster needs Ray: {install_command('ray')}") from error
    return ray


def connect(ray: ModuleType, address: str) -> None:
    """Join a cluster that runs.

    Raises
    ------
    NovasrError
        If none is there.
    """
    try:
        host, _, port = address.rpartition(":")
        if host and port.isdecimal():  # Ray itself would go on trying for a minute
            socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise NovasrError(
            f"--ray {address}: no cluster there ({reason}): start one with ray start --head, or name its"
            " address as host:port"
        ) from error


_workplace: Workplace | None = None


def _run(place: tuple[Path, Path, Treatment], unit: Unit) -> Made:
    """Do a unit, on whichever node; the process goes on to the next one with what it has prepared."""
    global _workplace
    output, scratch, treatment = place
    if _workplace is None or _workplace.treatment != treatment or _workplace.output != output:
        own = scratch / f"worker-{socket.gethostname()}-{os.getpid()}"
        _workplace = Workplace(output, own, treatment, _ignore)
    return unit.run(_workplace)


def _ignore(outcome: Outcome | None, weight: float) -> None: ...
