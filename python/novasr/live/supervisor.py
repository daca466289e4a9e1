"""Starts the audio process, watches over it, and starts it again when it or a device is lost."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from novasr.errors import DeviceError, NovasrError, StreamError
from novasr.live.config import LiveConfig
from novasr.live.stats import COUNTERS, METERS, LiveEvent, LiveStats

# The longest that the process may say nothing, by what it does, in seconds: drivers hang.
PATIENCE = {"loading": 60.0, "opening": 5.0, "running": 2.0}
PAUSES = (0.05, 1.0)  # before it is started again: first and longest, in seconds
STOP_SECONDS = 0.4


class Supervisor:
    """The parent's side of an audio process.

    Parameters
    ----------
    config : callable
        Gives the configuration for the next process.
    prepare : callable
        Called before each process, ahead of `config`: gives variables for it, beside our own; raises
        DeviceError when there is nothing to open.
    tell : callable
        Takes every LiveStats and LiveEvent, on a thread of the supervisor.
    finish : callable
        Called after the last process with how it stood; gives warnings, and raises nothing.
    """

    def __init__(
        self,
        config: Callable[[], LiveConfig],
        prepare: Callable[[], Mapping[str, str]],
        tell: Callable[[LiveStats | LiveEvent], None],
        finish: Callable[[LiveStats], list[str]],
    ) -> None:
        self._config = config
        self._prepare = prepare
        self._tell = tell
        self._finish = finish
        self._began = time.monotonic()
        self._ran = False
        self._lost_at: float | None = None
        self._restarts = 0
        self._before_loss = dict.fromkeys(COUNTERS, 0)
        self._stats = LiveStats()
        self._running_or_ended: queue.SimpleQueue[None] = queue.SimpleQueue()  # as in LiveStream
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._restart_reason: str | None = None  # why the child was asked to make way for another
        self._lock = threading.Lock()  # for the child's input and what it was told
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self.error: NovasrError | None = None
        self.ended = False  # nothing is told any more

    def start(self) -> None:
        """Return when audio runs, or raise the error that prevents it."""
        self._thread.start()
        self._running_or_ended.get()
        if self.error is not None:
            raise self.error

    def send(self, command: dict[str, Any]) -> None:
        """Give a command to the process that runs."""
        with self._lock:
            self._write(command)

    @property
    def pid(self) -> int | None:
        """The number of the audio process while it runs."""
        child = self._child
        return child.pid if child is not None and child.returncode is None else None

    def restart(self, reason: str) -> None:
        """Replace the process by another one."""
        with self._lock:
            self._restart_reason = reason
            self._write({"stop": True})

    def stop(self) -> None:
        """End the process, by force if it does not end by itself."""
        self._stopping.set()
        with self._lock:
            self._write({"stop": True})
        if self._thread.ident is None:
            return
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive() and self._child is not None:
            self._child.kill()
        self._thread.join()

    def _supervise(self) -> None:
        pause, longest = PAUSES
        try:
            while not self._stopping.is_set():
                ran = self._restarts, self._ran
                reason = self._run_once()
                if reason is None:
                    break
                if not self._ran and self._restart_reason is None:
                    raise DeviceError(reason)
                pause = PAUSES[0] if ran != (self._restarts, self._ran) else min(2 * pause, longest)
                self._lose(reason)
                self._stopping.wait(pause)
        except NovasrError as error:
            self.error = error
        finally:
            for message in self._finish(self._stats):
                self._event("warning", message)
            self._publish({"state": "stopped"})
            self._event("stopped", str(self.error or "stopped"))
            self.ended = True
            self._running_or_ended.put(None)

    def _run_once(self) -> str | None:
        """Run one process to its end; give the reason for another, or None to stop."""
        try:
            environment = self._prepare()
        except DeviceError as error:
            return str(error)
        with self._lock:
            if self._stopping.is_set():
                return None
            child = self._child = self._spawn(environment)
            self._restart_reason = None
            config = dataclasses.replace(self._config(), patient=self._ran)
            self._write(config.to_json())
        reason = None
        try:
            for line in self._lines(child):
                reason = self._understand(line) or reason
        except TimeoutError:
            reason = "the audio process does not answer"
        finally:
            child.kill()
            code = child.wait()
            with self._lock, contextlib.suppress(OSError):
                child.stdin.close()  # type: ignore[union-attr]
        if self._stopping.is_set():
            return None
        return reason or self._restart_reason or f"the audio process ended with exit code {code}"

    def _spawn(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        noise = None if os.environ.get("NOVASR_DEBUG") else subprocess.DEVNULL
        return subprocess.Popen(
            [sys.executable, "-m", "novasr.live.audio_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=noise,  # JACK and ALSA talk to it
            env={**os.environ, "JACK_NO_START_SERVER": "1", **environment},
            start_new_session=True,  # Ctrl-C is for us
        )

    def _lines(self, child: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
        """Yield what the process says; raise TimeoutError when it falls silent."""
        assert child.stdout is not None
        said: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=_read, args=(child.stdout, said), daemon=True).start()
        phase, rest = "loading", b""
        while True:
            try:
                data = said.get(timeout=PATIENCE[phase])
            except queue.Empty:
                raise TimeoutError from None
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for text in lines:
                line = json.loads(text)
                phase = "running" if "stats" in line else line.get("phase", phase)
                yield line

    def _understand(self, line: dict[str, Any]) -> str | None:
        """Pass on one line; give the reason if something was lost."""
        if "error" in line:
            kinds = {"device": DeviceError, "stream": StreamError}
            raise kinds[line["kind"]](line["error"])
        if "warning" in line:
            self._event("warning", line["warning"])
        if "waiting" in line:
            self._publish({})
        if "stats" in line:
            self._run(line["stats"])
        return line.get("lost")

    def _run(self, stats: dict[str, Any]) -> None:
        if self._lost_at is not None:
            self._restarts += 1
            gap = time.monotonic() - self._lost_at
            self._lost_at = None
            self._event("recovered", f"recovered after {gap:.1f} s")
        for name in COUNTERS:
            stats[name] += self._before_loss[name]
        spectra = {key: tuple(stats[key]) for key in ("spectrum_before", "spectrum_after")}
        first, self._ran = not self._ran, True
        del stats["time"], stats["restarts"]  # ours
        self._publish({**stats, **spectra})
        if first:
            route = f"{stats['input']} to {stats['output']}"
            self._event("running", f"{route}, {stats['rate']} Hz, {stats['latency_ms']:.1f} ms")
            self._running_or_ended.put(None)

    def _lose(self, reason: str) -> None:
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            self._before_loss = {name: getattr(self._stats, name) for name in COUNTERS}
            self._event("lost", reason)
        at_rest = {name: getattr(LiveStats, name) for name in METERS}
        self._publish({**at_rest, "state": "recovering"})

    def _publish(self, changes: dict[str, Any]) -> None:
        seconds = time.monotonic() - self._began
        self._stats = dataclasses.replace(
            self._stats, **changes, time=seconds, restarts=self._restarts
        )
        self._tell(self._stats)

    def _event(self, kind: str, message: str) -> None:
        self._tell(LiveEvent(time.monotonic() - self._began, kind, message))

    def _write(self, message: dict[str, Any]) -> None:
        if self._child is None or self._child.stdin is None or self._child.stdin.closed:
            return
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(message).encode() + b"\n")
            self._child.stdin.flush()


def _read(pipe: IO[bytes], said: queue.Queue[bytes]) -> None:
    """Pass on what comes until the end, which is b"": Windows cannot wait for a pipe with a time limit."""
    with pipe:
        while data := os.read(pipe.fileno(), 1 << 16):
            said.put(data)
    said.put(b"")
