"""A JACK source that plays once into a client under test, and a sink that records what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np


class Cables:
    """Connected to the named ports, one for each channel of `audio`, while the context lasts."""

    def __init__(
        self, jack, server: str, audio: np.ndarray, ins: Sequence[str], outs: Sequence[str]
    ) -> None:
        self.audio, self.output = audio, np.zeros_like(audio)
        self.theirs = list(zip(ins, outs, strict=True))
        self.start: int | None = None
        self.go, self.done = threading.Event(), threading.Event()
        self.source = jack.Client("source", servername=server, no_start_server=True)
        self.sink = jack.Client("sink", servername=server, no_start_server=True)
        channels = range(1, audio.shape[1] + 1)
        self.outs = [self.source.outports.register(f"out_{n}") for n in channels]
        self.ins = [self.sink.inports.register(f"in_{n}") for n in channels]
        self.source.set_process_callback(self.feed)
        self.sink.set_process_callback(self.take)

    def __enter__(self) -> Cables:
        self.source.activate()
        self.sink.activate()
        for n, (taken, given) in enumerate(self.theirs, 1):
            self.source.connect(f"source:out_{n}", taken)
            self.sink.connect(given, f"sink:in_{n}")
        return self

    def __exit__(self, *_: object) -> None:
        for client in (self.source, self.sink):
            client.deactivate()
            client.close()

    def feed(self, frames: int) -> None:
        now = self.source.last_frame_time
        if self.go.is_set() and self.start is None:
            self.start = now
        for n, port in enumerate(self.outs):
            block = port.get_array()
            block[:] = 0
            if self.start is not None:
                piece = self.audio[now - self.start : now - self.start + frames, n]
                block[: len(piece)] = piece

    def take(self, frames: int) -> None:
        if self.start is None:
            return
        first = self.sink.last_frame_time - self.start
        if first >= len(self.output):
            self.done.set()
            return
        for n, port in enumerate(self.ins):
            piece = self.output[first : first + frames, n]
            piece[:] = port.get_array()[: len(piece)]

    def play(self) -> np.ndarray:
        self.source.set_freewheel(True)  # as fast as the machine can, without gaps
        self.go.set()
        played = self.done.wait(60)
        self.source.set_freewheel(False)
        assert played, "JACK's graph stands still"
        return self.output
