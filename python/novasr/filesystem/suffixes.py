"""File names whose suffix says what is in them."""

from __future__ import annotations

from pathlib import Path

from novasr.errors import ParameterError


def known_suffix(path: str | Path, *known: str) -> str:
    """Give the suffix of a file in lower case.

    Raises
    ------
    ParameterError
        If it is none of `known`: what the file would hold is not what its name says.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        choice = " or ".join(filter(None, [", ".join(known[:-1]), known[-1]]))
        raise ParameterError(f"{path}: the name must end in {choice}")
    return suffix
