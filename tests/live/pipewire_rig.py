"""A PipeWire of its own for a test: a D-Bus session, WirePlumber, and null devices for loudspeaker and microphone."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import needs
import numpy as np
import soundfile as sf

RATE = 48_000
# The chain "Plain" has no effect: its delay is that of the graph.
CONFIG = """\
context.properties = { default.clock.quantum = 1024 default.clock.min-quantum = 1024 }
context.objects = [
  { factory = adapter
    args = { factory.name = support.null-audio-sink node.name = speaker node.description = "Speaker"
             media.class = Audio/Sink audio.position = [ FL FR ] object.linger = true } }
  { factory = adapter
    args = { factory.name = support.null-audio-sink node.name = microphone node.description = "Microphone"
             media.class = Audio/Source/Virtual audio.position = [ MONO ] object.linger = true } }
]
context.modules = [
  { name = libpipewire-module-filter-chain
    args = {
      filter.graph = { nodes = [ { type = builtin name = copy label = copy } ] }
      audio.position = [ FL FR ]
      capture.props = { node.name = "Plain" media.class = Audio/Sink }
      playback.props = { node.name = "Plain.output" node.passive = true }
    }
  }
]
"""


def require_pipewire() -> None:
    """Skip unless server, session manager and tools are there."""
    names = ("pipewire", "wireplumber", "pw-link", "pw-play", "pw-record", "dbus-daemon")
    needs.programs(*names, packages="pipewire pipewire-bin wireplumber dbus")
    needs.programs("pipewire-pulse", "pactl", packages="pipewire-pulse pulseaudio-utils")


class PipeWire:
    """A server; programs find it by `environment`, whose XDG_CONFIG_HOME it reads when it starts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.config = folder / "config" / "pipewire" / "pipewire.conf.d"
        self.config.mkdir(parents=True)
        (self.config / "rig.conf").write_text(CONFIG)
        (folder / "run").mkdir(mode=0o700)
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder / 'run' / 'bus'}",
        }
        self.environment.pop("PULSE_SERVER", None)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run bus, server and session manager."""
        bus = self.environment["DBUS_SESSION_BUS_ADDRESS"]
        with contextlib.ExitStack() as running:
            words = ["dbus-daemon", "--session", "--nofork", f"--address={bus}"]
            running.enter_context(self._process(*words))
            self.wait_for((self._folder / "run" / "bus").exists)
            running.enter_context(self._process("pipewire"))
            self.wait_for((self._folder / "run" / "pipewire-0").exists)
            running.enter_context(self._process("wireplumber"))
            self.wait_for(lambda: self.linked("Plain.output:output_FL", "speaker:playback_FL"))
            yield

    def wait_for(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Wait for the condition to come true."""
        deadline = time.monotonic() + seconds
        while not condition():
            logs = [path.read_text(errors="replace") for path in self._folder.glob("*.log")]
            assert time.monotonic() < deadline, "\n".join([*self.ports(), *logs])
            time.sleep(0.05)

    @contextlib.contextmanager
    def pulse(self) -> Iterator[None]:
        """Run the server that programs for PulseAudio talk to."""
        with self._process("pipewire-pulse"):
            self.wait_for((self._folder / "run" / "pulse" / "native").exists)
            yield

    def pactl(self, kind: str) -> list[str]:
        """List the names of the sinks or sources that they see."""
        lines = self._run("pactl", "list", "short", kind, check=True).splitlines()
        return [line.split("\t")[1] for line in lines]

    def ports(self) -> list[str]:
        """List all ports as ``node:port``."""
        return self._run("pw-link", "-i", "-o").split("\n")

    def linked(self, source: str, destination: str) -> bool:
        """Tell whether there is this link."""
        links = self._run("pw-link", "-o", "-l").splitlines()
        after = links[links.index(source) + 1 :] if source in links else []
        ours = itertools.takewhile(lambda line: line.startswith(" "), after)
        return f"  |-> {destination}" in ours

    def round_trip(
        self, audio: np.ndarray, target: str, before: str, after: str, *, into: str | None = None
    ) -> np.ndarray:
        """Play to the node `target` as a program does; give what was at the two ports, shape (frames, 2).

        What is no sink to programs takes the sound by its port `into`.
        """
        played, heard = self._folder / "played.wav", self._folder / "heard.wav"
        sf.write(played, audio, RATE, "FLOAT")
        words = ["--target", "0", "--rate", str(RATE), "--channels", "2", "--format", "f32"]
        with self._process("pw-record", *words, heard) as recorder:
            self.wait_for(lambda: "pw-record:input_FR" in self.ports())
            self._run("pw-link", before, "pw-record:input_FL", check=True)
            self._run("pw-link", after, "pw-record:input_FR", check=True)
            time.sleep(0.3)
            with self._process(
                "pw-play", "--target", target if into is None else "0", played
            ) as player:
                if into is not None:
                    self.wait_for(lambda: "pw-play:output_MONO" in self.ports())
                    self._run("pw-link", "pw-play:output_MONO", into, check=True)
                assert player.wait(60) == 0
            time.sleep(0.3)
            recorder.send_signal(signal.SIGINT)
            recorder.wait(10)
        return sf.read(heard, dtype="float32")[0]

    @contextlib.contextmanager
    def _process(self, *words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
        with (self._folder / f"{words[0]}.log").open("wb") as log:
            process = subprocess.Popen(words, env=self.environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _run(self, *words: str | Path, check: bool = False) -> str:
        run = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert not check or run.returncode == 0, run.stderr
        return run.stdout


def lag(recording: np.ndarray) -> int:
    """Lag of the second channel behind the first, in frames."""
    size = 1 << (2 * len(recording)).bit_length()
    before, after = np.fft.rfft(recording, size, axis=0).T
    return int(np.argmax(np.fft.irfft(after * np.conj(before), size)[: size // 2]))
