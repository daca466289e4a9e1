"""Play through a live stream, between two clients of a JACK server in freewheel mode.

Time must not decide what comes back. The server waits for its clients in each cycle. When the stream begins
is not known, but it has then taken whole cycles, of 480 frames at 16 kHz, which converters and network divide
into whole steps; and half a second of silence has brought it to rest.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

CYCLE_MS = 30
LEAD_SECONDS, TAIL_SECONDS = 0.5, 0.25
PATIENCE_SECONDS = 30.0


def play_live(samples: Audio, rate: int, **options: Any) -> Audio:
    """Give what comes back of `samples`, of shape (frames, channels), and in the quarter of a second after it.

    Raises
    ------
    OSError
        If JACK is missing, or loses audio.
    """
    from novasr.live import LiveStream

    lead, tail = round(LEAD_SECONDS * rate), round(TAIL_SECONDS * rate)
    played = np.pad(samples, ((lead, tail), (0, 0)))
    with (
        _server(rate),
        contextlib.closing(_Peers(played)) as peers,
        LiveStream("mic", "spk", **options),
    ):
        heard = peers.round_trip()
    return heard[lead:]


@contextlib.contextmanager
def _server(rate: int) -> Iterator[None]:
    """Run ``jackd`` with its dummy driver, and let this process and its children find no other."""
    if absent := [name for name in ("jackd", "jack_wait") if shutil.which(name) is None]:
        raise OSError(f"{', '.join(absent)} not found: apt-get install jackd2")
    name = f"sound-hashes-{os.getpid()}"
    os.environ |= {
        "JACK_DEFAULT_SERVER": name,
        "JACK_NO_START_SERVER": "1",
        "JACK_NO_AUDIO_RESERVATION": "1",
    }
    # -S waits for clients, -t 100 only so long for those that vanish; in freewheel mode it is 10 s
    command = ["jackd", "--no-realtime", "-S", "-t", "100", "-n", name]
    command += ["-d", "dummy", "-r", str(rate), "-p", str(rate * CYCLE_MS // 1000)]
    with tempfile.TemporaryDirectory() as folder:
        alsa = Path(folder, "asound.conf")
        alsa.write_text("pcm.default { type null }\n")
        os.environ["ALSA_CONFIG_PATH"] = str(alsa)
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
        try:
            wait = ["jack_wait", "-w", "-t", "10"]
            if subprocess.run(wait, stdout=quiet, stderr=quiet).returncode != 0:
                raise OSError(f"{' '.join(command)}: does not answer")
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class _Peers:
    """Clients ``mic``, which plays the audio, and ``spk``, which records what comes back."""

    def __init__(self, played: Audio) -> None:
        try:
            import jack
        except ImportError as error:
            raise OSError("JACK-Client is missing: pip install JACK-Client") from error

        jack.set_error_function(lambda message: None)
        jack.set_info_function(lambda message: None)
        self._played, self._heard = played, np.zeros_like(played)
        self._playing, self._done = False, threading.Event()
        self._begin: int | None = None
        self._next: int | None = None
        self._lost = False
        self._mic, self._spk = (jack.Client(name, no_start_server=True) for name in ("mic", "spk"))
        channels = range(played.shape[1])
        self._outputs = [self._mic.outports.register(f"out_{c + 1}") for c in channels]
        self._inputs = [self._spk.inports.register(f"in_{c + 1}") for c in channels]
        self._mic.set_process_callback(self._play)
        self._spk.set_process_callback(self._record)
        self._mic.activate()
        self._spk.activate()

    def round_trip(self) -> Audio:
        """Play all once both are connected; give what came back in the same cycles."""
        ports = (*self._outputs, *self._inputs)
        until = time.monotonic() + PATIENCE_SECONDS
        while not all(port.connections for port in ports):
            if time.monotonic() > until:
                raise OSError("nobody connects to the JACK clients mic and spk")
            time.sleep(0.02)
        self._mic.set_freewheel(True)
        self._playing = True
        finished = self._done.wait(PATIENCE_SECONDS)
        self._mic.set_freewheel(False)
        if not finished or self._lost:
            raise OSError("JACK lost audio or stands still: run it again on a less busy machine")
        return self._heard

    def close(self) -> None:
        """Leave the server."""
        for client in (self._mic, self._spk):
            client.deactivate()
            client.close()

    def _play(self, frames: int) -> None:
        for port in self._outputs:
            port.get_array()[:] = 0
        if not self._playing:
            return
        now = self._mic.last_frame_time
        if self._begin is None:
            self._begin = self._next = now
        self._lost |= now != self._next
        self._next = now + frames
        piece = self._played[now - self._begin :][:frames]
        for port, channel in zip(self._outputs, piece.T, strict=True):
            port.get_array()[: len(piece)] = channel

    def _record(self, frames: int) -> None:
        if self._begin is None:
            return
        room = self._heard[self._spk.last_frame_time - self._begin :][:frames]
        for port, channel in zip(self._inputs, room.T, strict=True):
            channel[:] = port.get_array()[: len(room)]
        if len(room) < frames:
            self._done.set()
