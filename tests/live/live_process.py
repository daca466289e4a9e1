"""``novasr live`` as people run it, and what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest


class LiveProcess:
    """A running ``novasr live --headless``."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "novasr", "live", "--headless", *map(str, words)]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        )
        self._news = threading.Condition()
        self.stats: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, kind: str, seconds: float, *, count: int = 1) -> dict[str, Any]:
        """Wait for the event of that kind that is the `count`th, and give it."""

        def found() -> list[dict[str, Any]]:
            return [event for event in self.events if event["kind"] == kind]

        self._wait(lambda: len(found()) >= count, seconds, f"event {kind!r}")
        return found()[count - 1]

    def wait_for_stats(self, seconds: float = 10.0) -> dict[str, Any]:
        """Give the next report."""
        seen = self.stats[-1] if self.stats else None
        self._wait(lambda: self.stats and self.stats[-1] is not seen, seconds, "stats")
        return self.stats[-1]

    def wait_for_sound(self, seconds: float) -> None:
        """Wait until a tone goes in and comes out."""

        def heard() -> bool:
            levels = ("input_peak_db", "output_peak_db")
            return bool(self.stats) and all(self.stats[-1][level] > -20 for level in levels)

        self._wait(heard, seconds, "sound")

    def forget(self) -> None:
        """Keep no more than the latest report."""
        with self._news:
            del self.stats[:-1]

    def interrupt(self) -> tuple[int, float]:
        """Press Ctrl-C; give exit code and the seconds that it took."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)
            pytest.fail(f"Ctrl-C does not end it: {self._process.stderr.read()}")
        seconds = time.monotonic() - began
        self._reader.join(5)
        return code, seconds

    def wait_for_the_end(self, kind: str) -> str:
        """Give the message of the last event of that kind, once it has ended."""
        self._process.wait(10)
        self._reader.join(5)
        return [event["message"] for event in self.events if event["kind"] == kind][-1]

    def close(self) -> None:
        if self._process.poll() is None:
            self.interrupt()
        self._process.stdout.close()
        self._process.stderr.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        for line in self._process.stdout:
            report = json.loads(line)
            with self._news:
                if "event" in report:
                    self.events.append(report["event"])
                else:
                    self.stats.append(report["stats"])
                self._news.notify_all()

    def _wait(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        with self._news:
            until = time.monotonic() + seconds
            while not ready():
                assert self._process.poll() is None, f"novasr ended: {self._process.stderr.read()}"
                assert time.monotonic() < until, f"no {what} within {seconds} s: {self.events}"
                self._news.wait(0.1)
