"""Streams from mic to spk while a thread holds the interpreter's lock: ``python busy_interpreter.py KIND SECONDS``.

KIND is "novasr" for the audio of a LiveStream, "python" for a callback that copies. Prints the callbacks
and how many of them took longer than their block lasts.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

import sounddevice

from novasr import _native
from novasr.engines import make_engine
from novasr.live.audio_process import Audio
from novasr.live.config import LiveConfig
from novasr.live.devices import find_route

BLOCK_SECONDS = 128 / 48_000


def keep_busy() -> None:
    while True:
        sum(range(300_000))  # some milliseconds in C, without letting go of the lock


def run_novasr(seconds: float) -> dict[str, int]:
    engine = make_engine("native", None, threads=1, offline=False)
    audio = Audio(find_route("mic", "spk", None), engine, LiveConfig(), _native.Parameters())
    begin = audio.bridge.stats()
    time.sleep(seconds)
    end = audio.bridge.stats()
    audio.close()
    return {
        "blocks": end["input_blocks"] - begin["input_blocks"],
        "late_blocks": end["late_blocks"] - begin["late_blocks"],
        "xruns": end["output_xruns"] - begin["output_xruns"],
    }


def run_python(seconds: float) -> dict[str, int]:
    """Count a callback as late if a block and a half has passed since the last one ended."""
    counts = {"blocks": 0, "late_blocks": 0, "xruns": 0}
    last = [time.perf_counter()]

    def copy(indata, outdata, frames, when, status) -> None:
        outdata[:] = indata
        now = time.perf_counter()
        counts["blocks"] += 1
        counts["late_blocks"] += now - last[0] > 1.5 * BLOCK_SECONDS
        counts["xruns"] += bool(status.output_underflow)
        last[0] = now

    with sounddevice.Stream(
        device=("mic", "spk"),
        blocksize=0,
        channels=1,
        dtype="float32",
        samplerate=48_000,
        callback=copy,
    ):
        time.sleep(seconds)
    return counts


def main() -> None:
    kind, seconds = sys.argv[1], float(sys.argv[2])
    threading.Thread(target=keep_busy, daemon=True).start()
    print(json.dumps({"novasr": run_novasr, "python": run_python}[kind](seconds)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
