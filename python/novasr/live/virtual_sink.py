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
        """Make again what a restarted server has forgotten; the attributes may change.

        Raises
        ------
        DeviceError
            As :meth:`start`.
        """
        if len(self._owned()) < self._modules:
            pulse.unload(self._owned())
            self._make()

    def stop(self) -> None:
        """Remove the device."""
        with contextlib.suppress(DeviceError):  # a server that has gone took it along
            pulse.unload(self._owned())
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @abstractmethod
    def _make(self) -> None:
        """Load the modules and say how audio processes reach them."""

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

    def _connect(self, source: Node, sink: Node) -> None:
        assert self._folder is not None
        self._modules = len(self._owned())
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

    def _make(self) -> None:
        self._check_name_is_free()
        sink = pulse.find_node("sink", self._other)
        self._load_sink(self._node, self._name)
        self._connect(Node(f"{self._node}.monitor", self._name), sink)


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

    def _make(self) -> None:
        self._check_name_is_free()
        source = pulse.find_node("source", self._other)
        feed = f"{self._node}.feed"
        self._load_sink(feed, f"{self._name} (fed by NovaSR)")
        # Programs hide monitors: a source of its own is what they offer.
        arguments = f"source_name={self._node} master={feed}.monitor"
        self._load("module-remap-source", arguments, "source", self._name)
        self._connect(source, Node(feed, self._name))


def _remove_stale_folders() -> None:
    """Remove what processes left that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        owner = Owner.parse(folder.name.removeprefix(FOLDER_PREFIX))
        if owner is not None and owner.gone:
            shutil.rmtree(folder, ignore_errors=True)


def _pcm_name(node: Node) -> str:
    """Make of a description a name that ALSA can look up: dots and colons mean something there."""
    return " ".join(re.sub(r"[^\w ()/-]", " ", node.description).split()) or node.name
