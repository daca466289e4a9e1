"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from novasr.errors import AudioFileError, DiskError, ExistsError, NovasrError
from novasr.filesystem.locking import locked


@contextlib.contextmanager
def replacing(destination: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Lend a temporary file that takes the place of `destination` if all goes well.

    On any exception, Ctrl-C included, the temporary is removed and `destination` stays as it was. What a
    killed program left of it is removed by the next one with the same destination.

    Parameters
    ----------
    destination : Path
        File to create or to replace; a symbolic link is followed, and the mode and, where permitted, the
        owner of the old file are kept.
    overwrite : bool
        Whether it may exist, at the start or in the end.

    Yields
    ------
    Path
        An empty file in the folder of `destination`.

    Raises
    ------
    AudioFileError
        If that folder is missing or not writable, if `destination` exists and may not be replaced or is
        write-protected, or if another program is writing it.
    """
    with contextlib.ExitStack() as held:
        with _explained(destination):
            target = Path(os.path.realpath(destination))
            mark = hashlib.sha256(os.fsencode(os.path.normcase(target.name))).hexdigest()[:12]
            lock = target.with_name(f".novasr-lock-{mark}")
            alone = held.enter_context(locked(destination, lock))
            mark = mark if alone else secrets.token_hex(6)
            temporary = target.with_name(f".novasr-{mark}{target.suffix}")
            temporary.unlink(missing_ok=True)
            old = _status(destination, target, overwrite=overwrite)
            temporary.open("xb").close()
        try:
            if old is not None:
                _inherit(temporary, old)
            yield temporary
            with _explained(destination):
                _move(temporary, target, overwrite=overwrite)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def exists_error(destination: Path) -> ExistsError:
    """Make the error for a file that may not be replaced."""
    return ExistsError(
        f"{destination}: exists: choose another name or overwrite it (--overwrite);"
        " --skip-existing passes over what is finished"
    )


def check_protection(destination: Path, status: os.stat_result) -> None:
    """Refuse to replace what is write-protected, for root as well.

    Raises
    ------
    AudioFileError
        If nobody, or not this user, may write it.
    """
    if not status.st_mode & 0o222 or not os.access(destination, os.W_OK):
        raise AudioFileError(
            f"{destination}: is write-protected: allow writing or choose another name"
        )


@contextlib.contextmanager
def _explained(destination: Path) -> Iterator[None]:
    try:
        yield
    except NovasrError:
        raise
    except FileNotFoundError as error:
        raise AudioFileError(f"{destination}: the folder is missing: create it first") from error
    except FileExistsError as error:
        raise AudioFileError(
            f"{destination}: has been made by another program meanwhile and is kept:"
            " choose another name"
        ) from error
    except OSError as error:
        raise DiskError(f"{destination}: cannot be written: {error.strerror}") from error


def _status(destination: Path, target: Path, *, overwrite: bool) -> os.stat_result | None:
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise AudioFileError(f"{destination}: exists and is not a regular file: name a file")
    if not overwrite:
        raise exists_error(destination)
    check_protection(destination, status)
    return status


def _inherit(temporary: Path, old: os.stat_result) -> None:
    for owner in ((-1, old.st_gid), (old.st_uid, -1)):
        with contextlib.suppress(OSError, AttributeError):  # not permitted, or not on this system
            os.chown(temporary, *owner)
    with contextlib.suppress(OSError):
        temporary.chmod(stat.S_IMODE(old.st_mode))


def _move(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(target)
        return
    try:
        target.hardlink_to(temporary)  # unlike a rename it never takes the place of a file
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError from None
        temporary.rename(target)
    else:
        temporary.unlink()
