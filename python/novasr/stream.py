"""Live and block-wise processing: the documented face of the native chain."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from novasr import _native
from novasr.checks import MAX_CHANNELS, check_audio, check_count, is_number
from novasr.engines import EngineFormat, on_worker, read_model
from novasr.errors import ParameterError, PassthroughWarning, StreamError
from novasr.models import chosen_weights
from novasr.native_errors import NativeErrors
from novasr.parameters import NAMES, change_parameters, given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import ArrayLike

    from novasr.types import Engine, FloatArray, FrontEnd, Mode, ModelName

_LOWEST_DEVICE_HZ = 44_100  # from here on the output has the rate of the input
_WHEN_CONFIGURED = NativeErrors()
_WHEN_RUNNING = NativeErrors(config=StreamError)


@dataclass(frozen=True)
class StreamStats:
    """Counters since the stream began.

    Attributes
    ----------
    input_frames, output_frames : int
        What went in and came out.
    nonfinite_samples : int
        NaN or infinite input samples; each was replaced by 0.
    passthrough : bool
        The output rate is 16 kHz or less, so there is no band to add: the input passes as it is.
    underrun_blocks, underrun_frames, dropped_frames : int
        With ``threaded=True``: blocks for which the engine was late, frames of dry audio put out in
        their place, and late frames dropped to stay aligned.
    failed_blocks : int
        Blocks that the model could not compute.
    cutoff_hz : float
        Where the model wide takes the input's band to end at the moment; 0 for models that do not look.
    """

    input_frames: int
    output_frames: int
    nonfinite_samples: int
    passthrough: bool
    underrun_blocks: int
    underrun_frames: int
    dropped_frames: int
    failed_blocks: int
    cutoff_hz: float


class Stream:
    """Extends audio block by block, with a constant latency.

    Parameters
    ----------
    sample_rate : int
        Rate of the input in Hz, 8000 .. 192000.
    channels : int
        Of one recording, 1 .. 256: independent for the model base, linked for wide.
    output_rate : int, optional
        Rate of the output in Hz: 48000, or `sample_rate`. Default: `sample_rate` from 44100 Hz on,
        48000 below.
    mode : {"extend", "full"}
        ``"extend"`` keeps the input below the crossover and adds the model's band above it;
        ``"full"`` is the model's output alone, as upstream NovaSR gives it.
    model : {"base", "wide"}, optional
        Which of this package's models: ``"base"``, from 16 kHz input on, or ``"wide"``, for any band of
        2 .. 16 kHz. Default: that of the weights, ``"base"`` without any.
    engine : {"auto", "native", "torch"}
        What computes the network.
    weights : str or path, optional
        As for :func:`novasr.load_model`, or a ``.ts`` file from ``novasr export``.
    front_end : {"clean", "reference"}
        The filter to 16 kHz: sharp, or upstream's.
    low_latency : bool
        The shortest path; needs ``mode="full"`` and ``front_end="reference"``.
    offline : bool
        Favour throughput over latency; for files.
    threaded : bool
        Run the engine on a thread of its own, so that :meth:`process` never waits for it: for LibTorch
        in an audio callback. Takes blocks of up to 30 ms and adds 41 ms of latency.
    threads : int
        LibTorch threads per call.
    crossover_hz, mix, high_band_gain_db, output_gain_db, bypass
        As for :meth:`set`.
    source_band_hz : float, optional
        Where the band of the source is known to end, from 1000 Hz to the default, half its rate: there
        the model wide begins, until it has evidence of another end.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or `model` and `weights` contradict each other.
    WeightsError
        If the weights cannot be used.
    StreamError
        If the engine cannot run here.

    Warns
    -----
    PassthroughWarning
        If the output rate is 16 kHz or less: nothing is added then.

    Notes
    -----
    A copy or a pickle has the same settings and carries the weights with it; it begins afresh.

    Examples
    --------
    >>> import numpy as np
    >>> stream = Stream(48_000)
    >>> block = np.zeros(480, np.float32)
    >>> stream.process(block).shape
    (480,)
    """

    def __init__(
        self,
        sample_rate: int,
        channels: int = 1,
        *,
        output_rate: int | None = None,
        mode: Mode = "extend",
        model: ModelName | None = None,
        engine: Engine = "auto",
        weights: str | Path | None = None,
        front_end: FrontEnd = "clean",
        low_latency: bool = False,
        offline: bool = False,
        threaded: bool = False,
        threads: int = 1,
        crossover_hz: float = 7100.0,
        mix: float = 1.0,
        high_band_gain_db: float = 0.0,
        output_gain_db: float = 0.0,
        bypass: bool = False,
        source_band_hz: float | None = None,
    ) -> None:
        check_count("sample_rate", sample_rate)
        check_count("channels", channels, most=MAX_CHANNELS)
        check_count("threads", threads)
        if threaded and offline:
            msg = "offline=True waits for the engine, threaded=True never does: choose one"
            raise ParameterError(msg)
        if output_rate is not None:
            check_count("output_rate", output_rate)
        if not (source_band_hz is None or (is_number(source_band_hz) and source_band_hz != 0)):
            msg = f"source_band_hz must be a frequency in Hz, not {source_band_hz!r}"
            raise ParameterError(msg)
        self._sample_rate, self._channels = sample_rate, channels
        self._source_band_hz = 0.0 if source_band_hz is None else float(source_band_hz)
        self._asked_rate = output_rate
        self._parameters = _native.Parameters()
        sound = {
            "mode": mode,
            "front_end": front_end,
            "crossover_hz": crossover_hz,
            "mix": mix,
            "high_band_gain_db": high_band_gain_db,
            "output_gain_db": output_gain_db,
            "bypass": bypass,
        }
        change_parameters(self._parameters, sound)
        self._model = read_model(engine, chosen_weights(model, weights))
        self._low_latency, self._offline = low_latency, offline
        self._threaded, self._threads = threaded, threads
        self._native = self._fresh()
        if not self._format.extends(self._output_rate):
            msg = (
                f"novasr.Stream adds nothing at output_rate={self._output_rate}, the output is the "
                f"input: choose output_rate={self._format.output_rate}, or use novasr.enhance"
            )
            warnings.warn(msg, PassthroughWarning, stacklevel=2)

    @property
    def sample_rate(self) -> int:
        """Rate of the input in Hz."""
        return self._sample_rate

    @property
    def output_rate(self) -> int:
        """Rate of the output in Hz."""
        return self._output_rate

    @property
    def format(self) -> EngineFormat:
        """Rates, hop, memory and band of the engine."""
        return self._format

    @property
    def channels(self) -> int:
        """Channels of input and output."""
        return self._channels

    @property
    def latency(self) -> int:
        """Output frames by which the output lags behind the input; constant, exact to the sample."""
        latency: int = self._native.latency
        return latency

    @property
    def stats(self) -> StreamStats:
        """Counters up to now."""
        return StreamStats(**self._native.stats)

    def set(
        self,
        *,
        mode: Mode | None = None,
        front_end: FrontEnd | None = None,
        crossover_hz: float | None = None,
        mix: float | None = None,
        high_band_gain_db: float | None = None,
        output_gain_db: float | None = None,
        bypass: bool | None = None,
        **unknown: NoReturn,
    ) -> None:
        """Change the sound while the stream runs: without clicks, and without changing the latency.

        What is not given stays as it is.

        Parameters
        ----------
        mode : {"extend", "full"}
            See the class.
        front_end : {"clean", "reference"}
            See the class.
        crossover_hz : float
            4000 .. 8000; where the model takes over, in ``"extend"`` mode.
        mix : float
            0 .. 1; 0 is the delayed input.
        high_band_gain_db : float
            -24 .. 12; on what the model adds, in ``"extend"`` mode.
        output_gain_db : float
            -60 .. 24.
        bypass : bool
            Let the delayed input pass.

        Raises
        ------
        ParameterError
            If a name is unknown or a value is out of range; nothing has changed then.
        """
        changes: dict[str, object] = {
            "mode": mode,
            "front_end": front_end,
            "crossover_hz": crossover_hz,
            "mix": mix,
            "high_band_gain_db": high_band_gain_db,
            "output_gain_db": output_gain_db,
            "bypass": bypass,
        }
        parameters = copy.copy(self._parameters)
        change_parameters(parameters, given(changes | unknown))
        with _WHEN_CONFIGURED:
            self._native.set_parameters(parameters)
        self._parameters = parameters

    def process(self, block: ArrayLike) -> FloatArray:
        """Take a block of any length; give the output that is due.

        Parameters
        ----------
        block : array_like of float, shape (frames,) or (frames, channels)
            Linear PCM, full scale at 1.0.

        Returns
        -------
        ndarray of float32, shape (output_frames,) or (output_frames, channels), as `block`
            As many frames as went in when the rates are equal; otherwise
            ``floor(total_frames * output_rate / sample_rate)`` over the life of the stream.

        Raises
        ------
        AudioFormatError
            If the array has another shape or holds no real numbers.
        StreamError
            After :meth:`flush` without :meth:`reset`, or if the model failed.
        """
        samples = check_audio(block, self._channels)
        self._one_dimension = np.ndim(block) == 1
        with _WHEN_RUNNING:
            output = self._native.process(samples)
        self._check_engine()
        return self._as_given(output)

    def flush(self) -> FloatArray:
        """End the stream and give what is still inside.

        Returns
        -------
        ndarray of float32, shape (output_frames,) or (output_frames, channels), as the last block
            After this ``latency + round(total_frames * output_rate / sample_rate)`` frames have come
            out; drop the first `latency` to be aligned with the input.

        Raises
        ------
        StreamError
            If called twice, or if the model failed.
        """
        with _WHEN_RUNNING:
            output = self._native.flush()
        self._check_engine()
        return self._as_given(output)

    def aligned(self, blocks: Iterable[ArrayLike]) -> Iterator[FloatArray]:
        """Enhance a whole recording block by block, aligned: without the latency at the start.

        The stream ends with the last block, as by :meth:`flush`.

        Parameters
        ----------
        blocks : iterable of array_like
            The recording; each as for :meth:`process`.

        Yields
        ------
        ndarray of float32, shape (output_frames,) or (output_frames, channels), as the blocks
            ``round(total_frames * output_rate / sample_rate)`` frames in all.

        Raises
        ------
        AudioFormatError, StreamError
            As :meth:`process`.
        """
        skip = self.latency
        for block in blocks:
            output = self.process(block)
            yield output[skip:]
            skip -= min(skip, len(output))
        yield self.flush()[skip:]

    def reset(self) -> None:
        """Begin a fresh stream with the same settings."""
        self._native.reset()
        self._one_dimension = False

    def __getstate__(self) -> dict[str, Any]:
        """Give settings and weights, for a copy or a pickle."""
        sound = {name: getattr(self._parameters, name) for name in NAMES}
        sound |= {name: sound[name].name for name in ("mode", "front_end")}
        return {**self.__dict__, "_native": None, "_parameters": sound}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin a fresh stream with them."""
        self.__dict__.update({"_source_band_hz": 0.0} | state)  # older pickles lack it
        self._parameters = _native.Parameters()
        change_parameters(self._parameters, state["_parameters"])
        self._native = self._fresh()

    def _fresh(self) -> _native.Stream:
        engine = self._new_engine()
        self._format = EngineFormat.of(engine)
        plays = self._sample_rate >= _LOWEST_DEVICE_HZ
        default = self._sample_rate if plays else self._format.output_rate
        self._output_rate = default if self._asked_rate is None else self._asked_rate
        if self._threaded:
            engine = on_worker(engine)
        with _WHEN_CONFIGURED:
            stream = _native.Stream(
                engine,
                sample_rate=self._sample_rate,
                output_rate=self._output_rate,
                channels=self._channels,
                low_latency=self._low_latency,
                source_band_hz=self._source_band_hz,
            )
            stream.set_parameters(self._parameters)
        self._one_dimension = False
        return stream

    def _new_engine(self) -> _native.Engine:
        return self._model.engine(threads=self._threads, offline=self._offline)

    def _as_given(self, output: FloatArray) -> FloatArray:
        """Give the output the dimensions of the last block."""
        return output[:, 0] if self._one_dimension else output

    def _check_engine(self) -> None:
        if self._native.stats["failed_blocks"]:
            msg = "the model failed while running: its TorchScript raised, or gave too few frames"
            raise StreamError(msg)
