"""Where the samples of WAV, RF64, Wave64, AIFF, CAF and AU files begin and end.

Layouts: RIFF and RF64 (EBU Tech 3306), Wave64 (Sony), AIFF (Apple, 1989), CAF (Apple), AU (Sun). A size
field is believed where it agrees with the file; programs that write to a pipe cannot fill it in, a
recorder that crashes does not come to it, and 32 bits overflow at 4 GiB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from novasr.audio import mpeg
from novasr.audio.part import Part
from novasr.audio.window import Window

W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_W64_HEADER_BYTES = 24
_SIZE_LIMIT = 1 << 32
_PIECE_BYTES = 1 << 31  # of a WAV whose size field cannot hold its length
_EXTENSIBLE = 0xFFFE
_MP3_IN_RIFF = 0x55
_NEGLIGIBLE_BYTES = 512  # behind the audio: an ID3v1 tag, padding
_CHUNKS_BEHIND_AUDIO = frozenset(
    b"LIST|bext|iXML|cue |fact|PEAK|JUNK|junk|FLLR|PAD |smpl|inst|id3 |ID3 |axml|_PMX|cart|DISP|MARK|"
    b"COMT|NAME|AUTH|(c) |ANNO|APPL|CHAN|strg|info|umid|uuid|free|pakt|edct|midi".split(b"|")
)

Order = Literal["big", "little"]


@dataclass(frozen=True)
class _RiffHeader:
    """What a WAV or RF64 file says before its samples."""

    order: Order
    data_at: int  # the chunk of the samples
    size64_at: int  # where RF64 has its size; 0 in a WAV
    align: int
    mask: int
    is_mp3: bool


def riff_parts(window: Window, start: int) -> Iterator[Part]:
    """Yield the WAV or RF64 files that begin at `start` and follow each other."""
    following = start
    while following < window.size:
        parts, following = _read_riff(window, following)
        yield from parts


def _read_riff_header(window: Window, start: int) -> _RiffHeader:
    order: Order = "big" if window.at(start, 4) == b"RIFX" else "little"
    position, align, mask, size64_at, is_mp3 = start + 12, 1, 0, 0, False
    while position + 8 <= window.size and window.at(position, 4) != b"data":
        size, body = window.number(position + 4, 4, order), position + 8
        if window.at(position, 4) == b"ds64":
            size64_at = body + 8
        elif window.at(position, 4) == b"fmt ":
            codec = window.number(body, 2, order)
            is_mp3 = codec == _MP3_IN_RIFF
            align = max(1, window.number(body + 12, 2, order))
            mask = window.number(body + 20, 4, order) if codec == _EXTENSIBLE else 0
        position = body + size + size % 2
    return _RiffHeader(order, position, size64_at, align, mask, is_mp3)


def _read_riff(window: Window, start: int) -> tuple[Iterable[Part], int]:
    """Return the parts of one file, and where it ends: at another one or at the end of all."""
    head = _read_riff_header(window, start)
    order, size_at, body = head.order, head.data_at + 4, head.data_at + 8
    if body > window.size:
        return [Part(start, window.size)], window.size
    size = window.number(size_at, 4, order)
    if head.size64_at and size == 0xFFFF_FFFF:
        size = window.number(head.size64_at, 8, order)

    def ends_at(behind: int) -> bool:
        return _is_end(window, behind, behind + (behind - start) % 2, 4, order)

    there, stated, missing = _extent(window, start, body, size, ends_at)
    end = _next_file(window, body + there, there % 2, order, is_wave)
    if head.is_mp3:
        return mpeg.find_streams(window, body, body + there), end
    if there >= _SIZE_LIMIT and not head.size64_at:
        return _pieces(window, start, body, head.align, stated, head.mask), end
    if head.size64_at:
        patches = {head.size64_at: there.to_bytes(8, order), size_at: b"\xff" * 4}
    else:
        patches = {size_at: there.to_bytes(4, order)}
    return [Part(start, end, patches, stated=stated, missing=missing, mask=head.mask)], end


def w64_parts(window: Window, start: int) -> Iterator[Part]:
    """Yield the Wave64 file that begins at `start`."""
    position = start + 40
    patches: dict[int, bytes] = {}
    while position + _W64_HEADER_BYTES <= window.size:
        size, body = window.number(position + 16, 8, "little"), position + _W64_HEADER_BYTES
        if window.at(position, 4) == b"fmt " and window.number(body, 2, "little") == _EXTENSIBLE:
            patches[body] = window.at(body + 24, 2)  # libsndfile takes extensible float for PCM
        if window.at(position, 4) != b"data":
            position += max(_W64_HEADER_BYTES, size + -size % 8)
            continue
        if window.at(body, 16) == W64_RIFF:  # SoX writes the header into a pipe twice
            start, position, patches = body, body + 40, {}
            continue
        yield _w64_part(window, start, position, patches)
        return
    yield Part(start, window.size)


def _w64_part(window: Window, start: int, data_at: int, patches: dict[int, bytes]) -> Part:
    body = data_at + _W64_HEADER_BYTES

    def chunk_at(behind: int) -> bool:
        padded = behind + -(behind - start) % 8
        return _W64_TAIL in (window.at(padded + 4, 12), window.at(behind + 4, 12))

    def ends_at(behind: int) -> bool:
        padded = behind + -(behind - start) % 8
        return chunk_at(behind) or any(_is_tag(window.at(at, 12)) for at in (behind, padded))

    size = max(0, window.number(data_at + 16, 8, "little") - _W64_HEADER_BYTES)
    there, stated, missing = _extent(window, start, body, size, ends_at)
    patches = {**patches, data_at + 16: (there + _W64_HEADER_BYTES).to_bytes(8, "little")}
    end = window.size if chunk_at(body + there) else body + there
    return Part(start, end, patches, stated=stated, missing=missing)


def aiff_parts(window: Window, start: int) -> Iterator[Part]:
    """Yield the AIFF files that begin at `start` and follow each other."""
    while start < window.size:
        part = _aiff_part(window, start)
        yield part
        start = part.end


def _aiff_part(window: Window, start: int) -> Part:
    position = start + 12
    while position + 8 <= window.size and window.at(position, 4) != b"SSND":
        size = window.number(position + 4, 4, "big")
        position += 8 + size + size % 2
    size, body = window.number(position + 4, 4, "big"), position + 16
    if body > window.size:
        return Part(start, window.size)

    def ends_at(behind: int) -> bool:
        return _is_end(window, behind, behind + (behind - start) % 2, 4, "big")

    there, stated, missing = _extent(window, start, body, max(0, size - 8), ends_at)
    end = _next_file(window, body + there, there % 2, "big", is_aiff)
    patches = {position + 4: min(there + 8, 0xFFFF_FFFF).to_bytes(4, "big")}
    if window.number(position + 8, 4, "big") >= there:  # an offset to the samples beyond their end
        patches[position + 8] = bytes(4)
    return Part(start, end, patches, stated=stated, missing=missing)


def caf_parts(window: Window, start: int) -> Iterator[Part]:
    """Yield the CAF file that begins at `start`."""
    position = start + 8
    while position + 12 <= window.size:
        size, body = window.number(position + 4, 8, "big"), position + 16  # behind the edit count
        if window.at(position, 4) != b"data":
            position += 12 + size
        elif window.at(body, 8) == window.at(start, 8):  # SoX writes the header into a pipe twice
            start, position = body, body + 8
        else:
            break
    if position + 16 > window.size:
        yield Part(start, window.size)
        return

    def ends_at(behind: int) -> bool:
        return _is_end(window, behind, behind, 8, "big")

    there, stated, missing = _extent(window, start, body, max(0, size - 4), ends_at)
    patches = {position + 4: (there + 4).to_bytes(8, "big")}
    yield Part(start, window.size, patches, stated=stated, missing=missing)


def au_parts(window: Window, start: int) -> Iterator[Part]:
    """Yield the AU file that begins at `start`."""
    body = start + window.number(start + 4, 4, "big")
    size = window.number(start + 8, 4, "big")

    def ends_at(behind: int) -> bool:
        near = window.size - behind <= _NEGLIGIBLE_BYTES
        return near or _is_tag(window.at(behind, 12)) or window.is_zero(behind)

    there, stated, missing = _extent(window, start, body, size, ends_at)
    patches = {start + 8: min(there, 0xFFFF_FFFF).to_bytes(4, "big")}
    yield Part(start, window.size, patches, stated=stated, missing=missing)


def list_chunks(window: Window, order: Order) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and size of the chunks of one WAV, RF64 or AIFF file whose sizes are right."""
    position, size64 = 12, 0
    while position + 8 <= window.size:
        name, size = window.at(position, 4), window.number(position + 4, 4, order)
        if not _is_name(name):
            return
        body = position + 8
        if name == b"ds64":
            size64 = window.number(body + 8, 8, order)
        elif name == b"data" and size == 0xFFFF_FFFF:
            size = size64 or size
        yield name, body, size
        position = _next_chunk(window, body + size, size % 2)


def write_mask(path: Path, mask: int) -> None:
    """Store the loudspeakers of the channels in a WAV or RF64 file with an extensible header."""
    with path.open("r+b") as file:
        window = Window(file)
        position = 12
        while position + 8 <= window.size and window.at(position, 4) != b"fmt ":
            size = window.number(position + 4, 4, "little")
            position += 8 + size + size % 2
        if window.number(position + 8, 2, "little") == _EXTENSIBLE:
            file.seek(position + 28)
            file.write(mask.to_bytes(4, "little"))


def clear_peak_time(path: Path) -> None:
    """Take out of a WAV, RF64 or AIFF file when it was made, which libsndfile notes beside the peaks of float samples.

    The same audio gives the same bytes then.
    """
    with path.open("r+b") as file:
        window = Window(file)
        order: Order = "big" if is_aiff(window.at(0, 12)) else "little"
        for name, position, size in list_chunks(window, order):
            if name == b"PEAK" and size >= 8:
                file.seek(position + 4)  # behind a version
                file.write(bytes(4))
                return


def is_wave(head: bytes) -> bool:
    """Tell the first twelve bytes of a WAV or RF64 file."""
    return head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def is_aiff(head: bytes) -> bool:
    """Tell the first twelve bytes of an AIFF file."""
    return head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")


def _extent(
    window: Window, start: int, body: int, size: int, ends_at: Callable[[int], bool]
) -> tuple[int, float | None, bool]:
    """Return the bytes of audio at `body`, the stated length as a multiple, and whether some are missing."""
    there = max(0, window.size - body)
    if size == there or (size < there and ends_at(body + size)):
        return size, 1.0, False
    header = body - start
    if there > header and window.at(window.size - header, 8) == window.at(start, 8):
        there -= header  # SoX writes it into a pipe once more, where it meant to go back
    if size > there and is_open(size):
        return there, None, False
    return there, size / there if there else None, size > there


def is_open(size: int) -> bool:
    """Tell the sizes that programs state where they do not know the length beforehand."""
    return (
        0x7F00_0000 <= size <= 0x7F00_0100  # SoX
        or 0x7FFF_0000 <= size <= 0x8000_0000  # GStreamer, SoX, arecord
        or 0xFFFF_0000 <= size <= 0xFFFF_FFFF
        or size >= (1 << 62) - 1
    )


def _is_end(window: Window, end: int, padded: int, width: int, order: Order) -> bool:
    """Tell whether audio may end at `end`, its next chunk there or, as it should be, behind a pad byte."""
    return any(_is_no_audio(window, position, width, order) for position in {padded, end})


def _is_no_audio(window: Window, position: int, width: int, order: Order) -> bool:
    """Tell chunks as far as the end, another file, a tag, silence or next to nothing from audio."""
    while window.size - position > _NEGLIGIBLE_BYTES:
        head = window.at(position, 12)
        if _begins_known(head) or _is_tag(head):
            return True
        if not _is_name(head[:4]):
            return window.is_zero(position)
        size = window.number(position + 4, width, order)
        position += 4 + width + size + (size % 2 if width == 4 else 0)
    return position <= window.size + 1


def _next_chunk(window: Window, end: int, pad: int) -> int:
    """Return where a chunk is followed by the next; some programs leave out the pad byte."""
    return end if _begins_known(window.at(end, 12)) else end + pad


def _next_file(
    window: Window, end: int, pad: int, order: Order, is_file: Callable[[bytes], bool]
) -> int:
    """Return where another file follows the chunks behind the audio, or the end."""
    position = _next_chunk(window, end, pad)
    while not is_file(window.at(position, 12)):
        if position + 12 > window.size or not _is_name(window.at(position, 4)):
            return window.size
        size = window.number(position + 4, 4, order)
        position = _next_chunk(window, position + 8 + size, size % 2)
    return position


def _begins_known(head: bytes) -> bool:
    return head[:4] in _CHUNKS_BEHIND_AUDIO or is_wave(head) or is_aiff(head)


def _is_tag(head: bytes) -> bool:
    """Tell the first bytes of the tags that programs for MP3 append to any file."""
    if head[:3] == b"ID3":
        return len(head) >= 10 and head[3] < 0xFF and max(head[6:10]) < 0x80
    return head.startswith((b"APETAGEX", b"LYRICSBEGIN", b"TAG"))


def _is_name(name: bytes) -> bool:
    return all(0x20 <= letter < 0x7F for letter in name)


def _pieces(
    window: Window, start: int, body: int, align: int, stated: float | None, mask: int
) -> Iterator[Part]:
    """Cut audio that a 32-bit size cannot count; each piece is shown behind a copy of the header."""
    header = window.at(start, body - start)
    step = _PIECE_BYTES // align * align
    for first in range(body, window.size, step):
        last = min(first + step, window.size)
        shown = header[:-4] + (last - first).to_bytes(4, "little")
        at = first - len(header)
        yield Part(at, last, {at: shown}, stated=stated, mask=mask)
