"""A Python thread that keeps the interpreter busy does not disturb the audio."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest
from duration import long_seconds

SECONDS = long_seconds()
pytestmark = pytest.mark.timeout(SECONDS + 240)
SCRIPT = Path(__file__).with_name("busy_interpreter.py")
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
    for meter in meters:
        assert meter.stdout.readline() == "ready\n"
    yield counts
    for meter in meters:
        meter.terminate()
        counts.append(int(meter.communicate(timeout=10)[0]))


def run_busy(kind: str) -> dict[str, int]:
    """Stream for a while in a process whose interpreter is kept busy, with the other cores loaded."""
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() - 1)
    ]
    try:
        command = [sys.executable, str(SCRIPT), kind, str(SECONDS)]
        with stalls_of_the_machine() as stalls:
            run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 60)
        assert run.returncode == 0, run.stderr
        counts = {**json.loads(run.stdout), "stalls": sum(stalls)}
        print(kind, counts)
        return counts
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@pytest.fixture
def realtime_jack(rigs, jack, peers) -> None:
    """Run a server with real-time priority, as musicians do, and 128 frames a period."""
    if os.geteuid() != 0:
        pytest.skip("real-time priority needs root")
    jack(48_000, 128, synchronous=False, realtime=True)
    peers()


def test_a_busy_interpreter_delays_no_block(realtime_jack) -> None:
    counts = run_busy("novasr")
    due = SECONDS * 48_000 / 128
    assert counts["blocks"] > 0.95 * due
    assert counts["late_blocks"] <= counts["stalls"]  # a machine to itself has none


def test_the_same_delays_a_callback_in_python(realtime_jack) -> None:
    counts = run_busy("python")
    assert counts["blocks"] < 0.95 * SECONDS * 48_000 / 128
    assert counts["late_blocks"] > 10 + counts["stalls"]
