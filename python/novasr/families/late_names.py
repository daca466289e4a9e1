"""Names of a package that are imported when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def late_names(package: str, homes: Mapping[str, tuple[str, str]]) -> Callable[[str], Any]:
    """Give a package its ``__getattr__``.

    Parameters
    ----------
    package : str
        ``__name__`` of the package.
    homes : mapping of str to (str, str)
        For each name the module of the package, and what it is called there.

    Returns
    -------
    callable
        Imports a name; raises AttributeError for another one.
    """

    def find(name: str) -> Any:
        if name not in homes:
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg)
        module, there = homes[name]
        return getattr(import_module(f"{package}.{module}"), there)

    return find
