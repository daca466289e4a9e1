"""Progress bars on a terminal, silence elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

Report = Callable[[float, float], None]
NewBar = Callable[[str], contextlib.AbstractContextManager[Report]]


@contextlib.contextmanager
def progress_bars() -> Iterator[NewBar]:
    """Lend a function that opens a bar, on stderr if that is a terminal.

    Yields
    ------
    callable
        Takes a label and returns a context manager, whose value takes seconds of audio done and in
        all.
    """
    if not sys.stderr.isatty():
        yield _no_bar
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )

    @contextlib.contextmanager
    def new_bar(label: str) -> Iterator[Report]:
        started = time.perf_counter()
        task = bars.add_task(label, total=None, speed="")

        def report(done: float, total: float) -> None:
            speed = done / (time.perf_counter() - started)
            bars.update(task, completed=done, total=total, speed=f"{speed:.0f}x real time")

        try:
            yield report
        finally:
            bars.remove_task(task)

    with bars:
        yield new_bar


@contextlib.contextmanager
def _no_bar(label: str) -> Iterator[Report]:
    yield lambda done, total: None
