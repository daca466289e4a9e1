"""What every command prints on stderr, and the exit code that goes with it."""

import contextlib
import os
import sys
import traceback
from typing import TextIO

from novasr.errors import describe

EXIT_ERROR = 2


def debugging() -> bool:
    """Tell whether NOVASR_DEBUG asks for tracebacks."""
    return bool(os.environ.get("NOVASR_DEBUG"))


def print_line(text: str, file: TextIO | None = None) -> None:
    """Print a result on stdout or in `file`. Where that cannot be written the work goes on; `main` reports it."""
    with contextlib.suppress(OSError):
        print(text, file=file, flush=True)


def print_error(message: object) -> None:
    """Print ``novasr: error: <message>`` on stderr, after the traceback if NOVASR_DEBUG is set."""
    text = describe(message) if isinstance(message, BaseException) else message
    if isinstance(message, BaseException) and debugging():
        with contextlib.suppress(OSError):
            traceback.print_exception(message)
    _print(f"novasr: error: {text}")


def print_warning(message: object) -> None:
    """Print ``novasr: warning: <message>`` on stderr."""
    _print(f"novasr: warning: {message}")


def print_note(message: object) -> None:
    """Print ``novasr: note: <message>`` on stderr."""
    _print(f"novasr: note: {message}")


def print_interrupted(message: object) -> None:
    """Print ``novasr: interrupted: <message>`` on stderr."""
    _print(f"novasr: interrupted: {message}")


def _print(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:  # nobody reads: neither the work nor the exit code may suffer
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
