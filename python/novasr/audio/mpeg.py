"""The frames of an MPEG audio file, counted, as its header may count them wrong or not at all.

Frame header: ISO/IEC 11172-3, 2.4.1.3, and 13818-3 for the lower rates. The first frame of many files holds
no sound but the number of frames and bytes in the stream (the "Xing" or "Info" tag).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from novasr.audio.part import Part
from novasr.audio.window import Window

_KILOBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_SEARCH_BYTES = 1 << 16
_FRAMES_OF_A_STREAM = 64
_FRAMES_BETWEEN_GAPS = 10  # in a video's packets there are about three
_LEEWAY_FRAMES = 2  # encoders miscount by one or two


@dataclass(frozen=True)
class _Frame:
    """What a frame header says."""

    size: int  # bytes
    samples: int
    rate: int
    mono: bool
    version: int
    layer: int


def skip_id3v2(window: Window, position: int) -> int:
    """Return where the ID3v2 tags at `position` end."""
    while (head := window.at(position, 10))[:3] == b"ID3" and len(head) == 10:
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        position += 10 + size + (10 if head[5] & 0x10 else 0)
    return position


def find_streams(window: Window, start: int, end: int | None = None) -> Iterator[Part]:
    """Yield the MPEG streams of a file, each as far as its own count of frames is right.

    A stream is cut where another begins that has a count or a format of its own, and where its count
    ends before the frames do.

    Parameters
    ----------
    window : Window
        The file.
    start, end : int
        Where to look.

    Yields
    ------
    Part
        None if there are no frames.
    """
    end = window.size if end is None else end
    tagged = skip_id3v2(window, start)
    position: int | None = tagged
    if _frame(window, tagged) is None:
        position = _next_frame(window, tagged, end)
    first = start
    if position is not None and position > tagged:  # cut out of a stream
        if not _is_stream(window, position, end):
            return
        first = position if tagged == start else start
    while position is not None:
        stream, following = _stream(window, first, position, end)
        yield stream
        first = following if following is not None else end
        position = following


def _is_stream(window: Window, position: int, end: int) -> bool:
    """Tell frames that follow each other, but for a little damage, from those in the packets of a video."""
    frames, gaps = 0, 0
    while frames < _FRAMES_OF_A_STREAM and position < end:
        here = _frame(window, position)
        if here is None:
            following = _next_frame(window, position, end)
            if following is None:
                break
            gaps, position = gaps + 1, following
            continue
        frames += 1
        position += here.size
    return frames >= _FRAMES_BETWEEN_GAPS * gaps


def _stream(window: Window, first: int, position: int, end: int) -> tuple[Part, int | None]:
    """Follow one stream; return it, and where the next one begins."""
    head = _frame(window, position)
    assert head is not None
    counted = _count(window, position, head)
    wanted = None if counted is None else counted + 1  # the frame of the tag itself
    frames, cut, following = 0, end, None
    while True:
        here = _frame(window, position)
        if here is None or position + here.size > end or not _fits(window, position, here, head):
            resumed = _next_frame(window, position if here is None else position + 1, end)
            if resumed is None:
                break
            position = resumed
            continue
        other = (here.rate, here.mono) != (head.rate, head.mono)
        if frames > 0 and (other or _count(window, position, here) is not None):
            following = position
            break
        if frames == wanted:
            cut = position
        frames += 1
        position += here.size
    if wanted is not None and frames > wanted + _LEEWAY_FRAMES:
        return _made(first, cut, head, counted, wanted), cut
    return _made(first, following or end, head, counted, frames), following


def _fits(window: Window, position: int, here: _Frame, head: _Frame) -> bool:
    """Tell a stream of another format, which goes on as it begins, from a damaged header."""
    if (here.rate, here.mono, here.layer) == (head.rate, head.mono, head.layer):
        return True
    after = _frame(window, position + here.size)
    return after is not None and (after.rate, after.mono) == (here.rate, here.mono)


def _made(first: int, last: int, head: _Frame, counted: int | None, frames: int) -> Part:
    if counted is None:
        return Part(first, last, endless=True, expected=frames * head.samples)
    missing = frames < counted  # leeway: some encoders count the frame of the tag, too
    there = (frames - 1) * head.samples
    return Part(first, last, frames=counted * head.samples, expected=there, missing=missing)


def _frame(window: Window, position: int) -> _Frame | None:
    head = window.number(position, 4, "big")
    if head >> 21 != 0x7FF:
        return None
    version, layer = head >> 19 & 3, 4 - (head >> 17 & 3)
    bit_rate, rate = head >> 12 & 15, head >> 10 & 3
    if version == 1 or layer == 4 or bit_rate in (0, 15) or rate == 3:
        return None
    kilobits = _KILOBITS[1 if version == 3 else 2, layer][bit_rate - 1]
    hertz, padding = _RATES[version][rate], head >> 9 & 1
    if layer == 1:
        samples = 384
        size = (12_000 * kilobits // hertz + padding) * 4
    else:
        samples = 576 if layer == 3 and version != 3 else 1152
        size = samples // 8 * 1000 * kilobits // hertz + padding
    return _Frame(size, samples, hertz, head >> 6 & 3 == 3, version, layer)


def _next_frame(window: Window, position: int, end: int) -> int | None:
    """Find the next frame that others of the same kind follow."""
    limit = min(end, position + _SEARCH_BYTES)
    position = skip_id3v2(window, position)
    limit = max(limit, min(end, position + _SEARCH_BYTES))
    while position < limit:
        found = window.at(position, limit - position).find(b"\xff")
        if found < 0:
            return None
        position += found
        here = _frame(window, position)
        if here is not None:
            after = _frame(window, position + here.size)
            alike = after is not None and (after.rate, after.layer) == (here.rate, here.layer)
            if alike or position + here.size == end:
                return position
        position += 1
    return None


def _count(window: Window, position: int, frame: _Frame) -> int | None:
    """Return the number of frames that the frame at `position` tells of, if it is no sound but a tag."""
    if frame.layer != 3:
        return None
    side = (17 if frame.mono else 32) if frame.version == 3 else (9 if frame.mono else 17)
    for at in (position + 4 + side, position + 6 + side):  # behind a check sum
        if window.at(at, 4) in (b"Xing", b"Info") and window.number(at + 4, 4, "big") & 1:
            return window.number(at + 8, 4, "big") or None
    return None
