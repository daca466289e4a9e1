"""Live use: from one sound device through the model to another."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from novasr.errors import DeviceError
    from novasr.live.devices import Device, list_devices
    from novasr.live.stats import LiveEvent, LiveStats
    from novasr.live.stream import LiveStream

# Imported when first used: the audio process starts the quicker.
_HOMES = {
    "Device": "novasr.live.devices",
    "DeviceError": "novasr.errors",
    "LiveEvent": "novasr.live.stats",
    "LiveStats": "novasr.live.stats",
    "LiveStream": "novasr.live.stream",
    "list_devices": "novasr.live.devices",
}

__all__ = ["Device", "DeviceError", "LiveEvent", "LiveStats", "LiveStream", "list_devices"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'novasr.live' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
