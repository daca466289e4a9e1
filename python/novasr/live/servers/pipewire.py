"""A sink and a microphone that PipeWire itself runs, by a file of its configuration.

The module filter-chain loads the LADSPA library of the package, in the process of the server: no
program of ours runs, and the devices are there from its start on.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from novasr.errors import DeviceError, ParameterError
from novasr.filesystem.replacing import replacing
from novasr.live.servers.virtual_sink import NAME_PATTERN
from novasr.plugin.headless import ladspa_library

if TYPE_CHECKING:
    from novasr.types import Mode, ModelName

FIRST_LINE = "# Written by novasr live --pipewire; novasr live --pipewire --remove removes it."
_CHANNELS = {"sink": ("FL", "FR"), "mic": ("MONO",)}
_PORTS = {"FL": " L", "FR": " R", "MONO": ""}
# nofail: where the library is gone the server starts without these devices.
_MODULE = """\
  {{ name = libpipewire-module-filter-chain
    flags = [ nofail ]
    args = {{
      node.description = {description}
      media.name = {description}
      filter.graph = {{
        nodes = [
          {{ type = ladspa name = novasr plugin = {library} label = {label}
            control = {{ {control} }} }}
        ]
        inputs = [ {inputs} ]
        outputs = [ {outputs} ]
      }}
      audio.position = [ {positions} ]
      capture.props = {{ {capture} }}
      playback.props = {{ {playback} }}
    }}
  }}
"""


@dataclass(frozen=True)
class PipeWireDevices:
    """What PipeWire is to make.

    Attributes
    ----------
    sink, mic : str or None
        Names under which programs see them; at least one.
    sink_target, mic_target : str or None
        Node that plays what the sink makes, and node that the microphone takes. By default those that
        the session has chosen.
    model : {"base", "wide"}
        What computes.
    mode : {"extend", "full"}
        As for :class:`novasr.Stream`, of `base` alone.
    mix : float
        From 0, the delayed input, to 1.
    """

    sink: str | None
    mic: str | None
    sink_target: str | None = None
    mic_target: str | None = None
    model: ModelName = "base"
    mode: Mode = "extend"
    mix: float = 1.0

    def __post_init__(self) -> None:
        for name in (self.sink, self.mic):
            if name is not None and not NAME_PATTERN.fullmatch(name):
                msg = (
                    "a device's name begins with a letter and has letters, digits, spaces and ._- only,"
                    f" not {name!r}"
                )
                raise ParameterError(msg)
        if len(set(self._nodes())) < len(self._nodes()):
            raise ParameterError(
                f"sink and microphone need two names, not {self.sink!r} and {self.mic!r}"
            )
        for target in (self.sink_target, self.mic_target):
            if target is not None and not (target and target.isprintable()):
                raise ParameterError(f"no node of PipeWire has the name {target!r}")
        if not 0.0 <= self.mix <= 1.0:
            raise ParameterError(f"mix must be 0 .. 1, not {self.mix}")

    def _nodes(self) -> list[str]:
        """Name all nodes that PipeWire makes."""
        sink = [] if self.sink is None else [_node_name(self.sink)]
        mic = [] if self.mic is None else [_node_name(self.mic)]
        return [*sink, *(f"{n}.output" for n in sink), *mic, *(f"{n}.input" for n in mic)]

    def text(self) -> str:
        """Give the file's text.

        Raises
        ------
        PluginError
            If this build of novasr has no LADSPA library.
        """
        modules = []
        if self.sink is not None:
            node = _node_name(self.sink)
            device = {"node.name": node, "media.class": "Audio/Sink"}
            stream = _stream(f"{node}.output", self.sink_target)
            modules.append(self._module("sink", self.sink, device, stream))
        if self.mic is not None:
            node = _node_name(self.mic)
            stream = _stream(f"{node}.input", self.mic_target)
            device = {"node.name": node, "media.class": "Audio/Source"}
            modules.append(self._module("mic", self.mic, stream, device))
        return f"{FIRST_LINE}\ncontext.modules = [\n{''.join(modules)}]\n"

    def _module(
        self, kind: str, name: str, capture: Mapping[str, object], playback: Mapping[str, object]
    ) -> str:
        channels = _CHANNELS[kind]
        control: dict[str, float] = {"Mix": self.mix}
        if self.model == "base":
            control["Mode"] = int(self.mode == "full")
        return _MODULE.format(
            description=json.dumps(name),
            library=json.dumps(str(ladspa_library(self.model))),
            label=f"novasr_{self.model}_{'stereo' if len(channels) == 2 else 'mono'}",
            control=_pairs(control),
            inputs=" ".join(f'"novasr:Input{_PORTS[c]}"' for c in channels),
            outputs=" ".join(f'"novasr:Output{_PORTS[c]}"' for c in channels),
            positions=" ".join(channels),
            capture=_pairs(capture),
            playback=_pairs(playback),
        )


def config_file() -> Path:
    """Give the file that :func:`write` writes and :func:`remove` removes."""
    home = os.environ.get("XDG_CONFIG_HOME")
    base = Path(home) if home else Path.home() / ".config"
    return base / "pipewire" / "pipewire.conf.d" / "novasr.conf"


def write(devices: PipeWireDevices) -> Path:
    """Write the configuration, in place of one that was written before; give its file.

    Raises
    ------
    DeviceError
        If the file was written by others, or the system is none that PipeWire is for.
    PluginError
        If this build of novasr has no LADSPA library.
    AudioFileError
        If the file cannot be written.
    """
    if sys.platform != "linux":
        raise DeviceError("PipeWire is the sound server of Linux: elsewhere use novasr live alone")
    file, text = config_file(), devices.text()
    _refuse_foreign(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeviceError(f"{file.parent}: cannot be made: {error.strerror}") from error
    with replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return file


def remove() -> Path:
    """Remove the configuration that :func:`write` wrote; give what its file was.

    Raises
    ------
    DeviceError
        If there is none, it was written by others, or it cannot be removed.
    """
    file = config_file()
    if not os.path.lexists(file):
        raise DeviceError(f"nothing to remove at {file}")
    _refuse_foreign(file)
    try:
        file.unlink()
    except OSError as error:
        raise DeviceError(f"{file}: cannot be removed: {error.strerror}") from error
    return file


def _refuse_foreign(file: Path) -> None:
    if not os.path.lexists(file):
        return
    try:
        ours = file.read_text(encoding="utf-8").startswith(FIRST_LINE)
    except (OSError, UnicodeDecodeError):
        ours = False
    if not ours:
        raise DeviceError(f"{file}: was not written by novasr: move it away first")


def _node_name(name: str) -> str:
    return name.replace(" ", "_")


def _stream(name: str, target: str | None) -> dict[str, object]:
    """Describe the end that leads to a device of the session."""
    properties: dict[str, object] = {"node.name": name, "node.passive": True}
    return properties if target is None else {**properties, "target.object": target}


def _pairs(values: Mapping[str, object]) -> str:
    return " ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in values.items())
