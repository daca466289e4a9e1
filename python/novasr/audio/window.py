"""Random access to the bytes of a file, a megabyte at a time."""

from __future__ import annotations

import os
from typing import Literal, Protocol

_BYTES = 1 << 20


class Seekable(Protocol):
    """A binary file, or a `FileView` of one."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Move."""

    def read(self, count: int, /) -> bytes:
        """Read."""


class Window:
    """The bytes of a file by their offset; what lies beyond its end is missing from the answers.

    Parameters
    ----------
    file : binary file or FileView
        Seekable; the window moves its position.

    Attributes
    ----------
    size : int
        Of the file in bytes.
    """

    def __init__(self, file: Seekable) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self._start = 0
        self._bytes = b""

    def at(self, position: int, count: int) -> bytes:
        """Return up to `count` bytes from `position` on."""
        first = position - self._start
        if first < 0 or first + count > len(self._bytes):
            if position >= self.size:
                return b""
            self._file.seek(position)
            self._start, first = position, 0
            self._bytes = self._file.read(max(_BYTES, count))
        return self._bytes[first : first + count]

    def number(self, position: int, count: int, order: Literal["big", "little"]) -> int:
        """Return the unsigned number of `count` bytes at `position`."""
        return int.from_bytes(self.at(position, count), order)

    def find(self, wanted: bytes, position: int) -> int:
        """Return where `wanted` is found first from `position` on, or -1."""
        while position < self.size:
            block = self.at(position, _BYTES)
            found = block.find(wanted)
            if found >= 0:
                return position + found
            position += max(1, len(block) - len(wanted) + 1)
        return -1

    def is_zero(self, position: int) -> bool:
        """Tell whether all bytes from `position` on are 0."""
        while position < self.size:
            block = self.at(position, _BYTES)
            if block.count(0) < len(block):
                return False
            position += len(block)
        return True
