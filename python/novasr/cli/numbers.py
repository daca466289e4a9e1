"""Options that take several numbers."""

from __future__ import annotations

from novasr.errors import ParameterError


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Read an option's numbers, with commas between.

    Raises
    ------
    ParameterError
        If one is no number.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        msg = f"{option} takes numbers with commas between, not {text!r}"
        raise ParameterError(msg) from error
