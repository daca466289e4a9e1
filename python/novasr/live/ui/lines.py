"""Lines on standard output, which may go away: the sound goes on."""

from __future__ import annotations

import os
import sys

from novasr.messages import print_warning


def print_line(text: str) -> None:
    """Print a line; after the first that nobody takes, say so on stderr and print no more."""
    try:
        print(text, flush=True)
    except OSError as error:  # a pipe without a reader, a log on a full disk
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        print_warning(
            f"no more lines are printed: {error.strerror}; the sound goes on, Ctrl-C ends it"
        )
