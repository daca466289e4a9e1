"""What every command prints on stderr, and the exit code that goes with it."""

import os
import sys
import traceback

EXIT_ERROR = 2


def debugging() -> bool:
    """Tell whether NOVASR_DEBUG asks for tracebacks."""
    return bool(os.environ.get("NOVASR_DEBUG"))


def print_error(message: object) -> None:
    """Print ``novasr: error: <message>`` on stderr, after the traceback if NOVASR_DEBUG is set."""
    if isinstance(message, BaseException) and debugging():
        traceback.print_exception(message)
    print(f"novasr: error: {message}", file=sys.stderr)


def print_warning(message: object) -> None:
    """Print ``novasr: warning: <message>`` on stderr."""
    print(f"novasr: warning: {message}", file=sys.stderr)
