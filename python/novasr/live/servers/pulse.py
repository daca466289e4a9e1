"""PulseAudio's or PipeWire's server, asked by ``pactl``: its devices, and modules that we own."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from novasr.errors import DeviceError

ANSWER_SECONDS = 2.0
OWNER_PROPERTY = "novasr.owner"

Kind = Literal["sink", "source"]
PACTL_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "LANGUAGE": ""}  # we read what it says
STREAMS: dict[Kind, str] = {"sink": "sink-inputs", "source": "source-outputs"}

_instances = itertools.count()


class Node(NamedTuple):
    """A sink or source: its name, what people read, and the socket in use."""

    name: str
    description: str
    port: str = ""


def pactl(*words: str) -> str:
    """Run ``pactl`` and give what it prints.

    Raises
    ------
    DeviceError
        If it is missing, no server answers, or the server refuses.
    """
    try:
        run = subprocess.run(
            ["pactl", *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
            env={**os.environ, **PACTL_ENVIRONMENT},
            check=False,
        )
    except FileNotFoundError as error:
        msg = "virtual devices need pactl: apt-get install pulseaudio-utils"
        raise DeviceError(msg) from error
    except subprocess.TimeoutExpired as error:
        msg = f"the PulseAudio or PipeWire server did not answer within {ANSWER_SECONDS:.0f} s"
        raise DeviceError(msg) from error
    if run.returncode != 0:
        reason = (run.stderr.strip().splitlines() or ["no reason given"])[0]
        if "Connection" in reason:
            msg = (
                f"virtual devices need a PulseAudio or PipeWire server, and none answers: {reason}"
            )
            raise DeviceError(msg)
        msg = f"the sound server refused pactl {words[0]}: {reason}"
        raise DeviceError(msg)
    return run.stdout


def nodes(kind: Kind) -> list[Node]:
    """List the sinks or sources."""

    def field(name: str, text: str) -> str:
        found = re.search(rf"^\t{name}: (.*)$", text, re.M)
        return found[1] if found else ""

    listed = re.split(r"^(?:Sink|Source) #\d+$", pactl("list", f"{kind}s"), flags=re.M)[1:]
    return [
        Node(*(field(n, text) for n in ("Name", "Description", "Active Port"))) for text in listed
    ]


def default_node(kind: Kind) -> Node | None:
    """Give the sink or source that programs get which name none."""
    name = os.environ.get(f"PULSE_{kind.upper()}")
    if not name:
        found = re.search(rf"^Default {kind.title()}: (.*)$", pactl("info"), re.M)
        name = found[1] if found else ""
    return next((node for node in nodes(kind) if node.name == name), None)


def find_node(kind: Kind, wanted: str | None, without: Sequence[str] = ()) -> Node:
    """Find a sink or source by its name, its description or a part of either.

    Parameters
    ----------
    kind : {"sink", "source"}
        What to look for.
    wanted : str, optional
        By default the server's default device.
    without : sequence of str
        Names of nodes that are not meant.

    Raises
    ------
    DeviceError
        If there is none, or more than one.
    """
    known = [node for node in nodes(kind) if node.name not in without]
    if wanted is None:
        default = default_node(kind)
        found = [default] if default in known else []
        wanted = "default"
    else:
        text = wanted.lower()
        exact = [n for n in known if text in (n.name.lower(), n.description.lower())]
        found = exact or [n for n in known if text in f"{n.name}\n{n.description}".lower()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{node.description} ({node.name})" for node in found or known)
    if found:
        msg = f"several {kind}s match {wanted!r}: {listed}"
    else:
        msg = f"the sound server has no {kind} {wanted!r}; there are: {listed or 'none'}"
    raise DeviceError(msg)


class Place(NamedTuple):
    """A stream, by its number, and the name of the sink or source that it is connected to."""

    stream: str
    device: str


def place_of(kind: Kind, pid: int) -> Place | None:
    """Tell where a process plays to (a sink) or what it records (a source), if it does."""
    streams = re.split(r"^\w+ \w+ #(?=\d+$)", pactl("list", STREAMS[kind]), flags=re.M)[1:]
    for text in streams:
        at = re.search(rf"^\t{kind.title()}: (\d+)$", text, re.M)
        if at and f'application.process.id = "{pid}"' in text:
            listed = pactl("list", "short", f"{kind}s").splitlines()
            names = dict(line.split("\t")[:2] for line in listed)
            return Place(text.partition("\n")[0], names.get(at[1], ""))
    return None


def move(kind: Kind, stream: str, device: str) -> None:
    """Move a stream to another sink or source, where it then stays."""
    pactl(f"move-{STREAMS[kind][:-1]}", stream, device)


class Owner(NamedTuple):
    """Whose a module is: a process is told from others by machine, number and time of its start."""

    machine: str
    process: int
    started: str
    instance: int

    def __str__(self) -> str:
        return "-".join(map(str, self))

    @classmethod
    def new(cls) -> Owner:
        """Make one for this process, unlike all others."""
        return cls(_machine(), os.getpid(), _start_of(os.getpid()) or "", next(_instances))

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """Read one from the beginning of a text."""
        match = re.match(r"(\w+)-(\d+)-(\d*)-(\d+)\b", text)
        return cls(match[1], int(match[2]), match[3], int(match[4])) if match else None

    @property
    def gone(self) -> bool:
        """Whether its process ran here and has ended."""
        return self.machine == _machine() and _start_of(self.process) != self.started


def load_module(name: str, arguments: str) -> None:
    """Load a module; `arguments` carry its owner."""
    pactl("load-module", name, *([arguments] if arguments else []))


def modules() -> list[tuple[int, Owner]]:
    """List the modules that have an owner, in the order in which they were loaded."""
    owned = []
    for line in pactl("list", "short", "modules").splitlines():
        found = re.match(rf"(\d+)\t.*\b{OWNER_PROPERTY}=(.*)", line)
        owner = Owner.parse(found[2]) if found else None
        if found and owner is not None:
            owned.append((int(found[1]), owner))
    return owned


def unload(unwanted: list[int]) -> None:
    """Unload modules by their numbers, the newest first, for they stand on each other."""
    for number in sorted(unwanted, reverse=True):
        pactl("unload-module", str(number))


def _machine() -> str:
    """Tell machines, and containers of one machine, apart: they may share a server."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return hashlib.sha256(f"{boot}{Path('/proc/self/ns/pid').readlink()}".encode()).hexdigest()[:12]


def _start_of(process: int) -> str | None:
    """Give the time at which a process started, in kernel ticks; None if it does not run."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]
