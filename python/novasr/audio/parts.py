"""The recordings in a file, by what is there and not by what its header states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from novasr.audio import chunks, mpeg, ogg
from novasr.audio.part import Part
from novasr.audio.window import Window

_FLAC = b"fLaC"
_STREAMINFO_HEAD = bytes((0, 0, 34))  # length of the block that follows each mark


def find_parts(file: BinaryIO) -> list[Part]:
    """Cut a file into the recordings that were joined to make it; most files are one.

    Parameters
    ----------
    file : binary file
        Seekable; its position is moved.

    Returns
    -------
    list of Part
        At least one; a file of an unknown format is one part.
    """
    window = Window(file)
    start = mpeg.skip_id3v2(window, 0)
    head = window.at(start, 16)
    if chunks.is_wave(head):
        parts = list(chunks.riff_parts(window, start))
    elif head == chunks.W64_RIFF:
        parts = list(chunks.w64_parts(window, start))
    elif chunks.is_aiff(head):
        parts = list(chunks.aiff_parts(window, start))
    elif head[:4] == b"caff":
        parts = list(chunks.caf_parts(window, start))
    elif head[:4] == b".snd":
        parts = list(chunks.au_parts(window, start))
    elif head[:4] == _FLAC:
        parts = list(_flac_parts(window, start))
    elif head[:4] == b"OggS":
        parts = ogg.find_links(window, start)
    else:
        parts = list(mpeg.find_streams(window, 0))
    return parts or [Part(0, window.size)]


def _flac_parts(window: Window, start: int) -> Iterator[Part]:
    """Yield FLAC files that follow each other (RFC 9639, 8.2), their number of frames hidden."""
    while start < window.size:
        end = _find_flac(window, start + 4)
        count_at = start + 21  # 4 bits of another field, then 36 bits: the number of frames, or 0
        packed = window.number(count_at, 5, "big")
        frames = packed & (1 << 36) - 1
        patches = {count_at: (packed - frames).to_bytes(5, "big")}
        yield Part(start, end, patches, frames=frames or None)
        start = end


def _find_flac(window: Window, position: int) -> int:
    """Return where the next FLAC file begins, or the end."""
    found = window.find(_FLAC, position)
    while found >= 0 and window.at(found + 5, 3) != _STREAMINFO_HEAD:
        found = window.find(_FLAC, found + 1)
    return window.size if found < 0 else found
