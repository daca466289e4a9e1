"""A JACK server of our own, without hardware."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import needs


@contextmanager
def jack_server(folder: Path, rate: int, period: int) -> Iterator[dict[str, str]]:
    """Run jackd's dummy device; give the environment in which clients find it."""
    needs.programs("jackd", "jack_wait", "jack_lsp", packages="jackd2")
    name = f"novasr-test-{os.getpid()}"
    environment = {
        **os.environ,
        "HOME": str(folder),
        "JACK_DEFAULT_SERVER": name,
        "JACK_NO_START_SERVER": "1",
        "JACK_NO_AUDIO_RESERVATION": "1",
    }
    # -S: each cycle waits for all clients, so that a busy machine cannot make gaps
    command = ["jackd", "--no-realtime", "-S", "-t", "5000", "-n", name]
    command += ["-d", "dummy", "-r", str(rate), "-p", str(period)]
    with (folder / "jackd.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait = ["jack_wait", "-w", "-t", "10"]
            subprocess.run(wait, env=environment, stdout=log, stderr=log, check=True)
            yield environment
        finally:
            end(server)


def end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Ask the process to end; insist after a while."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(condition: object, seconds: float = 10.0) -> None:
    """Wait for the condition, a function without arguments, to come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            msg = f"waited {seconds} s in vain"
            raise TimeoutError(msg)
        time.sleep(0.02)
