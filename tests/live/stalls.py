"""How often a core of this machine stood still: a virtual one does."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from subprocess import PIPE

STALL_METER = """
import os, signal, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
running, stalls, last = True, 0, time.monotonic()
def stop(*_):
    global running
    running = False
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while running:
    time.sleep(0.0005)
    now = time.monotonic()
    stalls += now - last > 0.002
    last = now
print(stalls)
"""


@contextlib.contextmanager
def stalls_of_the_machine() -> Iterator[list[int]]:
    """Count how often a core stood still for 2 ms, as a virtual one does, seen from the highest priority."""
    meters = [
        subprocess.Popen([sys.executable, "-c", STALL_METER, str(core)], stdout=PIPE, text=True)
        for core in os.sched_getaffinity(0)
    ]
    counts: list[int] = []
    try:
        for meter in meters:
            assert meter.stdout.readline() == "ready\n"
        yield counts
    finally:
        for meter in meters:
            meter.terminate()
            counts.append(int(meter.communicate(timeout=10)[0]))
