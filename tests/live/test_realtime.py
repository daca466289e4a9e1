"""A Python thread that keeps the interpreter busy does not disturb the audio."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = float(os.environ.get("NOVASR_TEST_SECONDS", "10"))
SCRIPT = Path(__file__).with_name("busy_interpreter.py")


def run_busy(kind: str) -> dict[str, int]:
    """Stream for a while in a process whose interpreter is kept busy, with the other cores loaded."""
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() - 1)
    ]
    try:
        command = [sys.executable, str(SCRIPT), kind, str(SECONDS)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 60)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@pytest.fixture
def realtime_jack(timing, jack, peers) -> None:
    """Run a server with real-time priority, as musicians do, and 128 frames a period."""
    if os.geteuid() != 0:
        pytest.skip("real-time priority needs root")
    jack(48_000, 128, synchronous=False, realtime=True)
    peers()


def test_a_busy_interpreter_delays_no_block(realtime_jack) -> None:
    counts = run_busy("novasr")
    due = SECONDS * 48_000 / 128
    assert counts["blocks"] > 0.95 * due
    assert counts["late_blocks"] == 0


def test_the_same_delays_a_callback_in_python(realtime_jack) -> None:
    counts = run_busy("python")
    assert counts["blocks"] < 0.95 * SECONDS * 48_000 / 128
    assert counts["late_blocks"] > 10
