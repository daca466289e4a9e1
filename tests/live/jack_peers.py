"""The clients behind ``jack_rig.Peers``: ``python jack_peers.py FOLDER [tone]``.

Each line on stdin asks for a round trip of FOLDER/played.npy, which is stored as FOLDER/heard.npy.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import jack
import numpy as np

FASTEST = 10  # times real time: a recording, which has room for 5 s, must be able to follow


class Peers:
    """Clients ``mic``, which plays what :meth:`round_trip` is given, and ``spk``, which records it."""

    def __init__(self, *, tone: bool) -> None:
        self._tone = tone
        self._mic = jack.Client("mic", no_start_server=True)
        self._spk = jack.Client("spk", no_start_server=True)
        self._out = self._mic.outports.register("out_1")
        self._in = self._spk.inports.register("in_1")
        self._audio = np.zeros(0, np.float32)
        self._heard = np.zeros(0, np.float32)
        self._begin: int | None = None
        self._began = 0.0
        self._playing, self._done = False, threading.Event()
        self._mic.set_process_callback(self._play)
        self._spk.set_process_callback(self._record)
        self._mic.activate()
        self._spk.activate()

    def _wait_connected(self, seconds: float = 10.0) -> None:
        until = time.monotonic() + seconds
        while not self._out.connections or not self._in.connections:
            assert time.monotonic() < until, "nobody connects to mic and spk"
            time.sleep(0.02)

    def round_trip(self, audio: np.ndarray, *, tail: int, freewheel: bool = False) -> np.ndarray:
        self._wait_connected()
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
        if self._tone:
            seconds = (self._mic.last_frame_time + np.arange(frames)) / self._mic.samplerate
            buffer[:] = 0.5 * np.sin(2 * np.pi * 440 * seconds)
        if not self._playing:
            return
        if self._begin is None:
            self._begin = self._mic.last_frame_time
            self._began = time.monotonic()
        position = self._mic.last_frame_time - self._begin
        due = self._began + position / self._mic.samplerate / FASTEST
        time.sleep(max(0.0, due - time.monotonic()))
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


def main() -> None:
    folder = Path(sys.argv[1])
    peers = Peers(tone="tone" in sys.argv)
    print("ready", flush=True)
    for line in sys.stdin:
        np.save(
            folder / "heard.npy",
            peers.round_trip(np.load(folder / "played.npy"), **json.loads(line)),
        )
        print("done", flush=True)
    peers.close()


if __name__ == "__main__":
    main()
