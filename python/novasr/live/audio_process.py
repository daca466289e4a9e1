"""The process that owns the audio of a live stream: ``python -m novasr.live.audio_process``.

It reads a JSON line with the configuration, then commands, and writes JSON lines: what it is doing, and
ten times a second how the stream is. It ends itself when a device is lost, for some drivers hang for
ever once their server has died; whoever started it starts it again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from novasr import _native
from novasr.engines import make_engine, on_worker, uses_torch
from novasr.errors import DeviceError, NovasrError
from novasr.live.config import LiveConfig, RecordingTarget
from novasr.live.devices import Route, find_route, portaudio, refresh
from novasr.live.meters import SpectrumMeter, decibels
from novasr.live.recorder import Recorder
from novasr.live.recording import Recording
from novasr.live.servers.feedback import refuse_feedback
from novasr.live.servers.jack import JackServer
from novasr.live.stats import LiveStats
from novasr.models import model_name
from novasr.native_errors import NativeErrors
from novasr.parameters import change_parameters

EXIT_STOPPED, EXIT_FAILED, EXIT_REFUSED, EXIT_LOST = 0, 1, 2, 3

BLOCK_FRAMES = 128
NICENESS = -11  # as sound servers have it, where we may
TICK_SECONDS = 0.1
STALL_SECONDS, STALL_BLOCKS = 1.0, 20
CLOSE_SECONDS = 0.2
PILE_SECONDS, PILE_PAUSE_SECONDS = 0.2, 5.0  # delay that a driver may add, and between two cures
RETRY_SECONDS = (0.1, 0.5)  # first and longest
TAP_SAMPLES = 1 << 15


class Audio:
    """Streams of PortAudio that call a bridge; no Python runs in them.

    Parameters
    ----------
    route : Route
        From where to where.
    engine : _native.Engine
        What computes the model; the bridge takes it over.
    config : LiveConfig
        Of which `block`, `low_latency` and `record` matter here. The default block is 128 frames, and
        with JACK what its server uses, which adds no delay.
    parameters : _native.Parameters
        The sound.

    Raises
    ------
    DeviceError
        If a device cannot be opened.
    """

    def __init__(
        self,
        route: Route,
        engine: _native.Engine,
        config: LiveConfig,
        parameters: _native.Parameters,
    ) -> None:
        self.route = route
        jack = route.input.jack and route.output.jack
        self.block = config.block or (0 if jack else BLOCK_FRAMES)
        self.bridge = _native.LiveBridge(
            engine,
            input_rate=route.input_rate,
            output_rate=route.output_rate,
            input_channels=route.input_channels,
            output_channels=route.output_channels,
            block_frames=self.block or BLOCK_FRAMES,
            two_clocks=route.two_clocks,
            low_latency=config.low_latency,
            record=config.record is not None,
        )
        self.bridge.set_parameters(parameters)
        self._jack = JackServer(route) if jack else None
        self._counts = (0, 0)
        self._counted, self._cured = time.monotonic(), -math.inf
        self._least_delay = math.inf
        self.cures = 0
        sounddevice = portaudio()
        self._streams: list[Any] = []
        try:
            self._streams.extend(self._open(sounddevice))
            for stream in self._streams:
                stream.start()
        except sounddevice.PortAudioError as error:
            self.close()
            raise DeviceError(f"{route.input} to {route.output}: {_first_line(error)}") from error

    def _open(self, sounddevice: Any) -> list[Any]:
        r = self.route
        # The low latency of a sound server's plugin is shorter than its bursts: it runs dry again and again.
        latency = "high" if r.input.plugin or r.output.plugin else "low"

        def stream(kind: str, callback: int, device: Any, channels: Any, rate: int) -> Any:
            return sounddevice._StreamBase(
                kind,
                device=device,
                channels=channels,
                samplerate=rate,
                blocksize=self.block,
                dtype="float32",
                latency=latency,
                callback=sounddevice._ffi.cast("void*", callback),
                userdata=sounddevice._ffi.cast("void*", self.bridge.address),
            )

        devices = (r.input.index, r.output.index)
        channels = (r.input_channels, r.output_channels)
        if not r.two_clocks:
            return [stream("duplex", _native.duplex_callback, devices, channels, r.input_rate)]
        return [
            stream("input", _native.capture_callback, devices[0], channels[0], r.input_rate),
            stream("output", _native.play_callback, devices[1], channels[1], r.output_rate),
        ]

    def loss(self, stats: dict[str, Any]) -> str | None:
        """Say what was lost, if anything was; to be called again and again."""
        now = time.monotonic()
        counts = (stats["input_blocks"], stats["output_blocks"])
        moved = [new != old for new, old in zip(counts, self._counts, strict=True)]
        if all(moved) if self.route.two_clocks else any(moved):
            self._counts, self._counted = counts, now
        patience = max(STALL_SECONDS, STALL_BLOCKS * self.block / self.route.input_rate)
        names = f"{self.route.input.name} to {self.route.output.name}"
        if not all(stream.active for stream in self._streams):
            return f"{names}: the device is gone"
        if now - self._counted > patience:
            return f"{names}: the device stands still"
        if self._jack is not None and (gone := self._jack.missing()):
            return f"{gone}: the device is gone"
        return None

    def device_seconds(self, stats: dict[str, Any]) -> float:
        """Give the delay of devices and driver; 0 if it is not known."""
        if self._jack is None:
            return float(stats["device_seconds"])
        return (self._jack.latency_frames() + self.block) / self.route.output_rate

    def cure_delay(self, stats: dict[str, Any]) -> None:
        """Start the stream anew when its delay has grown: PulseAudio adds to it whenever it runs dry."""
        delay, now = float(stats["device_seconds"]), time.monotonic()
        if self._jack is not None or self.route.two_clocks or delay == 0.0:
            return
        self._least_delay = min(self._least_delay, delay)
        if delay < self._least_delay + PILE_SECONDS or now < self._cured + PILE_PAUSE_SECONDS:
            return
        self._cured = now
        self.cures += 1
        for stream in self._streams:
            stream.abort()
            stream.start()
        self._counted = time.monotonic()

    def close(self) -> None:
        """Close the streams."""
        for stream in self._streams:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)
        if self._jack is not None:
            self._jack.close()


class AudioProcess:
    """One life of the process: open, run, report, close.

    Parameters
    ----------
    config : LiveConfig
        As :class:`novasr.live.LiveStream` makes it.
    """

    def __init__(self, config: LiveConfig) -> None:
        self._config = config
        self._commands: queue.Queue[dict[str, Any]] = queue.Queue()
        self._parameters = _native.Parameters()
        change_parameters(self._parameters, config.parameters)
        self._audio: Audio | None = None
        self._recorder: Recorder | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    def run(self) -> int:
        """Run until told to stop or until a device is lost.

        Returns
        -------
        int
            Exit code of the process.
        """
        report(phase="opening")
        try:
            self._audio = audio = self._open()
            return EXIT_STOPPED if audio is None else self._run(audio)
        finally:
            self._close()

    def _close(self) -> None:
        """Leave the sound server, which may wait for us; but only for a moment, for some never answer."""
        leaving = threading.Thread(target=self._leave, daemon=True)
        leaving.start()
        leaving.join(CLOSE_SECONDS)
        if self._recorder is not None:
            self._recorder.finish(CLOSE_SECONDS)
            self._tell_news()

    def _leave(self) -> None:
        if self._audio is not None:
            self._audio.close()
        with contextlib.suppress(DeviceError):  # there is none
            portaudio()._terminate()

    def _open(self) -> Audio | None:
        """Open the devices; after a loss wait for them to come back. None: told to stop."""
        pause, longest = RETRY_SECONDS
        while True:
            try:
                return self._open_now()
            except DeviceError as error:
                if not self._config.patient:
                    raise
                report(waiting=str(error))
            if not self._obey(pause):
                return None
            pause = min(2 * pause, longest)
            refresh()

    def _open_now(self) -> Audio:
        config = self._config
        route = find_route(config.input, config.output, config.rate)
        if not config.allow_feedback:
            refuse_feedback(route.input, route.output)
        report(phase="loading")
        engine = _engine(config)
        report(phase="opening")
        return Audio(route, engine, config, self._parameters)

    def _run(self, audio: Audio) -> int:
        bridge, route = audio.bridge, audio.route
        if self._config.record is not None:
            self._recorder = self._start_recording(audio, self._config.record)
        before, after = SpectrumMeter(route.input_rate), SpectrumMeter(route.output_rate)
        while self._obey(TICK_SECONDS):
            stats = bridge.stats()
            spectra = (
                before.levels(bridge.read_before(TAP_SAMPLES)),
                after.levels(bridge.read_after(TAP_SAMPLES)),
            )
            self._tell_news()
            lost = audio.loss(stats)
            if lost is not None:
                report(lost=lost)
                return EXIT_LOST
            if stats["failed_blocks"]:
                report(error="the model failed while running", kind="stream")
                return EXIT_REFUSED
            audio.cure_delay(stats)
            if stats["output_frames"]:
                described = dataclasses.replace(
                    self._described(audio, stats),
                    spectrum_before=spectra[0],
                    spectrum_after=spectra[1],
                )
                report(stats=dataclasses.asdict(described))
            else:
                report(phase="opening")
        return EXIT_STOPPED

    def _start_recording(self, audio: Audio, target: RecordingTarget) -> Recorder | None:
        bridge = audio.bridge
        if bridge.processed_rate != audio.route.input_rate:
            report(warning="not recorded: the input device runs below 44100 Hz")
            return None
        recording = Recording(
            Path(target.path),
            target.kind,
            bridge.processed_rate,
            bridge.processed_channels,
            bridge.recording_latency_frames,
        )
        if not self._config.patient:
            recording.start()
        return Recorder(recording, bridge.read_recording)

    def _tell_news(self) -> None:
        news = self._recorder.recording.news if self._recorder is not None else ()
        while news:
            report(warning=news.popleft())

    def _described(self, audio: Audio, stats: dict[str, Any]) -> LiveStats:
        route, bridge, parameters = audio.route, audio.bridge, self._parameters
        rate = route.output_rate
        blocks = max(1, stats["input_blocks"])
        device_ms = 1000 * audio.device_seconds(stats)
        our_ms = 1000 * bridge.latency_frames / rate
        recording = self._recorder.recording if self._recorder is not None else None
        return LiveStats(
            state="running",
            input=route.input.name,
            output=route.output.name,
            rate=rate,
            block=audio.block or round(stats["input_frames"] / blocks),
            latency_ms=device_ms + our_ms,
            device_ms=device_ms,
            our_ms=our_ms,
            load=stats["load"],
            largest_load=stats["largest_load"],
            input_peak_db=decibels(stats["input_peak"]),
            output_peak_db=decibels(stats["output_peak"]),
            xruns_input=stats["input_xruns"],
            xruns_output=stats["output_xruns"],
            late_blocks=stats["late_blocks"],
            underruns=stats["underruns"] + stats["engine_underruns"],
            overruns=stats["overruns"],
            resyncs=stats["resyncs"] + audio.cures,
            drift_ppm=stats["drift_ppm"],
            buffered_ms=1000 * stats["buffered_frames"] / rate,
            recorded_s=recording.seconds if recording is not None else 0.0,
            record_lost=stats["record_lost"] + (recording.lost if recording is not None else 0),
            record_problem=recording.problem if recording is not None else "",
            passthrough=stats["passthrough"],
            model=model_name(self._config.weights),
            cutoff_hz=stats["cutoff_hz"],
            bypass=parameters.bypass,
            mode="full" if parameters.mode == _native.Mode.full else "extend",
            mix=parameters.mix,
        )

    def _obey(self, seconds: float) -> bool:
        """Carry out commands for so long; tell whether to go on."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                command = self._commands.get(timeout=left)
            except queue.Empty:
                return True
            if "set" in command:
                change_parameters(self._parameters, command["set"])
                if self._audio is not None:
                    self._audio.bridge.set_parameters(self._parameters)
            elif "weights" in command:
                self._change_weights(command["weights"])
            else:
                return False
        return True

    def _change_weights(self, weights: str) -> None:
        """Let the engine of other weights take over; the audio goes on while it loads."""
        changed = dataclasses.replace(self._config, weights=weights)
        if self._audio is not None:
            report(phase="loading")
            self._audio.bridge.change_engine(_engine(changed))
        self._config = changed

    def _listen(self) -> None:
        """Pass on commands; the end of the input means stop."""
        for line in sys.stdin:
            self._commands.put(json.loads(line))
        self._commands.put({"stop": True})


def report(**content: Any) -> None:
    """Write a line to whoever started us."""
    print(json.dumps(content), flush=True)


def _engine(config: LiveConfig) -> _native.Engine:
    """Make the engine; LibTorch allocates, so it runs on a thread of its own."""
    engine = make_engine(config.engine, config.weights, threads=1, offline=False)
    if uses_torch(config.engine, config.weights):
        return on_worker(engine)
    return engine


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def main() -> int:
    """Run one engine as its configuration says.

    Returns
    -------
    int
        0 stopped, 1 failed, 2 refused: starting again would not help, 3 a device was lost.
    """
    try:
        with NativeErrors():
            return AudioProcess(LiveConfig.from_json(json.loads(sys.stdin.readline()))).run()
    except DeviceError as error:
        report(error=str(error), kind="device")
        return EXIT_REFUSED
    except NovasrError as error:
        report(error=str(error), kind="stream")
        return EXIT_REFUSED
    except BrokenPipeError:
        return EXIT_STOPPED
    except Exception as error:
        traceback.print_exc()
        report(error=f"the audio engine failed: {error!r}", kind="stream")
        return EXIT_FAILED


def _end(code: int) -> NoReturn:
    """End without the clean-up at which a driver may hang."""
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(PermissionError, AttributeError):  # Windows has none
        os.nice(NICENESS)
    _end(main())
