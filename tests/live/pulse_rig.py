"""A PulseAudio server of its own whose devices are null sinks, or pipes of which the test is both clocks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import needs
import numpy as np
import pytest

RATE = 48_000
SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ
PIPE_BYTES = {"mic": 8192, "spk": 16_384}
DEVICE = "module-{}-{} {}_name={} format=float32le rate=48000 channels=1 "


class PulseRig:
    """The server, and the environment in which ALSA's devices `names` are its devices.

    Parameters
    ----------
    folder : Path
        For its sockets and pipes.
    modules : list of str
        What it loads.
    devices : dict
        ALSA names, and the PulseAudio devices that they are: "" for the defaults.
    """

    def __init__(self, folder: Path, modules: list[str], devices: dict[str, str]) -> None:
        self.folder = folder
        self._modules = modules
        self._process: subprocess.Popen[bytes] | None = None
        socket = folder / "native"
        alsa = folder / "asound.conf"
        for name in ("run", "state"):
            (folder / name).mkdir(mode=0o700)
        entries = [
            f'pcm.{name} {{ type pulse server "unix:{socket}" {f"device {device!r}" if device else ""} }}\n'
            for name, device in devices.items()
        ]
        alsa.write_text("".join(entries).replace("'", '"') + "pcm.default { type null }\n")
        self.environment = {
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "run"),
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_COOKIE": str(folder / "cookie"),
            "PULSE_SERVER": f"unix:{socket}",
            "ALSA_CONFIG_PATH": str(alsa),
        }

    def start(self) -> None:
        protocol = f"module-native-protocol-unix auth-anonymous=1 socket={self.folder / 'native'}"
        command = ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
        command += [word for module in (protocol, *self._modules) for word in ("-L", module)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
        until = time.monotonic() + 10
        while subprocess.run(["pactl", "info"], capture_output=True).returncode != 0:
            assert self._process.poll() is None, "pulseaudio ended"
            assert time.monotonic() < until, "pulseaudio does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in ("mic", "spk"):  # the next server wants to make them itself
            (self.folder / pipe).unlink(missing_ok=True)

    def pactl(self, *words: str) -> str:
        return subprocess.run(["pactl", *words], check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def pulse_server(folder: Path, modules: list[str], devices: dict[str, str]) -> Iterator[PulseRig]:
    """Run a server; programs that are started meanwhile find it, and no JACK server."""
    needs.programs("pulseaudio", "pactl", "pacat", packages="pulseaudio pulseaudio-utils")
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        needs.missing("ALSA cannot reach PulseAudio: apt-get install libasound2-plugins")
    rig = PulseRig(folder, modules, devices)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in rig.environment.items():
            patch.setenv(name, value)
        patch.setenv("JACK_DEFAULT_SERVER", "none")
        rig.start()
        try:
            yield rig
        finally:
            rig.kill()


def null_sink(name: str) -> str:
    return DEVICE.format("null", "sink", "sink", name) + "norewinds=1"


def pipe_source(folder: Path, name: str) -> str:
    return DEVICE.format("pipe", "source", "source", name) + f"file={folder / name}"


def pipe_sink(folder: Path, name: str) -> str:
    return DEVICE.format("pipe", "sink", "sink", name) + f"file={folder / name}"


class PipeClocks:
    """Both devices' clocks: feeds ``mic`` and drains ``spk`` at rates of its own.

    Parameters
    ----------
    folder : Path
        Where the pipes are.
    input_ppm, output_ppm : float
        By how much the crystals are off.
    tone_hz : float
        What the microphone hears, by its own clock.
    """

    def __init__(self, folder: Path, input_ppm: float, output_ppm: float, tone_hz: float) -> None:
        self._tone = 2 * np.pi * tone_hz / RATE
        self._stop = threading.Event()
        self._heard: list[bytes] = []
        self._threads = [
            threading.Thread(
                target=self._run, args=(folder / "mic", os.O_WRONLY, input_ppm, self._feed)
            ),
            threading.Thread(
                target=self._run, args=(folder / "spk", os.O_RDONLY, output_ppm, self._drain)
            ),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> np.ndarray:
        """Stop both clocks and give what the loudspeaker played."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return np.frombuffer(b"".join(self._heard), np.float32)

    def _run(
        self, path: Path, mode: int, ppm: float, move: Callable[[int, int, int], None]
    ) -> None:
        with contextlib.suppress(PermissionError):  # a crystal does not wait for a busy machine
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
        pipe = os.open(path, mode | os.O_NONBLOCK)
        fcntl.fcntl(pipe, SET_PIPE_SIZE, PIPE_BYTES[path.name])
        began, frames = time.monotonic(), 0
        while not self._stop.wait(0.002):
            due = int((time.monotonic() - began) * RATE * (1 + 1e-6 * ppm))
            move(pipe, frames, due - frames)
            frames = due  # what finds no room, or is not there, is lost: a crystal goes on
        os.close(pipe)

    def _feed(self, pipe: int, first: int, frames: int) -> None:
        tone = 0.5 * np.sin(self._tone * np.arange(first, first + frames))
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(pipe, tone.astype(np.float32))

    def _drain(self, pipe: int, first: int, frames: int) -> None:
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(pipe, 4 * frames)
        self._heard.append(data.ljust(4 * frames, b"\0"))
