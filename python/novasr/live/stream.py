"""A microphone or a call, enhanced while you hear it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from novasr.checks import check_choice, is_whole
from novasr.engines import check_stream_engine
from novasr.errors import AudioFileError, DeviceError, ParameterError
from novasr.live.config import LiveConfig, RecordingTarget
from novasr.live.recording import FORMATS
from novasr.live.servers.virtual_sink import VirtualDevice, VirtualMicrophone, VirtualSink
from novasr.live.servers.watcher import Watcher
from novasr.live.stats import LiveEvent, LiveStats
from novasr.live.supervisor import Supervisor
from novasr.models import MODELS, chosen_weights
from novasr.parameters import check_parameters, given

if TYPE_CHECKING:
    from novasr.types import Engine, FrontEnd, Mode, ModelName

BLOCKS = (32, 1024)
RATES_HZ = (8_000, 192_000)
KEPT_UPDATES = 600  # a minute; nobody may be reading
POLL_SECONDS = 0.05


class LiveStream:
    """From one sound device through the model to another, until stopped.

    The audio runs in a process of its own, without Python in its callback. If a device or its server
    goes away, the stream says so, waits for it and goes on.

    Parameters
    ----------
    input, output : str or int, optional
        Devices: index, name, or part of a name (see :func:`list_devices`). Default: the system's.
    block : int, optional
        Frames per callback, 32 .. 1024. Default: 128; with JACK what its server uses.
    rate : int, optional
        Of the devices in Hz. Default: theirs, or 48000 if they let us choose.
    mode, model, engine, weights, front_end, low_latency
        As for :class:`novasr.Stream`; LibTorch runs on a thread of its own and adds 41 ms.
    record : str or path, optional
        WAV or W64 file to write: the channels before, then those after, aligned. What prevents that
        later than at the start is an event, and the audio goes on.
    allow_feedback : bool
        Also run from a built-in microphone to built-in loudspeakers.
    virtual_sink : str, optional
        Make a sink of this name and enhance what programs play to it; `output` is then a sink of
        PulseAudio or PipeWire.
    virtual_mic : str, optional
        Make a microphone of this name, where programs record what is enhanced; `input` is then a
        source of PulseAudio or PipeWire.
    crossover_hz, mix, high_band_gain_db, output_gain_db, bypass
        As for :meth:`novasr.Stream.set`.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or `model` and `weights` contradict each other.
    WeightsError
        If the weights given with a model cannot be read.
    AudioFileError
        If the recording exists or cannot be written.

    Examples
    --------
    >>> with LiveStream("USB", "Headphones") as live:  # doctest: +SKIP
    ...     for update in live.updates():
    ...         print(update)
    """

    def __init__(
        self,
        input: str | int | None = None,
        output: str | int | None = None,
        *,
        block: int | None = None,
        rate: int | None = None,
        mode: Mode = "extend",
        model: ModelName | None = None,
        engine: Engine = "auto",
        weights: str | Path | None = None,
        front_end: FrontEnd = "clean",
        low_latency: bool = False,
        record: str | Path | None = None,
        allow_feedback: bool = False,
        virtual_sink: str | None = None,
        virtual_mic: str | None = None,
        crossover_hz: float = 7100.0,
        mix: float = 1.0,
        high_band_gain_db: float = 0.0,
        output_gain_db: float = 0.0,
        bypass: bool = False,
    ) -> None:
        _check_range("block", block, BLOCKS, "frames")
        _check_range("rate", rate, RATES_HZ, "Hz")
        check_stream_engine(engine)
        weights = chosen_weights(model, weights)
        self._low_latency = low_latency
        self._sound: dict[str, object] = {}
        self._change_sound(
            {
                "mode": mode,
                "front_end": front_end,
                "crossover_hz": crossover_hz,
                "mix": mix,
                "high_band_gain_db": high_band_gain_db,
                "output_gain_db": output_gain_db,
                "bypass": bypass,
            }
        )
        self._record = _Target(Path(record)) if record is not None else None
        self._virtual = _virtual_device(input, output, virtual_sink, virtual_mic)
        self._config = LiveConfig(
            input=input,
            output=output,
            block=None if block is None else int(block),
            rate=None if rate is None else int(rate),
            engine=engine,
            weights=str(weights) if weights is not None else None,
            low_latency=low_latency,
            record=self._record.target if self._record is not None else None,
            allow_feedback=allow_feedback,
            parameters=self._sound,
        )
        self._supervisor: Supervisor | None = None
        self._watcher = Watcher(self._put_right)
        self._stats = LiveStats()
        # Ctrl-C raises KeyboardInterrupt in the reader at any line: the lock of a Condition, which is
        # taken in Python, could stay taken, and what puts updates here would wait for ever.
        self._updates: SimpleQueue[LiveStats | LiveEvent] = SimpleQueue()

    def start(self) -> None:
        """Open the devices; return when audio runs.

        Raises
        ------
        DeviceError
            If a device is missing, or cannot do what is asked of it.
        NovasrError
            If the weights, the engine or the recording cannot be used.
        """
        try:
            if self._virtual is not None:
                self._virtual.start()
                self._watcher.start()
            self._supervisor = Supervisor(
                lambda: self._config, self._prepare, self._take, self._finish_recording
            )
            self._supervisor.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the stream, within half a second if the sound server answers; the recording is complete then.

        What is wrong with the recording is told by the last events.
        """
        self._watcher.stop()
        if self._supervisor is not None:
            self._supervisor.stop()
        if self._virtual is not None:
            self._virtual.stop()

    def set(
        self,
        *,
        model: ModelName | None = None,
        mode: Mode | None = None,
        front_end: FrontEnd | None = None,
        crossover_hz: float | None = None,
        mix: float | None = None,
        high_band_gain_db: float | None = None,
        output_gain_db: float | None = None,
        bypass: bool | None = None,
        **unknown: NoReturn,
    ) -> None:
        """Change the sound while the stream runs, as :meth:`novasr.Stream.set` does, or the model.

        Parameters
        ----------
        model : {"base", "wide"}
            Takes the place of the weights in use. It warms up on the audio for about a second, then fades
            in; from then on the latency is its own.
        mode, front_end, crossover_hz, mix, high_band_gain_db, output_gain_db, bypass
            As for :meth:`novasr.Stream.set`.

        Raises
        ------
        ParameterError
            If a name is unknown or a value is out of range; nothing has changed then.
        """
        if model is not None:
            check_choice("model", model, MODELS)
        sound: dict[str, object] = {
            "mode": mode,
            "front_end": front_end,
            "crossover_hz": crossover_hz,
            "mix": mix,
            "high_band_gain_db": high_band_gain_db,
            "output_gain_db": output_gain_db,
            "bypass": bypass,
        }
        changes = given(sound | unknown)
        self._change_sound(changes)
        self._config = replace(
            self._config, parameters=self._sound, weights=model or self._config.weights
        )
        if self._supervisor is not None:
            self._supervisor.send({"set": changes})
            if model is not None:
                self._supervisor.send({"weights": model})

    @property
    def stats(self) -> LiveStats:
        """The stream at the latest report."""
        return self._stats

    def updates(self, timeout: float | None = None) -> Iterator[LiveStats | LiveEvent]:
        """Yield reports, ten a second, and events as they come, until the stream has stopped.

        Parameters
        ----------
        timeout : float, optional
            Also end when nothing has come for so many seconds.

        Yields
        ------
        LiveStats or LiveEvent
            In their order; each is given once.

        Raises
        ------
        NovasrError
            What ended the stream, if it was not :meth:`stop`.
        """
        heard = time.monotonic()
        while True:
            alive = self._alive  # if not, all that ever comes is in the queue
            left = POLL_SECONDS if timeout is None else heard + timeout - time.monotonic()
            try:
                update = self._updates.get(alive and left > 0, min(max(left, 0), POLL_SECONDS))
            except Empty:
                if alive and left > 0:
                    continue
                break
            yield update
            heard = time.monotonic()
        self._raise_what_ended_it()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the stream has stopped.

        Parameters
        ----------
        timeout : float, optional
            In seconds.

        Returns
        -------
        bool
            Whether it has.

        Raises
        ------
        NovasrError
            What ended the stream, if it was not :meth:`stop`.
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        while self._alive and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, POLL_SECONDS))
        self._raise_what_ended_it()
        return not self._alive

    def __enter__(self) -> LiveStream:
        """Start the stream."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the stream."""
        self.stop()

    @property
    def _alive(self) -> bool:
        return self._supervisor is not None and not self._supervisor.ended

    def _raise_what_ended_it(self) -> None:
        if not self._alive and self._supervisor is not None and self._supervisor.error:
            raise self._supervisor.error

    def _take(self, update: LiveStats | LiveEvent) -> None:
        if isinstance(update, LiveStats):
            self._stats = update
        while self._updates.qsize() >= KEPT_UPDATES:
            with contextlib.suppress(Empty):
                self._updates.get_nowait()
        self._updates.put(update)

    def _change_sound(self, changes: dict[str, object]) -> None:
        sound = {**self._sound, **changes}
        check_parameters(sound, low_latency=self._low_latency)
        self._sound = {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in sound.items()
        }

    def _finish_recording(self, stats: LiveStats) -> list[str]:
        return self._record.finish(stats) if self._record is not None else []

    def _prepare(self) -> Mapping[str, str]:
        """Make the virtual device again if it is lost; give what an audio process needs to find it."""
        if self._virtual is None:
            return {}
        self._virtual.restore()
        self._config = replace(self._config, input=self._virtual.input, output=self._virtual.output)
        return self._virtual.environment

    def _put_right(self) -> None:
        """Answer to a change at the sound server."""
        virtual, supervisor = self._virtual, self._supervisor
        if virtual is None or supervisor is None or supervisor.pid is None:
            return
        with contextlib.suppress(DeviceError):  # the server is gone: the process will notice
            reason = virtual.put_right(supervisor.pid)
            if reason is not None:
                supervisor.restart(reason)


def _virtual_device(
    source: str | int | None, sink: str | int | None, virtual_sink: str | None, mic: str | None
) -> VirtualDevice | None:
    if virtual_sink is not None and (mic is not None or source is not None):
        msg = "virtual_sink is an input already: no other input and no virtual_mic beside it"
        raise ParameterError(msg)
    if mic is not None and sink is not None:
        msg = "virtual_mic is an output already: no other output beside it"
        raise ParameterError(msg)
    if virtual_sink is not None:
        return VirtualSink(virtual_sink, None if sink is None else str(sink))
    if mic is not None:
        return VirtualMicrophone(mic, None if source is None else str(source))
    return None


def _check_range(name: str, value: int | None, limits: tuple[int, int], unit: str) -> None:
    if value is not None and not (is_whole(value) and limits[0] <= value <= limits[1]):
        msg = f"{name} must be {limits[0]} .. {limits[1]} {unit}, not {value!r}"
        raise ParameterError(msg)


class _Target:
    """The name of a recording, and the one that it has until it is complete."""

    def __init__(self, path: Path) -> None:
        suffix = path.suffix.lower()
        if suffix not in FORMATS:
            msg = f"{path}: a recording is a .wav file, or .w64 for more than 4 GiB"
            raise ParameterError(msg)
        self._path = path
        self._partial = path.with_name(f"{path.stem}.part{path.suffix}")
        for name in (path, self._partial):
            if name.exists():
                msg = f"{name}: exists: move it away or choose another name"
                raise AudioFileError(msg)
        if not path.resolve().parent.is_dir():
            msg = f"{path}: the folder is missing: create it first"
            raise AudioFileError(msg)
        self.target = RecordingTarget(str(self._partial.absolute()), FORMATS[suffix])

    def finish(self, stats: LiveStats) -> list[str]:
        """Give the recording of a stream that stood so its name; say what is wrong with it."""
        try:
            if stats.state == "starting":
                self._partial.unlink(missing_ok=True)
                return []
            if not self._partial.exists():
                gone = f"{self._path}: the recording is gone: the file or its folder was removed"
                return [gone] if stats.recorded_s or stats.record_lost else []
            if self._path.exists():
                return [
                    f"{self._partial}: the recording keeps this name: {self._path.name} exists now"
                ]
            self._partial.rename(self._path)
        except OSError as error:
            return [f"{self._partial}: the recording keeps this name: {error.strerror}"]
        lost = f"{self._path}: {stats.record_lost} frames are missing in the recording"
        return [lost] if stats.record_lost else []
