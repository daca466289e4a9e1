"""What every command prints on stderr, and the exit code that goes with it."""

import sys

EXIT_ERROR = 2


def print_error(message: object) -> None:
    """Print ``novasr: error: <message>`` on stderr."""
    print(f"novasr: error: {message}", file=sys.stderr)


def print_warning(message: object) -> None:
    """Print ``novasr: warning: <message>`` on stderr."""
    print(f"novasr: warning: {message}", file=sys.stderr)
