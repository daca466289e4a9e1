"""Whoever looks on may go: the sound stays until it is ended."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from processes import has_ended

LIVE = [sys.executable, "-m", "novasr", "live", "-i", "mic", "-o", "spk"]


@pytest.fixture
def program(jack, peers):
    """Run ``novasr live``, see that it plays for two seconds, and end it with Ctrl-C."""
    server = jack(48_000, 256, synchronous=False)
    peers(tone=True)

    def run(*words: str, gone: Callable[[], None] = lambda: None, **pipes: Any) -> tuple[int, str]:
        process = subprocess.Popen([*LIVE, *words], stderr=subprocess.PIPE, text=True, **pipes)
        try:
            wait_until_connected(process)
            gone()
            time.sleep(2)
            assert "PortAudio:in_0" in ports(), process.stderr.read()
            assert not has_ended(process.pid)
            process.send_signal(signal.SIGINT)
            return process.wait(10), process.stderr.read()
        finally:
            process.kill()
            process.wait()
            process.stderr.close()

    yield run
    server.stop()


def ports() -> str:
    return subprocess.run(["jack_lsp", "-c"], capture_output=True, text=True).stdout


def wait_until_connected(process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 20
    while "PortAudio:in_0" not in ports():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_log_on_a_full_disk(program) -> None:
    with open("/dev/full", "w") as full:
        code, said = program("--headless", stdout=full)
    assert code == 130
    assert said.count("\n") == 1
    assert "no more lines are printed: No space left on device; the sound goes on" in said


def test_no_standard_output_at_all(program) -> None:
    assert program(preexec_fn=lambda: os.close(1)) == (130, "")


@pytest.mark.parametrize("headless", [["--headless"], []])
def test_a_reader_that_goes_away(program, headless: list[str]) -> None:
    ours, theirs = os.pipe()
    code, said = program(*headless, stdout=theirs, gone=lambda: os.close(ours))
    os.close(theirs)
    assert code == 130
    assert said.count("\n") == 1
    assert "no more lines are printed: Broken pipe; the sound goes on" in said


def test_a_terminal_that_goes_away_when_its_hang_up_is_ignored(program) -> None:
    ours, theirs = pty.openpty()

    def hang_up() -> None:
        shown = b""
        while b"quit" not in shown:
            shown += os.read(ours, 1 << 16)
        os.close(ours)

    code, said = program(
        stdin=theirs,
        stdout=theirs,
        gone=hang_up,
        env={**os.environ, "TERM": "xterm-256color"},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    os.close(theirs)
    assert (code, said) == (130, "")
