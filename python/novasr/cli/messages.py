"""What every command prints on stderr, and the exit code that goes with it."""

import os
import sys
import traceback

EXIT_ERROR = 2


def open_missing_streams() -> None:
    """Put the null device where a launcher left a standard stream out: pythonw, ``2>&-``.

    Else the next file that is opened gets its number, and what native libraries print goes there.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is not None:
            continue
        nowhere = os.open(os.devnull, os.O_RDWR)
        try:
            os.fstat(number)
        except OSError:
            os.dup2(nowhere, number)
        setattr(sys, name, os.fdopen(nowhere, mode, closefd=False))


def debugging() -> bool:
    """Tell whether NOVASR_DEBUG asks for tracebacks."""
    return bool(os.environ.get("NOVASR_DEBUG"))


def print_error(message: object) -> None:
    """Print ``novasr: error: <message>`` on stderr, after the traceback if NOVASR_DEBUG is set."""
    if isinstance(message, BaseException) and debugging():
        traceback.print_exception(message)
    _print(f"novasr: error: {message}")


def print_warning(message: object) -> None:
    """Print ``novasr: warning: <message>`` on stderr."""
    _print(f"novasr: warning: {message}")


def _print(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:  # nobody reads: neither the work nor the exit code may suffer
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
