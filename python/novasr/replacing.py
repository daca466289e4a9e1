"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from novasr.errors import AudioFileError


@contextlib.contextmanager
def replacing(destination: Path) -> Iterator[Path]:
    """Lend a temporary file that takes the place of `destination` if all goes well.

    On any exception, Ctrl-C included, the temporary is removed and `destination` stays as it was.

    Parameters
    ----------
    destination : Path
        File to create or to replace; a symbolic link is followed.

    Yields
    ------
    Path
        An empty file in the folder of `destination`.

    Raises
    ------
    AudioFileError
        If that folder is missing or not writable.
    """
    target = destination.resolve()
    temporary = target.with_name(f".novasr-{secrets.token_hex(6)}{target.suffix}")
    try:
        temporary.open("xb").close()
    except FileNotFoundError as error:
        raise AudioFileError(f"{destination}: the folder is missing: create it first") from error
    except OSError as error:
        raise AudioFileError(f"{destination}: cannot be written: {error.strerror}") from error
    try:
        yield temporary
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
