"""What every command prints on stderr, and the exit code that goes with it."""

import contextlib
import os
import sys
import traceback

from novasr.errors import describe

EXIT_ERROR = 2


def debugging() -> bool:
    """Tell whether NOVASR_DEBUG asks for tracebacks."""
    return bool(os.environ.get("NOVASR_DEBUG"))


def print_line(text: str) -> None:
    """Print a result on stdout. Where that cannot be written the work goes on; `main` reports it."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def print_error(message: object) -> None:
    """Print ``novasr: error: <message>`` on stderr, after the traceback if NOVASR_DEBUG is set."""
    text = describe(message) if isinstance(message, BaseException) else message
    with contextlib.suppress(OSError):
        if isinstance(message, BaseException) and debugging():
            traceback.print_exception(message)
        print(f"novasr: error: {text}", file=sys.stderr)


def print_warning(message: object) -> None:
    """Print ``novasr: warning: <message>`` on stderr."""
    with contextlib.suppress(OSError):
        print(f"novasr: warning: {message}", file=sys.stderr)


def print_note(message: object) -> None:
    """Print ``novasr: note: <message>`` on stderr."""
    with contextlib.suppress(OSError):
        print(f"novasr: note: {message}", file=sys.stderr)
