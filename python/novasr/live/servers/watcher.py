"""Tells when something changes at the sound server."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import threading
from collections.abc import Callable

from novasr.live.servers.pulse import PACTL_ENVIRONMENT

RETRY_SECONDS = 1.0
QUIET_SECONDS, LONGEST_SECONDS = 0.05, 0.5  # changes come in bursts, of which one answer is enough
_CHANGES = re.compile(
    rb"'(new|change)' on (server|sink-input|source-output) |'remove' on (sink|source) "
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
        self._pactl: subprocess.Popen[bytes] | None = None

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
            pactl = self._subscribe()
            try:
                self._changed()  # what happened before
                self._follow(pactl.stdout.fileno())  # type: ignore[union-attr]
            finally:
                pactl.kill()
                pactl.communicate()
            self._stopped.wait(RETRY_SECONDS)

    def _follow(self, pipe: int) -> None:
        """Read until the server or we end it."""
        while said := os.read(pipe, 1 << 16):
            for _ in range(round(LONGEST_SECONDS / QUIET_SECONDS)):
                if not select.select([pipe], [], [], QUIET_SECONDS)[0]:
                    break
                said += os.read(pipe, 1 << 16)
            if _CHANGES.search(said):
                self._changed()

    def _subscribe(self) -> subprocess.Popen[bytes]:
        setpriv = shutil.which("setpriv")  # pactl would outlive us
        words = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
        with self._lock:
            self._pactl = subprocess.Popen(
                [*words, "pactl", "subscribe"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **PACTL_ENVIRONMENT},
                start_new_session=True,  # Ctrl-C is for us
            )
            if self._stopped.is_set():
                self._pactl.kill()
            return self._pactl
