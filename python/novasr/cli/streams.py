"""Standard output and error that nothing else writes to, and whose loss is known."""

from __future__ import annotations

import io
import os
import sys
from functools import partial


class Output(io.TextIOWrapper):
    """Standard output that remembers why it could not be written."""

    lost: OSError | None = None

    def write(self, text: str) -> int:
        """Write as usual."""
        try:
            return super().write(text)
        except OSError as error:
            self.lost = error
            raise

    def flush(self) -> None:
        """Flush as usual."""
        try:
            super().flush()
        except OSError as error:
            self.lost = error
            raise

    def finish(self) -> OSError | None:
        """Write what is held back, and tell why not all was written; Python would show a traceback."""
        try:
            self.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
        return self.lost


def open_output() -> Output:
    """Put a file that remembers in the place of ``sys.stdout``, whose names of files need not be text."""
    stream = sys.stdout
    assert isinstance(stream, io.TextIOWrapper)
    output = partial(
        Output,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    sys.stdout = opened = output(stream.detach())
    return opened


def open_missing() -> None:
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


def mute_native_libraries() -> None:
    """Keep sys.stderr but detach descriptor 2, where libmpg123 comments on damaged MP3 files."""
    sys.stderr.flush()
    terminal = os.dup(2)
    sys.stderr = open(terminal, "w", buffering=1, errors="backslashreplace")  # noqa: PTH123, SIM115
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
