"""The screen of ``novasr live`` on a pseudo-terminal, and what its keys do."""

from __future__ import annotations

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from fcntl import ioctl

import pytest
from pulse_server import PulseServer
from rich.console import Console

from novasr.live.stats import LiveEvent, LiveStats
from novasr.live.ui.screen import Screen

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
ORANGE = "38;5;214"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


def drawn(screen: Screen, stats: LiveStats, *events: LiveEvent) -> list[str]:
    console = Console(width=80, height=24, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(screen.draw(stats, events))
    console.file.close()
    return console.export_text().splitlines()


def in_color(screen: Screen, stats: LiveStats) -> str:
    console = Console(width=80, height=24, color_system="truecolor", force_terminal=True)
    with console.capture() as capture:
        console.print(screen.draw(stats))
    return capture.get()


class Terminal:
    """``novasr live`` on a terminal of 80 by 24, with a keyboard."""

    def __init__(self, *words: str) -> None:
        self._keyboard, self.terminal = pty.openpty()
        ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.modes = termios.tcgetattr(self.terminal)
        self.shown = ""
        self.program = subprocess.Popen(
            [sys.executable, "-m", "novasr", "live", *words],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=subprocess.PIPE,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
            text=True,
            preexec_fn=self._take_terminal,  # so that Ctrl-C reaches it
        )
        threading.Thread(target=self._read, daemon=True).start()

    def press(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    def wait_for(self, pattern: str, seconds: float = 20.0) -> None:
        """Wait until what is drawn from now on has `pattern`."""
        begin, until = len(self.shown), time.monotonic() + seconds
        while not re.search(pattern, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.shown[begin:])):
            assert self.program.poll() is None, self.program.stderr.read()
            assert time.monotonic() < until, (
                f"{pattern!r} is not shown: {self.shown[begin:][-3000:]}"
            )
            time.sleep(0.02)

    def end(self, seconds: float = 10.0) -> int:
        """Wait for the program, and see that the terminal is as it was."""
        code = self.program.wait(seconds)
        time.sleep(0.1)
        assert termios.tcgetattr(self.terminal) == self.modes
        assert self.shown.count(ENTER) == self.shown.count(LEAVE) == 1
        assert self.shown.rindex(SHOW_CURSOR) > self.shown.rindex(HIDE_CURSOR)
        return code

    def close(self) -> None:
        self.program.kill()
        self.program.wait()
        self.program.stderr.close()
        os.close(self.terminal)

    def _take_terminal(self) -> None:
        os.setsid()
        ioctl(self.terminal, termios.TIOCSCTTY, 0)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._keyboard, 1 << 16)
            except OSError:
                return
            self.shown += data.decode(errors="replace")


@pytest.fixture
def terminal(pulse: PulseServer) -> Iterator[Terminal]:
    running = Terminal("--virtual-sink", "call")
    running.wait_for("● running")
    yield running
    running.close()


def test_keys_change_the_sound_and_q_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    assert termios.tcgetattr(terminal.terminal)[3] & termios.ECHO == 0
    terminal.wait_for("call → Speaker")
    terminal.press("b")
    terminal.wait_for("BYPASS")
    terminal.press(" ")
    terminal.wait_for("extend, mix 100%")
    terminal.press("w")
    terminal.wait_for("wide, full band, mix 100%")
    terminal.press("w")
    terminal.wait_for("base extend, mix 100%")
    terminal.press("m")
    terminal.wait_for("full, mix 100%")
    terminal.press("--")
    terminal.wait_for("mix 80%")
    terminal.press("+")
    terminal.wait_for("mix 90%")
    terminal.press("q")
    assert terminal.end() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_the_terminal_as_it_was(
    terminal: Terminal, number: signal.Signals, code: int
) -> None:
    if number == signal.SIGINT:
        terminal.press("\x03")
    else:
        terminal.program.send_signal(number)
    assert terminal.end() == code


def test_a_lost_server_is_told_and_q_still_works(terminal: Terminal, pulse: PulseServer) -> None:
    pulse.kill()
    terminal.wait_for("● recovering")
    terminal.wait_for(r"0:00:\d\d  .*(device|server|process)")
    terminal.press("q")
    assert terminal.end() == 0


LARGE = LiveStats(
    time=1e7,
    state="recovering",
    input="A microphone with a name that is much longer than a line of the terminal is wide " * 2,
    output="Loudspeaker",
    rate=192_000,
    block=1024,
    latency_ms=12345.6,
    device_ms=9999.9,
    our_ms=2345.7,
    load=123.0,
    largest_load=1e4,
    input_peak_db=30.0,
    output_peak_db=-120.0,
    spectrum_before=(40.0,) * 24,
    spectrum_after=(-120.0,) * 24,
    xruns_input=10**9,
    xruns_output=10**9,
    late_blocks=10**9,
    underruns=10**9,
    overruns=10**9,
    resyncs=10**9,
    drift_ppm=-2000.0,
    buffered_ms=1e4,
    restarts=10**6,
    recorded_s=1e6,
    record_lost=10**12,
    record_problem="No space left on device " * 9,
    model="weights with a name that is much longer than a line.safetensors",
    bypass=True,
)


DETECTED = LiveStats(model="wide", cutoff_hz=15_900.0, recorded_s=1e6)


def test_the_detected_band_is_shown() -> None:
    assert drawn(Screen(), DETECTED)[1].endswith("wide, from 15.9 kHz, mix 100%")
    assert "full band" in drawn(Screen(), LiveStats(model="wide", cutoff_hz=24_000.0))[1]
    assert drawn(Screen(), LiveStats())[1].endswith("base extend, mix 100%")


@pytest.mark.parametrize("stats", [LiveStats(), LARGE, DETECTED, LiveStats(passthrough=True)])
def test_the_picture_fits_into_80_by_24(stats: LiveStats) -> None:
    lines = drawn(Screen(), stats, *(LiveEvent(1.0, "lost", "long " * 40) for _ in range(5)))
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "q quit" in lines[-1]


def test_a_recording_that_is_interrupted_is_seen() -> None:
    assert "● recorded 0:00:05" in drawn(Screen(), LiveStats(recorded_s=5))[0]
    title = drawn(Screen(), LiveStats(recorded_s=5, record_problem="No space left", record_lost=9))[
        0
    ]
    assert "recording stopped, 9 frames lost" in title
    assert "● recorded" not in title


def test_a_peak_is_held_and_falls_back_and_the_largest_stays() -> None:
    screen = Screen()
    drawn(screen, LiveStats(time=1.0, input_peak_db=-6.0))
    held = drawn(screen, LiveStats(time=2.0, input_peak_db=-40.0))[3]
    fallen = drawn(screen, LiveStats(time=3.0, input_peak_db=-40.0))[3]
    assert "│" in held
    assert "│" not in fallen
    assert held.rstrip().endswith("-40.0 dB  peak  -6.0")
    assert fallen.rstrip().endswith("-40.0 dB  peak  -6.0")


def test_a_syllable_that_begins_is_no_restored_band() -> None:
    quiet, loud = (-80.0,) * 24, (-30.0,) * 24
    screen = Screen()
    for _ in range(20):  # reports
        in_color(screen, LiveStats(spectrum_before=loud, spectrum_after=loud))
    picture = in_color(screen, LiveStats(spectrum_before=quiet, spectrum_after=loud))
    assert ORANGE not in picture


def test_a_restored_band_stands_out() -> None:
    narrow = (-40.0,) * 19 + (-100.0,) * 5
    stats = LiveStats(spectrum_before=narrow, spectrum_after=(-40.0,) * 24)
    bars = [
        line
        for line in in_color(Screen(), stats).splitlines()
        if "█" in line and "\x1b[34m" in line
    ]
    coloured = [line for line in bars if ORANGE in line]
    assert coloured == bars[-len(coloured) :]  # in the lower strip alone
    assert coloured[0].split(f"{ORANGE}m")[1].count("█") == 2 * 5
