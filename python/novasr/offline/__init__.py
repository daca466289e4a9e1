"""Whole recordings: arrays in memory, files, pipes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from novasr.offline.arrays import enhance
    from novasr.offline.files import EnhanceResult, enhance_file

# Imported when first used, so that the command line starts quickly.
_HOMES = {
    "EnhanceResult": "novasr.offline.files",
    "enhance": "novasr.offline.arrays",
    "enhance_file": "novasr.offline.files",
}

__all__ = ["EnhanceResult", "enhance", "enhance_file"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'novasr.offline' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
