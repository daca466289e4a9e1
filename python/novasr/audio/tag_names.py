"""Which tags a file has, without reading what they say: enough to tell what would be lost.

Layouts: ID3 (id3.org: 2.2, 2.3, 2.4), FLAC (RFC 9639), comments of Vorbis and Opus (xiph.org, RFC 7845).
"""

from __future__ import annotations

from collections.abc import Iterator

from novasr.audio.chunks import is_aiff, is_wave, list_chunks
from novasr.audio.tags import COVER, ID3_NAMES, common_name, is_stale
from novasr.audio.window import Window

_OTHER_FRAMES = {
    "APIC": COVER,
    "PIC": COVER,
    "CHAP": "chapters",
    "TCM": "composer",
    "TP2": "albumartist",
}
_PICTURE_KEYS = ("metadata_block_picture", "coverart")
_HEAD_BYTES = 1 << 16


def find_tag_names(window: Window) -> set[str]:
    """Name the tags of a file: MP3, FLAC, Ogg, WAV or AIFF; those of ID3v1 and of other formats are not seen.

    Parameters
    ----------
    window : Window
        The file, or its first recording.

    Returns
    -------
    set of str
        Names as of Vorbis comments, and `COVER`; stale ones are left out.
    """
    head = window.at(0, 12)
    names: set[str] = set()
    if is_wave(head) or is_aiff(head):
        for name, body, _ in list_chunks(
            window, "big" if head[:4] in (b"FORM", b"RIFX") else "little"
        ):
            if name in (b"id3 ", b"ID3 "):
                names |= set(_id3(window, body))
    elif head[:3] == b"ID3":
        names |= set(_id3(window, 0))
    elif head[:4] == b"fLaC":
        names |= set(_flac(window))
    elif head[:4] == b"OggS":
        start = window.at(0, _HEAD_BYTES)
        for mark in (b"OpusTags", b"\x03vorbis"):
            if mark in start:
                names |= set(_comments(start[start.index(mark) + len(mark) :]))
    return {name for name in names if name == COVER or not is_stale(name)}


def _id3(window: Window, start: int) -> Iterator[str]:
    head = window.at(start, 10)
    if len(head) < 10 or head[:3] != b"ID3":
        return
    end = start + 10 + _syncsafe(head[6:10])
    width = 3 if head[3] == 2 else 4
    position = start + 10
    while position + 2 * width + 2 <= end:
        frame = window.at(position, 2 * width + 2)
        name = frame[:width].decode("latin-1")
        if not name.isalnum():
            return
        digits = frame[width : 2 * width]
        size = _syncsafe(digits) if head[3] == 4 else int.from_bytes(digits, "big")
        position += 2 * width + (2 if width == 4 else 0)
        body = window.at(position, min(size, 256))
        position += size
        if name == "TXXX":
            yield _description(body)
        elif name in _OTHER_FRAMES:
            yield _OTHER_FRAMES[name]
        elif name in ID3_NAMES and b"iTun" not in body:
            yield ID3_NAMES[name]


def _description(body: bytes) -> str:
    wide = body[:1] in (b"\1", b"\2")
    text = body[1:].decode(
        "utf-16" if body[:1] == b"\1" else "utf-16-be" if wide else "utf-8", "replace"
    )
    return common_name(text.split("\0")[0])


def _flac(window: Window) -> Iterator[str]:
    position, last = 4, False
    while not last and position + 4 <= window.size:
        kind, size = window.number(position, 1, "big"), window.number(position + 1, 3, "big")
        last = bool(kind & 0x80)
        if kind & 0x7F == 6:
            yield COVER
        elif kind & 0x7F == 4:
            yield from _comments(window.at(position + 4, size))
        position += 4 + size


def _comments(block: bytes) -> Iterator[str]:
    """Read as far as the block reaches: in Ogg the rest lies on other pages."""
    position = 4 + int.from_bytes(block[:4], "little")
    count = int.from_bytes(block[position : position + 4], "little")
    position += 4
    while count > 0 and position + 4 < len(block):
        size = int.from_bytes(block[position : position + 4], "little")
        comment = block[position + 4 : position + 4 + min(size, 256)]
        name = comment.split(b"=")[0].decode("ascii", "replace").lower()
        yield COVER if name in _PICTURE_KEYS else common_name(name)
        position += 4 + size
        count -= 1


def _syncsafe(digits: bytes) -> int:
    number = 0
    for digit in digits:
        number = number << 7 | digit & 0x7F
    return number
