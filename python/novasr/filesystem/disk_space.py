"""Whether results fit on the disk, before hours are spent on them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from novasr.audio.reading import AudioReader
from novasr.audio.writing import Layout
from novasr.errors import AudioFileError

_BYTES = {"PCM_S8": 1, "PCM_U8": 1, "ULAW": 1, "ALAW": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4,
          "FLOAT": 4, "DOUBLE": 8}  # fmt: skip


def least_bytes(reader: AudioReader, layout: Layout) -> int:
    """Tell how many bytes the result takes at least.

    That is 0 where only the end tells: silence takes next to nothing in a compressed file, and the length
    of an MP3, or of what ffmpeg reads, may be an estimate.
    """
    if layout.format == "FLAC" or reader.format in ("MP3", "FFMPEG"):
        return 0
    frames = int(reader.seconds * layout.sample_rate)
    return frames * layout.channels * _BYTES.get(layout.subtype, 0)


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
    AudioFileError
        If that is more than is free there.
    """
    try:
        real = Path(os.path.realpath(place))
        free = shutil.disk_usage(real if real.is_dir() else real.parent).free
    except OSError:  # no such folder: who writes there will tell
        return
    if needed > free:
        raise AudioFileError(
            f"{place}: {_size(needed)} are to be written and {_size(free)} are free on that disk:"
            " make room or choose another folder"
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
