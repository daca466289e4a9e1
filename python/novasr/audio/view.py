"""What libsndfile is given to read: a stretch of a file, with some bytes of its header replaced."""

from __future__ import annotations

import os
from typing import BinaryIO

_ID3V1_BYTES = 128


class FileView:
    """A file-like object for `soundfile` and `Window`.

    Parameters
    ----------
    file : binary file
        Seekable; the view moves its position.
    start, end : int
        The stretch to show.
    patches : dict
        Offset in the file -> bytes to show there.
    endless : bool
        Pretend to be very long. libsndfile then takes a length that it estimates from the bit rate
        for one that is never reached, and reads to the end of the data.

    Attributes
    ----------
    error : OSError or None
        What ended reading; libsndfile takes it for the end of the file.
    """

    def __init__(
        self,
        file: BinaryIO,
        start: int,
        end: int,
        patches: dict[int, bytes] | None = None,
        *,
        endless: bool = False,
    ) -> None:
        self.error: OSError | None = None
        self._file, self._start, self._size = file, start, end - start
        self._patches = {at - start: new for at, new in (patches or {}).items()}
        self._shown = self._size + (1 << 50) if endless else self._size
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, as a file does."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._shown}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, count: int) -> bytes:
        """Return up to `count` bytes."""
        buffer = bytearray(count)
        return bytes(buffer[: self.readinto(buffer)])

    def readinto(self, buffer: memoryview | bytearray) -> int:
        """Fill `buffer` as far as the stretch reaches; return the number of bytes."""
        wanted = len(buffer)
        if self._position >= self._shown - _ID3V1_BYTES and self._shown > self._size:
            buffer[:] = bytes(wanted)  # no ID3v1 tag at the pretended end
            self._position += wanted
            return wanted
        count = max(0, min(wanted, self._size - self._position))
        try:
            self._file.seek(self._start + self._position)
            data = bytearray(self._file.read(count))
        except OSError as error:
            self.error = error
            return 0
        for at, new in self._patches.items():
            _overlay(data, self._position, at, new)
        buffer[: len(data)] = bytes(data)
        self._position += len(data)
        return len(data)


def _overlay(data: bytearray, position: int, at: int, new: bytes) -> None:
    """Replace what `data`, read at `position`, shows of the bytes that begin at `at`."""
    first, last = max(at, position), min(at + len(new), position + len(data))
    if first < last:
        data[first - position : last - position] = new[first - at : last - at]
