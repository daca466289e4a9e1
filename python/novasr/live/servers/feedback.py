"""Keeps a microphone from hearing the loudspeaker beside it, and a sound server from hearing itself."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from novasr.errors import DeviceError
from novasr.live.devices import Device
from novasr.live.servers import pulse

# Names that PortAudio, ALSA and sound servers give on Linux, macOS and Windows to what is part of the machine.
_MICROPHONE = re.compile(
    r"built-?in|internal mic|(macbook|imac).*microphone|microphone array|digital microphone|"
    r"microphone \((realtek|conexant|idt|cirrus)|hda |sof-|analog \(hw|stereo microphone",
    re.IGNORECASE,
)
_SPEAKER = re.compile(
    r"built-?in|internal speaker|(macbook|imac|mac mini|mac studio).*speakers?|audio controller.*speakers?|"
    r"speakers? \((realtek|conexant|idt|cirrus)|hda |sof-|analog \(hw",
    re.IGNORECASE,
)
_HEARD_BY_NOBODY_ELSE = re.compile(
    r"head(phone|set)|hdmi|display|s/?pdif|digital(?! microphone)", re.IGNORECASE
)
_DEFAULTS = ("default", "sysdefault", "pulse", "pipewire")  # names of ALSA that stand for another
_ALSA_CARDS = Path("/proc/asound/cards")


def howls(source: str, sink: str) -> bool:
    """Tell whether the names are those of a built-in microphone and a built-in loudspeaker."""
    if _HEARD_BY_NOBODY_ELSE.search(source) or _HEARD_BY_NOBODY_ELSE.search(sink):
        return False
    return bool(_MICROPHONE.search(source)) and bool(_SPEAKER.search(sink))


def refuse_feedback(source: Device, sink: Device) -> None:
    """Raise DeviceError if the input would hear the output.

    Names that stand for another device are looked up where the system tells.
    """
    heard, played = _node(source, "source"), _node(sink, "sink")
    if heard is not None and played is not None and heard.name == f"{played.name}.monitor":
        msg = (
            f"{source} is what {played.description} plays, and would howl: choose a microphone "
            "(if this is what you want: --allow-feedback)"
        )
        raise DeviceError(msg)
    source_name, sink_name = _real_name(source, heard), _real_name(sink, played)
    if howls(source_name, sink_name):
        msg = (
            f"{source_name} would hear {sink_name} and howl: choose headphones, or another microphone "
            "(if this is what you want: --allow-feedback)"
        )
        raise DeviceError(msg)


def _node(device: Device, kind: pulse.Kind) -> pulse.Node | None:
    """Give the sink or source of the sound server for which a device stands."""
    if device.host_api != "ALSA" or device.name not in _DEFAULTS:
        return None
    with contextlib.suppress(DeviceError):  # no sound server, or no pactl to ask it
        return pulse.default_node(kind)
    return None


def _real_name(device: Device, node: pulse.Node | None) -> str:
    if node is not None:
        return f"{node.description} {node.port}".strip()
    if device.host_api == "ALSA" and device.name in ("default", "sysdefault"):
        with contextlib.suppress(OSError):  # without a sound server it is the first card
            return _ALSA_CARDS.read_text(encoding="utf-8").split("\n")[0]
    return str(device)
