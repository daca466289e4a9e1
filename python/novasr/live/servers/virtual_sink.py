"""Sinks and microphones that exist in software alone, through which calls go.

PulseAudio and PipeWire make them. PortAudio reaches them, and the real device on the other side, as
two PCMs of an ALSA configuration of our own: two devices, because they have two clocks.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path

from novasr.errors import DeviceError, ParameterError
from novasr.live.servers import pulse
from novasr.live.servers.pulse import OWNER_PROPERTY, Node, Owner

NAME_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,62}")
FORMAT = "rate=48000 channels=2 format=float32le"
FOLDER_PREFIX = "novasr-live-"
CONFIG = """\
pcm."{input}" {{ type pulse device "{source}" }}
pcm."{output}" {{ type pulse device "{sink}" }}
pcm.default {{ type null }}
"""


class VirtualDevice(ABC):
    """What the sink and the microphone share.

    Attributes
    ----------
    input, output : str
        Names of the devices, as PortAudio knows them with `environment`.
    environment : dict of str to str
        Variables for the process that opens them.
    """

    kind: pulse.Kind

    def __init__(self, name: str, other: str | None = None) -> None:
        if not NAME_PATTERN.fullmatch(name):
            msg = (
                "a virtual device's name begins with a letter and has letters, digits, spaces and"
                f" ._- only, not {name!r}"
            )
            raise ParameterError(msg)
        self.input = self.output = ""
        self.environment: dict[str, str] = {}
        self._name, self._node, self._other = name, name.replace(" ", "_"), other
        self._owner = Owner.new()
        self._modules = 0
        self._folder: Path | None = None
        self._real: Node | None = None  # where the sound goes to or comes from
        self._default: str | None = None  # as far as we know

    def start(self) -> None:
        """Make the device, after removing those of processes that crashed.

        Raises
        ------
        DeviceError
            If no server answers, the name is taken, or there is no device for the other side.
        """
        if sys.platform != "linux":
            msg = "virtual devices are made on Linux only; elsewhere use BlackHole or VB-Cable"
            raise DeviceError(msg)
        pulse.unload([number for number, owner in pulse.modules() if owner.gone])
        _remove_stale_folders()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{self._owner}-"))
        try:
            self._make()
        except BaseException:
            self.stop()
            raise

    def restore(self) -> None:
        """Make again what a restarted server has forgotten, and find the real device; the attributes may change.

        Raises
        ------
        DeviceError
            As :meth:`start`.
        """
        if len(self._owned()) != self._modules:
            pulse.unload(self._owned())
            self._modules = 0
        self._make()

    def put_right(self, pid: int) -> str | None:
        """Undo what the server did to the audio process: moved it, as if it were any program.

        Between our device and the real one it must stay; where it hears itself is a loop.

        Parameters
        ----------
        pid : int
            Its number.

        Returns
        -------
        str or None
            Why it should start anew: the real device has gone, or another one is the default.
        """
        kind, device = self._end
        place = pulse.place_of(kind, pid)
        if place is not None and place.device != device:
            pulse.move(kind, place.stream, device)
        place = pulse.place_of(self.kind, pid)
        if place is None or self._real is None:
            return None
        known = {node.name: node for node in pulse.nodes(self.kind)}
        if place.device in self._ours:
            if self._real.name not in known:
                return f"{self._real.description} has gone"
            pulse.move(self.kind, place.stream, self._real.name)
        else:
            self._real = known.get(place.device, self._real)
        return self._news_of_default(self._real) if self._other is None else None

    def _news_of_default(self, real: Node) -> str | None:
        default = pulse.default_node(self.kind)
        if default is None or default.name == self._default:
            return None
        self._default = default.name
        if default.name in (real.name, *self._ours):  # people make our device the default
            return None
        return f"the default {self.kind} is {default.description} now"

    def stop(self) -> None:
        """Remove the device."""
        with contextlib.suppress(DeviceError):  # a server that has gone took it along
            pulse.unload(self._owned())
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    @abstractmethod
    def _ours(self) -> tuple[str, ...]:
        """Names of the nodes that must not be behind the device, for they are fed by it."""

    @property
    @abstractmethod
    def _end(self) -> tuple[pulse.Kind, str]:
        """Our end of the audio process: the monitor of the sink, or what feeds the microphone."""

    @abstractmethod
    def _load_modules(self) -> None:
        """Load what the device is made of."""

    @abstractmethod
    def _connect(self, real: Node) -> None:
        """Say how audio processes reach the device and the real one."""

    def _make(self) -> None:
        if not self._modules:
            self._check_name_is_free()
        real = self._find_real()
        if not self._modules:
            self._load_modules()
            self._modules = len(self._owned())
        self._real = real
        self._connect(real)

    def _find_real(self) -> Node:
        if self._other is not None:
            return pulse.find_node(self.kind, self._other, without=self._ours)
        default = pulse.default_node(self.kind)
        self._default = default.name if default is not None else None
        if self._real is None or (default is not None and default.name not in self._ours):
            return pulse.find_node(self.kind, None)
        others = [node for node in pulse.nodes(self.kind) if node.name not in self._ours]
        kept = [node for node in others if node.name == self._real.name]
        audible = [node for node in others if not node.name.endswith(".monitor")]
        for node in (*kept, *audible):
            return node
        msg = f"{self._real.description} has gone"
        raise DeviceError(msg)

    def _owned(self) -> list[int]:
        return [number for number, owner in pulse.modules() if owner == self._owner]

    def _check_name_is_free(self) -> None:
        for node in pulse.nodes(self.kind):
            if self._name.lower() in (node.name.lower(), node.description.lower()):
                msg = (
                    f"the sound server has a {self.kind} {node.description!r}: choose another name"
                )
                raise DeviceError(msg)

    def _load(self, module: str, arguments: str, kind: pulse.Kind, description: str) -> None:
        properties = f'device.description="{description}" {OWNER_PROPERTY}={self._owner}'
        pulse.load_module(module, f"{arguments} {kind}_properties='{properties}'")

    def _load_sink(self, name: str, description: str) -> None:
        # Without norewinds a second of repeated pieces is heard when a program begins to play.
        arguments = f"sink_name={name} {FORMAT} norewinds=1"
        self._load("module-null-sink", arguments, "sink", description)

    def _write_config(self, source: Node, sink: Node) -> None:
        assert self._folder is not None
        self.input, self.output = _pcm_name(source), _pcm_name(sink)
        file = self._folder / "asound.conf"
        file.write_text(
            CONFIG.format(input=self.input, source=source.name, output=self.output, sink=sink.name),
            encoding="utf-8",
        )
        self.environment = {"ALSA_CONFIG_PATH": str(file)}


class VirtualSink(VirtualDevice):
    """A sink that programs play into; what they play comes out of a real one, enhanced.

    Parameters
    ----------
    name : str
        Under which programs see it.
    other : str, optional
        The sink that is heard: its name, description or a part of them. By default the server's
        default sink.
    """

    kind = "sink"

    @property
    def _ours(self) -> tuple[str, ...]:
        return (self._node,)

    @property
    def _end(self) -> tuple[pulse.Kind, str]:
        return "source", f"{self._node}.monitor"

    def _load_modules(self) -> None:
        self._load_sink(self._node, self._name)

    def _connect(self, real: Node) -> None:
        self._write_config(Node(self._end[1], self._name), real)


class VirtualMicrophone(VirtualDevice):
    """A microphone for programs that record; what they get is a real one, enhanced.

    Parameters
    ----------
    name : str
        Under which programs see it.
    other : str, optional
        The microphone that is enhanced: its name, description or a part of them. By default the
        server's default source.
    """

    kind = "source"

    @property
    def _feed(self) -> str:
        return f"{self._node}.feed"

    @property
    def _ours(self) -> tuple[str, ...]:
        return (self._node, f"{self._feed}.monitor")

    @property
    def _end(self) -> tuple[pulse.Kind, str]:
        return "sink", self._feed

    def _load_modules(self) -> None:
        self._load_sink(self._feed, f"{self._name} (fed by NovaSR)")
        # Programs hide monitors: a source of its own is what they offer.
        arguments = f"source_name={self._node} master={self._feed}.monitor"
        self._load("module-remap-source", arguments, "source", self._name)

    def _connect(self, real: Node) -> None:
        self._write_config(real, Node(self._feed, self._name))


def _remove_stale_folders() -> None:
    """Remove what processes left that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        owner = Owner.parse(folder.name.removeprefix(FOLDER_PREFIX))
        if owner is not None and owner.gone:
            shutil.rmtree(folder, ignore_errors=True)


def _pcm_name(node: Node) -> str:
    """Make of a description a name that ALSA can look up: dots and colons mean something there."""
    return " ".join(re.sub(r"[^\w ()/-]", " ", node.description).split()) or node.name
