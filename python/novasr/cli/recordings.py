"""Recordings for commands that score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from novasr.errors import AudioFileError, MissingPackageError, NovasrError, install_command
from novasr.messages import print_warning

if TYPE_CHECKING:
    from novasr.training.datasets import Recording

# Options that the commands share.
DataFolders = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATA", readable=False, help="Folders of recordings at 48 kHz or above."
    ),
]
Jobs = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Processes.  [default: one per CPU]")
]
Limit = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="At most N recordings of a folder, spread evenly."),
]


def require_packages(*, plotting: bool) -> None:
    """Fail early where a package is missing.

    Raises
    ------
    MissingPackageError
        If scores, or plots, cannot be made; the message says what to install.
    """
    from importlib.util import find_spec

    for package in ("scipy", "soxr"):
        if find_spec(package) is None:
            msg = f"this command needs {package}: {install_command('evaluate')}"
            raise MissingPackageError(msg)
    if plotting:
        from novasr.audio.plot import require_matplotlib

        require_matplotlib()


def read_folders(folders: list[Path], limit: int | None) -> list[Recording]:
    """List the recordings of folders, at most `limit` of each, spread evenly."""
    return list(
        dict.fromkeys(recording for folder in folders for recording in _read(folder, limit))
    )


def _read(folder: Path, limit: int | None) -> list[Recording]:
    from novasr.training.datasets import read_recordings

    recordings = read_recordings(folder, warn_left_out)
    if limit is None or limit >= len(recordings):
        return recordings
    return [recordings[number * len(recordings) // limit] for number in range(limit)]


def warn_left_out(reason: NovasrError) -> None:
    """Report a recording that cannot be used."""
    print_warning(f"left out: {reason}")


def writable(path: Path) -> Path:
    """Give the path of a result, unless it is not a file."""
    if path.exists() and not path.is_file():
        raise AudioFileError(f"{path}: cannot be written: it is not a file")
    return path
