"""Files without a buffer, whose errors come where the bytes are written and not when they are closed."""

from __future__ import annotations

from typing import IO


def write_all(file: IO[bytes], data: bytes | memoryview) -> None:
    """Write all of `data`, of which a system may take less at a time.

    Raises
    ------
    OSError
        If there is no room.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
