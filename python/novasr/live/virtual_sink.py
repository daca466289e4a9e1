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

from novasr.errors import AudioFormatError, DeviceError
from novasr.live import pulse
from novasr.live.pulse import OWNER_PROPERTY, Node, Owner

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
            raise AudioFormatError(msg)
        self.input = self.output = ""
        self.environment: dict[str, str] = {}
        self._name, self._node, self._other = name, name.replace(" ", "_"), other
        self._owner = Owner.new()
        self._modules = 0
        self._folder: Path | None = None
        self._real: Node | None = None

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
        if len(self._owned()) < self._modules:
            pulse.unload(self._owned())
            self._modules = 0
        self._make()

    def put_right(self, process: int) -> str | None:
        """Undo it when the server has moved the audio process to our own device, which is a loop.

        Parameters
        ----------
        process : int
            Its number.

        Returns
        -------
        str or None
            Why it should start anew: the real device has gone, or another one is the default.
        """
        place = pulse.place_of(self.kind, process)
        if self._real is None or place is None:
            return None
        default = pulse.default_node(self.kind)
        if place.node in self._ours:
            if self._real.name not in [node.name for node in pulse.nodes(self.kind)]:
                return f"{self._real.description} has gone"
            pulse.move(self.kind, place.stream, self._real.name)
            return None
        known = (place.node, self._real.name, *self._ours)
        if self._other is None and default is not None and default.name not in known:
            return f"the default {self.kind} is {default.description} now"
        return None

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
        wanted = self._other
        if wanted is None and self._real is not None:
            default = pulse.default_node(self.kind)
            if default is None or default.name in self._ours:
                wanted = self._real.name  # people make our device the default
        return pulse.find_node(self.kind, wanted, without=self._ours)

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

    def _load_modules(self) -> None:
        self._load_sink(self._node, self._name)

    def _connect(self, real: Node) -> None:
        self._write_config(Node(f"{self._node}.monitor", self._name), real)


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
