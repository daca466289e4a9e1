"""Whether results fit on the disk, before hours are spent on them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from novasr.errors import DiskError


def check_space(place: Path, needed: int) -> None:
    """Refuse what does not fit.

    Parameters
    ----------
    place : Path
        The file to write, or the folder of several; a symbolic link is followed.
    needed : int
        Bytes.

    Raises
    ------
    DiskError
        If that is more than is free there.
    """
    try:
        real = Path(os.path.realpath(place))
        free = shutil.disk_usage(real if real.is_dir() else real.parent).free
    except OSError:  # no such folder: who writes there will tell
        return
    if needed > free:
        raise DiskError(
            f"{place}: {_size(needed)} are to be written and {_size(free)} are free on that disk:"
            " make room or choose another folder"
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
