"""The pages of an Ogg file (RFC 3533): whether it is complete, and where one stream follows another."""

from __future__ import annotations

from dataclasses import replace

from novasr.audio.part import Part
from novasr.audio.window import Window

_HEADER_BYTES = 27
_BEGINS, _ENDS = 0x02, 0x04


def find_links(window: Window, start: int) -> list[Part]:
    """Cut a chained Ogg file, such as two that were joined, into its links.

    Parameters
    ----------
    window : Window
        The file.
    start : int
        Where its first page begins.

    Returns
    -------
    list of Part
        One for each link; a note tells of damage.
    """
    starts: list[int] = []
    sequence: dict[int, int] = {}
    breaks = 0
    ended = beginning = False
    position = start
    while True:
        head = window.at(position, _HEADER_BYTES + 255)
        if len(head) < _HEADER_BYTES:
            break
        if head[:4] != b"OggS":
            breaks += 1
            position = window.find(b"OggS", position + 1)
            if position < 0:
                break
            continue
        kind, serial = head[5], int.from_bytes(head[14:18], "little")
        page = int.from_bytes(head[18:22], "little")
        segments = head[_HEADER_BYTES : _HEADER_BYTES + head[26]]
        end = position + _HEADER_BYTES + head[26] + sum(segments)
        if end > window.size:
            ended = False
            break
        if kind & _BEGINS and not beginning:
            starts.append(position)
            sequence.clear()
        beginning = bool(kind & _BEGINS)
        breaks += page != sequence.get(serial, page - 1) + 1
        sequence[serial] = page
        ended = bool(kind & _ENDS)
        position = end
    if not starts:
        return []
    return _noted(starts, window.size, breaks=breaks, ended=ended)


def _noted(starts: list[int], size: int, *, breaks: int, ended: bool) -> list[Part]:
    ends = [*starts[1:], size]
    links = [Part(first, last) for first, last in zip(starts, ends, strict=True)]
    notes = []
    if breaks:
        notes.append("pages of the Ogg stream are missing or damaged: their sound is left out")
    if not ended:
        notes.append("the Ogg stream has no end: the recording was interrupted or cut off")
    links[-1] = replace(links[-1], note="; ".join(notes))
    return links
