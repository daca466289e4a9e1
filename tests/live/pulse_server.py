"""A PulseAudio of its own for a test: no D-Bus, no session, two null sinks for loudspeaker and phone."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import IO

import needs
import numpy as np

RATE = 48_000
FRAME_BYTES = 8
PROGRAMS = ("pulseaudio", "pactl", "pacat", "parec")
NULL_SINK = "module-null-sink sink_name={} format=float32le rate=48000 channels=2 norewinds=1"


class PulseServer:
    """A server; programs find it by `environment`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = {
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "run"),
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_COOKIE": str(folder / "cookie"),
            "PULSE_SERVER": f"unix:{folder / 'native'}",
        }

    def start(self) -> None:
        """Start the server and wait until it answers."""
        for name in ("run", "state"):
            (self._folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        modules = [
            f"module-native-protocol-unix auth-anonymous=1 socket={self._folder / 'native'}",
            NULL_SINK.format("speaker") + " sink_properties=device.description=Speaker",
            NULL_SINK.format("phone") + " sink_properties=device.description=Phone",
        ]
        command = ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no"]
        command += ["--exit-idle-time=-1", "--realtime=no", "--high-priority=no"]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *(f"-L{module}" for module in modules)],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 10
        while self.pactl("info", check=False) == "":
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "pulseaudio does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server as a crash would."""
        self._process.kill()
        self._process.wait()

    def pactl(self, *words: str, check: bool = True) -> str:
        """Ask the server."""
        run = subprocess.run(["pactl", *words], capture_output=True, text=True, check=check)
        return run.stdout

    def names(self, kind: str) -> list[str]:
        """List the names of the sinks, sources or modules."""
        return [line.split("\t")[1] for line in self.pactl("list", "short", kind).splitlines()]

    @contextlib.contextmanager
    def playing(self, sink: str, audio: np.ndarray) -> Iterator[None]:
        """Play stereo audio of shape (frames, 2), again and again, as a program for calls would."""
        with self._program("pacat", "--playback", f"--device={sink}", stdin=PIPE) as program:
            threading.Thread(target=_feed, args=(program.stdin, audio), daemon=True).start()
            yield

    def record(self, source: str, seconds: float) -> np.ndarray:
        """Record stereo audio of shape (frames, 2)."""
        with self._program("parec", f"--device={source}", stdout=PIPE) as program:
            assert program.stdout is not None
            data = program.stdout.read(round(seconds * RATE) * FRAME_BYTES)
        return np.frombuffer(data, np.float32).reshape(-1, 2)

    @contextlib.contextmanager
    def _program(self, *words: str, **pipes: int) -> Iterator[subprocess.Popen[bytes]]:
        stereo = ("--format=float32le", f"--rate={RATE}", "--channels=2", "--latency-msec=20")
        program = subprocess.Popen([*words, *stereo], **pipes)
        try:
            yield program
        finally:
            program.kill()
            program.wait()
            for pipe in (program.stdin, program.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()


def _feed(pipe: IO[bytes], audio: np.ndarray) -> None:
    with contextlib.suppress(BrokenPipeError, ValueError):
        while True:
            pipe.write(audio.astype(np.float32).tobytes())


def require_pulse() -> None:
    """Skip where the programs are missing."""
    needs.programs(*PROGRAMS, packages="pulseaudio pulseaudio-utils")
