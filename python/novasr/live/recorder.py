"""Writes a recording on a thread of its own: a disk may not answer for seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable

from novasr.live.recording import Recording
from novasr.types import FloatArray

PAUSE_SECONDS = 0.1


class Recorder:
    """A thread that takes audio from where it waits to a recording.

    Parameters
    ----------
    recording : Recording
        Left to the thread, but for its attributes.
    read : callable
        Gives what has come since, before and after.
    """

    def __init__(
        self, recording: Recording, read: Callable[[], tuple[FloatArray, FloatArray]]
    ) -> None:
        self.recording = recording
        self._read = read
        self._finishing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Write the rest and complete the file, unless that takes longer."""
        self._finishing.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self.recording.news.append(
                "the end of the recording is missing: the disk does not answer"
            )

    def _run(self) -> None:
        while not self._finishing.wait(PAUSE_SECONDS):
            self.recording.write(*self._read())
        self.recording.write(*self._read())
        self.recording.close()
