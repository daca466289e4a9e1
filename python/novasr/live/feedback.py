"""Keeps a microphone from hearing the loudspeaker beside it."""

from __future__ import annotations

import re

from novasr.errors import DeviceError
from novasr.live.devices import Device

# Names that PortAudio gives on Linux, macOS and Windows to what is part of the machine.
_MICROPHONE = re.compile(
    r"built-?in|internal mic|(macbook|imac).*microphone|microphone array|"
    r"microphone \((realtek|conexant|idt|cirrus)|hda |sof-|analog \(hw|stereo microphone",
    re.IGNORECASE,
)
_SPEAKER = re.compile(
    r"built-?in|internal speaker|(macbook|imac|mac mini|mac studio).*speakers?|"
    r"speakers? \((realtek|conexant|idt|cirrus)|hda |sof-|analog \(hw",
    re.IGNORECASE,
)
_HEARD_BY_NOBODY_ELSE = re.compile(r"head(phone|set)|hdmi|display|s/?pdif|digital", re.IGNORECASE)


def howls(source: Device, sink: Device) -> bool:
    """Tell whether the names are those of a built-in microphone and a built-in loudspeaker."""
    if _HEARD_BY_NOBODY_ELSE.search(source.name) or _HEARD_BY_NOBODY_ELSE.search(sink.name):
        return False
    return bool(_MICROPHONE.search(source.name)) and bool(_SPEAKER.search(sink.name))


def refuse_feedback(source: Device, sink: Device) -> None:
    """Raise DeviceError if the microphone would hear the loudspeaker."""
    if howls(source, sink):
        msg = (
            f"{source} would hear {sink} and howl: choose headphones, or another microphone "
            "(if this is what you want: --allow-feedback)"
        )
        raise DeviceError(msg)
