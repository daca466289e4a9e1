"""Ctrl-C, SIGTERM and SIGHUP end the work once; nothing interrupts the clean-up after that."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def stopping_once() -> Iterator[None]:
    """Raise KeyboardInterrupt or SystemExit on the first signal, and take no notice of the others.

    What the caller ignores, as ``nohup`` and background jobs of a shell do, stays ignored.
    """
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            return
        stopping = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]
    numbers = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        if stopping:  # as Python ends, it would let them kill the process
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)
