"""Ctrl-C at any moment of reading: what watches over the audio goes on, so that the stream can be stopped."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from types import FrameType
from typing import Any

from novasr.live import LiveStream

WATCHED = ("novasr/live/stream.py", "threading.py", "queue.py")


class Interrupt:
    """Raises KeyboardInterrupt at the moment with that number: a call, a line or a return."""

    def __init__(self, moment: int) -> None:
        self.left = moment

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if event != "exception":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


def read_until_interrupted(stream: LiveStream, moment: int) -> bool:
    """Read two updates; tell whether the moment came."""
    try:
        sys.settrace(Interrupt(moment))
        updates = stream.updates()
        next(updates)
        next(updates)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


def test_an_interrupt_at_any_moment_leaves_the_stream_running(jack, peers) -> None:
    jack(48_000, 256, synchronous=False)
    peers()
    stream = LiveStream("mic", "spk")
    stream.start()
    try:
        for moment in itertools.count(1):
            if not read_until_interrupted(stream, moment):
                break
            seen = stream.stats.time
            until = time.monotonic() + 2
            while stream.stats.time == seen:
                assert time.monotonic() < until, f"no report after an interrupt at moment {moment}"
                time.sleep(0.01)
        assert 5 < moment < 400
    finally:
        stopping = threading.Thread(target=stream.stop, daemon=True)
        stopping.start()
        stopping.join(5)
    assert not stopping.is_alive()
