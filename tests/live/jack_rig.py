"""A JACK server without hardware, and two clients that PortAudio takes for a microphone and a loudspeaker."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

SERVER = "novasr-test"
CLONE_NEWNS = 0x0002_0000
MS_REC_PRIVATE = 0x4000 | 0x4_0000


def require_jack() -> None:
    """Skip unless server and client library are there."""
    if shutil.which("jackd") is None:
        pytest.skip("jackd is missing: apt-get install jackd2")
    pytest.importorskip("jack", reason="pip install JACK-Client", exc_type=ImportError)


def make_shm_private() -> None:
    """Mount a /dev/shm of our own where we may, so that no other server is met and nothing is left behind."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) == 0 and libc.mount(None, b"/", None, MS_REC_PRIVATE, None) == 0:
        libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, b"size=256m")


class JackServer:
    """``jackd`` with its dummy driver.

    Synchronous, it waits for its clients: load stretches time and loses no sample. That is for tests of
    exactness; those of failures and of timing want it asynchronous.
    """

    def __init__(self, rate: int = 48_000, period: int = 256, *, synchronous: bool = True, realtime: bool = False):
        self.rate, self.period = rate, period
        self._options = ["-R", "-P", "20"] if realtime else ["-r"]
        self._options += ["-S"] if synchronous else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        driver = ["-d", "dummy", "-r", str(self.rate), "-p", str(self.period), "-C", "1", "-P", "1"]
        command = ["jackd", *self._options, "-t", "500", "-p", "64", "-n", SERVER, *driver]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
        until = time.monotonic() + 10
        while subprocess.run(["jack_lsp"], capture_output=True, check=False).returncode != 0:
            assert self._process.poll() is None, "jackd ended"
            assert time.monotonic() < until, "jackd does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """Let it die as in a crash."""
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None


@contextlib.contextmanager
def jack_environment(folder: Path):
    """Set what libjack and ALSA read from the environment."""
    folder.mkdir(exist_ok=True)
    alsa = folder / "asound.conf"
    alsa.write_text("pcm.default { type null }\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", SERVER)
        patch.setenv("JACK_NO_START_SERVER", "1")
        patch.setenv("JACK_NO_AUDIO_RESERVATION", "1")
        patch.setenv("ALSA_CONFIG_PATH", os.fspath(alsa))
        yield


class Peers:
    """Clients ``mic``, which plays what :meth:`round_trip` is given, and ``spk``, which records it."""

    def __init__(self) -> None:
        import jack

        self._mic = jack.Client("mic", no_start_server=True)
        self._spk = jack.Client("spk", no_start_server=True)
        self._out = self._mic.outports.register("out_1")
        self._in = self._spk.inports.register("in_1")
        self._audio = np.zeros(0, np.float32)
        self._heard = np.zeros(0, np.float32)
        self._begin: int | None = None
        self._playing, self._done = False, threading.Event()
        self._mic.set_process_callback(self._play)
        self._spk.set_process_callback(self._record)
        self._mic.activate()
        self._spk.activate()

    def wait_connected(self, seconds: float = 10.0) -> None:
        until = time.monotonic() + seconds
        while not self._out.connections or not self._in.connections:
            assert time.monotonic() < until, "nobody connects to mic and spk"
            time.sleep(0.02)

    def round_trip(self, audio: np.ndarray, *, tail: int, freewheel: bool = False) -> np.ndarray:
        """Play `audio` and give what came back from its first frame on, `tail` frames more."""
        self._audio = np.asarray(audio, np.float32)
        self._heard = np.zeros(len(audio) + tail, np.float32)
        self._begin = None
        self._done.clear()
        if freewheel:
            self._mic.set_freewheel(True)
        self._playing = True
        finished = self._done.wait(20 + 10 * len(audio) / self._mic.samplerate)
        self._playing = False
        if freewheel:
            self._mic.set_freewheel(False)
        assert finished, "the audio stands still"
        return self._heard

    def close(self) -> None:
        for client in (self._mic, self._spk):
            client.deactivate()
            client.close()

    def _play(self, frames: int) -> None:
        buffer = self._out.get_array()
        buffer[:] = 0
        if not self._playing:
            return
        if self._begin is None:
            self._begin = self._mic.last_frame_time
        position = self._mic.last_frame_time - self._begin
        piece = self._audio[position : position + frames]
        buffer[: len(piece)] = piece

    def _record(self, frames: int) -> None:
        if not self._playing or self._begin is None:
            return
        position = self._spk.last_frame_time - self._begin
        if position >= len(self._heard):
            self._done.set()
        elif position >= 0:
            room = self._heard[position : position + frames]
            room[:] = self._in.get_array()[: len(room)]
