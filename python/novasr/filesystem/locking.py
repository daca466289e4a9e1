"""One writer for a file: the second of two programs with the same destination is told so."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from novasr.errors import AudioFileError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked(destination: Path, lock: Path) -> Iterator[bool]:
    """Hold a lock, which the system takes back however the process ends.

    Parameters
    ----------
    destination : Path
        What is to be written, for the error.
    lock : Path
        File to create and to remove in the end; one that a killed program left is taken over.

    Yields
    ------
    bool
        Whether the file system knows locks.

    Raises
    ------
    AudioFileError
        If another program, or another thread of this one, holds it.
    OSError
        If the file cannot be created.
    """
    descriptor, held = _take(destination, lock)
    try:
        yield held
    finally:
        if sys.platform == "win32":  # where no open file can be removed
            os.close(descriptor)
            with contextlib.suppress(OSError):
                lock.unlink()
        else:
            lock.unlink(missing_ok=True)
            os.close(descriptor)


def _take(destination: Path, lock: Path) -> tuple[int, bool]:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        descriptor = os.open(lock, flags, 0o666)
        try:
            _lock(descriptor)
        except (BlockingIOError, PermissionError) as error:
            os.close(descriptor)
            raise AudioFileError(
                f"{destination}: another run is writing it: wait for its end or choose another name"
            ) from error
        except OSError:
            return descriptor, False
        if _is_at(lock, descriptor):
            return descriptor, True
        os.close(descriptor)  # whoever held it has just removed it


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
