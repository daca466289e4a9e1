"""The part of a set that one call does."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import PurePath

from novasr.errors import ParameterError


@dataclass(frozen=True)
class Share:
    """Part `index` of `count`, which together are the whole and share nothing.

    Attributes
    ----------
    index : int
        From 0 on, as schedulers number the tasks of an array.
    count : int
        At least 1.
    """

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read ``i/n``.

        Raises
        ------
        ParameterError
            If it is no such pair.

        Examples
        --------
        >>> Share.parse("2/8")
        Share(index=2, count=8)
        """
        first, _, second = text.partition("/")
        if not (first.isdecimal() and second.isdecimal() and int(first) < int(second)):
            raise ParameterError(
                f"--shard {text}: expected I/N with I from 0 to N - 1, such as 0/8"
            )
        return cls(int(first), int(second))

    def has_number(self, number: int) -> bool:
        """Tell whether the item with this number is in this part."""
        return number % self.count == self.index

    def has_name(self, name: str) -> bool:
        """Tell whether what has this name is in this part."""
        digest = hashlib.blake2b(os.fsencode(name), digest_size=8).digest()
        return self.has_number(int.from_bytes(digest, "big"))

    def marked(self, name: str) -> str:
        """Give the name of a file that each part has one of.

        Examples
        --------
        >>> Share(2, 8).marked("report.jsonl"), Share().marked("report.jsonl")
        ('report-00002-of-00008.jsonl', 'report.jsonl')
        """
        if self.count == 1:
            return name
        plain = name.removesuffix(".gz")
        suffix = PurePath(plain).suffix
        stem = plain[: len(plain) - len(suffix)]
        return f"{stem}-{self.index:05}-of-{self.count:05}{suffix}{name[len(plain) :]}"
