"""Ctrl-C, SIGTERM and SIGHUP end the work once; nothing interrupts the clean-up unless it hangs."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

CLEAN_UP_SECONDS = 10.0


@contextlib.contextmanager
def stopping_once() -> Iterator[None]:
    """Raise KeyboardInterrupt or SystemExit on the first signal, and take no notice of the others.

    One that comes after CLEAN_UP_SECONDS kills the process: a clean-up of that length hangs.
    What the caller ignores, as ``nohup`` and background jobs of a shell do, stays ignored.
    """
    stopped_at: float | None = None

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped_at
        if stopped_at is not None:
            if time.monotonic() - stopped_at > CLEAN_UP_SECONDS:
                os._exit(128 + number)
            return
        stopped_at = time.monotonic()
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
        if stopped_at is not None:  # as Python ends, it would let them kill the process
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)
