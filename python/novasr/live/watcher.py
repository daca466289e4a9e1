"""Tells when something changes at the sound server."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable

RETRY_SECONDS = 1.0
_CHANGES = re.compile(
    r"'(new|change)' on (server|sink-input|source-output) |'remove' on (sink|source) "
)


class Watcher:
    """Calls a function, on a thread of its own, when defaults, streams or devices have changed.

    Parameters
    ----------
    changed : callable
        What to call.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._pactl: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin to watch; a server that restarts is found again."""
        self._stopped.clear()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """Call no more."""
        with self._lock:
            self._stopped.set()
            if self._pactl is not None:
                self._pactl.kill()

    def _watch(self) -> None:
        while not self._stopped.is_set():
            with self._subscribed() as pactl:
                assert pactl.stdout is not None
                for line in pactl.stdout:
                    if _CHANGES.search(line):
                        self._changed()
            self._stopped.wait(RETRY_SECONDS)

    def _subscribed(self) -> subprocess.Popen[str]:
        with self._lock:
            self._pactl = subprocess.Popen(
                ["pactl", "subscribe"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                start_new_session=True,  # Ctrl-C is for us
            )
            if self._stopped.is_set():
                self._pactl.kill()
            return self._pactl
