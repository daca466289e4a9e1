"""Ctrl-C, SIGTERM and SIGHUP end the work once; nothing interrupts the clean-up after that."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def stop_once() -> None:
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

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
