"""The terminal of ``novasr live``: a picture drawn anew ten times a second, and keys."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live

from novasr.live.stats import LiveEvent
from novasr.live.ui.lines import print_line
from novasr.live.ui.screen import Screen

if TYPE_CHECKING:
    from novasr.live.stats import LiveStats
    from novasr.live.stream import LiveStream

REFRESH_SECONDS = 0.1
LINE_SECONDS = 1.0  # between lines where there is no terminal


def run(stream: LiveStream) -> None:
    """Show how `stream` does until q is pressed or it ends.

    Where standard output is no terminal, events and a line a second are printed instead.

    Parameters
    ----------
    stream : LiveStream
        Started; keys change its sound.

    Raises
    ------
    NovasrError
        What ended the stream.
    """
    console = Console(highlight=False)
    if not console.is_terminal or console.is_dumb_terminal or console.options.ascii_only:
        _print_lines(stream)
        return
    screen, events = Screen(), list[LiveEvent]()
    stats = stream.stats
    sound: dict[str, Any] = {
        "model": stats.model,
        "bypass": stats.bypass,
        "mode": stats.mode,
        "mix": stats.mix,
    }  # reports lag behind it
    with _keys() as pressed_key, _picture(console) as show:
        for update in _updates(stream):
            if isinstance(update, LiveEvent):
                events.append(update)
            show(screen.draw(stream.stats, events))
            while key := pressed_key():
                if key == "q":
                    return
                if key == "r":
                    screen = Screen()
                elif change := sound_change(key, **sound):
                    sound |= change
                    stream.set(**change)


def sound_change(key: str, model: str, bypass: bool, mode: str, mix: float) -> dict[str, Any]:
    """Give what `key` changes, as `LiveStream.set` takes it; nothing for other keys."""
    if key in ("b", " "):
        return {"bypass": not bypass}
    if key == "w":
        return {"model": "base" if model == "wide" else "wide"}
    if key == "m":
        return {"mode": "full" if mode == "extend" else "extend"}
    if key == "+":
        return {"mix": min(1.0, round(mix + 0.1, 1))}
    if key == "-":
        return {"mix": max(0.0, round(mix - 0.1, 1))}
    return {}


@contextlib.contextmanager
def _picture(console: Console) -> Iterator[Callable[[Group], None]]:
    """Lend a function that draws; a terminal that has gone, its hang-up ignored, is no reason to end."""
    live = Live(console=console, screen=True, auto_refresh=False)

    def show(picture: Group) -> None:
        with contextlib.suppress(OSError):
            live.update(picture, refresh=True)

    live.start()
    try:
        yield show
    finally:
        with contextlib.suppress(OSError):
            live.stop()


def _updates(stream: LiveStream) -> Iterator[LiveStats | LiveEvent | None]:
    """Give what comes from `stream`, and None when nothing came for a while."""
    while not stream.wait(0):
        yield from stream.updates(timeout=REFRESH_SECONDS)
        yield None


def _print_lines(stream: LiveStream) -> None:
    due = 0.0
    for update in _updates(stream):
        if isinstance(update, LiveEvent):
            print_line(f"{update.time:.1f} s: {update.message}")
        elif time.monotonic() >= due:
            due = time.monotonic() + LINE_SECONDS
            stats = stream.stats
            print_line(
                f"{stats.time:.1f} s: {stats.state}, {stats.model}, in {stats.input_peak_db:.1f} dB,"
                f" out {stats.output_peak_db:.1f} dB, latency {stats.latency_ms:.1f} ms,"
                f" load {stats.load:.0%}, xruns {stats.xruns_input + stats.xruns_output},"
                f" underruns {stats.underruns}"
            )


if sys.platform == "win32":
    import msvcrt

    @contextlib.contextmanager
    def _keys() -> Iterator[Callable[[], str]]:
        yield lambda: msvcrt.getwch() if msvcrt.kbhit() else ""

else:
    import select
    import termios
    import tty

    @contextlib.contextmanager
    def _keys() -> Iterator[Callable[[], str]]:
        """Lend a function that gives a key that was pressed, or ""."""
        if not sys.stdin.isatty():
            yield lambda: ""
            return
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)

        def pressed_key() -> str:
            if not select.select([terminal], [], [], 0)[0]:
                return ""
            with contextlib.suppress(OSError):  # it is gone
                return os.read(terminal, 1).decode(errors="replace")
            return ""

        try:
            tty.setcbreak(terminal)
            _forbid_suspension(terminal)
            yield pressed_key
        finally:
            with contextlib.suppress(termios.error):  # it is gone
                termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

    def _forbid_suspension(terminal: int) -> None:
        """Take Ctrl-Z away: the shell would come up on the picture, and the sound would hang."""
        attributes = termios.tcgetattr(terminal)
        attributes[6][termios.VSUSP] = os.fpathconf(terminal, "PC_VDISABLE")
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
