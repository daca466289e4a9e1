"""A JACK server without hardware, and two clients that PortAudio takes for a microphone and a loudspeaker."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import needs
import numpy as np
import pytest

# The same name again for the next server of a worker: JACK has eight places for names, and takes one back by its name.
SERVER = f"novasr-test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
CLONE_NEWNS = 0x0002_0000
MS_REC_PRIVATE = 0x4000 | 0x4_0000


def require_jack() -> None:
    """Skip unless server and client library are there."""
    needs.programs("jackd", "jack_lsp", packages="jackd2")
    needs.package("jack", "pip install JACK-Client")


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

    def __init__(
        self,
        rate: int = 48_000,
        period: int = 256,
        *,
        synchronous: bool = True,
        realtime: bool = False,
    ):
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

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

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
    """Clients ``mic`` and ``spk`` in a process of their own: a JACK client may not survive its server.

    Until :meth:`round_trip`, mic plays silence, or with `tone` a sine of half full scale.
    """

    def __init__(self, folder: Path, *, tone: bool = False) -> None:
        script = Path(__file__).with_name("jack_peers.py")
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(folder), *(["tone"] if tone else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._expect("ready")

    def round_trip(self, audio: np.ndarray, *, tail: int, freewheel: bool = False) -> np.ndarray:
        """Play `audio` once both are connected; give what came back from its first frame on, `tail` frames more."""
        np.save(self._folder / "played.npy", np.asarray(audio, np.float32))
        self._process.stdin.write(json.dumps({"tail": tail, "freewheel": freewheel}) + "\n")
        self._process.stdin.flush()
        self._expect("done")
        return np.load(self._folder / "heard.npy")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def close(self) -> None:
        """Leave the server in order, which waits for clients that were killed."""
        if self._process.poll() is None:
            self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
            self.kill()

    def _expect(self, word: str) -> None:
        line = self._process.stdout.readline()
        assert line == f"{word}\n", f"the JACK clients say {line!r} in place of {word!r}"
