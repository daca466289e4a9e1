"""A Python thread that keeps the interpreter busy does not disturb the audio."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from duration import long_seconds
from stalls import stalls_of_the_machine

SECONDS = long_seconds()
pytestmark = pytest.mark.timeout(SECONDS + 240)
SCRIPT = Path(__file__).with_name("busy_interpreter.py")


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


def test_a_busy_interpreter_delays_no_block(realtime_peers) -> None:
    counts = run_busy("novasr")
    due = SECONDS * 48_000 / 128
    assert counts["blocks"] > 0.95 * due
    assert counts["late_blocks"] <= counts["stalls"]  # a machine to itself has none


def test_the_same_delays_a_callback_in_python(realtime_peers) -> None:
    counts = run_busy("python")
    assert counts["blocks"] < 0.95 * SECONDS * 48_000 / 128
    assert counts["late_blocks"] > 10 + counts["stalls"]
