"""A recording on its way through the model, from blocks as they are read to blocks as they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import numpy as np

from novasr.audio.analysis import BandMeter, Verdict, judge_band
from novasr.audio.levels import Gain, OutputMeter
from novasr.audio.resampling import resampled
from novasr.checks import check_choice, is_number, is_whole
from novasr.engines import (
    OFFLINE_ENGINES,
    EngineFormat,
    chain_weights,
    engine_format,
    read_model,
    refines,
    uses_torch,
    weights_stamp,
)
from novasr.errors import AudioFormatError, ParameterError, WeightsError
from novasr.f0 import METHODS, track
from novasr.families import OFFLINE_FAMILIES
from novasr.families.studio.architecture import STEPS
from novasr.offline.cores import core_count
from novasr.offline.refining import RefinedStream
from novasr.offline.results import DEFAULT_RATE_HZ
from novasr.offline.segments import enhanced_in_parallel
from novasr.parameters import INFOS, check_parameters
from novasr.retrieval.keys import LOWEST_CUTOFF_HZ
from novasr.stream import Stream
from novasr.types import Engine, FloatArray, Mode, OfflineEngine, OutputGain, OutputRate
from novasr.weights.load import load_model
from novasr.weights.torch_runtime import require_torch

if TYPE_CHECKING:
    from novasr.cuda.batch_engine import BatchEngine
    from novasr.families.studio.network import StudioNetwork
    from novasr.families.studio.refiner import Refiner
    from novasr.retrieval import Bank

Progress: TypeAlias = Callable[[float, float], None]

_RATES_HZ = (8_000, 192_000)
_GAIN_DB = 60
_LEAST_BAND_HZ = 1_000
_USUAL_INDEX_RATE = 1.0


class Source(Protocol):
    """What is enhanced: `AudioReader`, or `PipeReader`."""

    path: Path
    sample_rate: int
    channels: int

    @property
    def seconds(self) -> float:
        """Length, 0 if unknown."""

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the audio, shape (frames, channels)."""


@dataclass(frozen=True)
class Settings:
    """What is to become of a recording; see `enhance_file`."""

    mode: Mode = "extend"
    engine: OfflineEngine = "auto"
    weights: str | Path | None = None
    high_band_gain_db: float = 0.0
    rate: OutputRate | None = None
    gain: OutputGain = 0.0
    jobs: int | None = None
    steps: int | None = None
    bank: str | Path | None = None
    index_rate: float | None = None

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, INFOS["mode"].choices)
        check_choice("engine", self.engine, OFFLINE_ENGINES)
        self._check_refinement()
        if self.engine == "cuda":
            self.batch_engine()
        check_parameters({"high_band_gain_db": self.high_band_gain_db})
        if self.high_band_gain_db != 0 and self.mode == "full" and not self.any_band:
            raise ParameterError("high_band_gain_db acts in mode='extend' alone: leave one out")
        rate, gain = self.rate, self.gain
        if not (rate is None or (isinstance(rate, str) and rate == "source")):
            low, high = _RATES_HZ
            if not (is_whole(rate) and low <= rate <= high):
                raise ParameterError(f"rate must be {low} .. {high} Hz or 'source', not {rate!r}")
            object.__setattr__(self, "rate", int(rate))
        if not (isinstance(gain, str) and gain == "auto"):
            if not (is_number(gain) and abs(gain) <= _GAIN_DB):
                msg = f"gain must be -{_GAIN_DB} .. {_GAIN_DB} dB or 'auto', not {gain!r}"
                raise ParameterError(msg)
            object.__setattr__(self, "gain", float(gain))

    def _check_refinement(self) -> None:
        if not self.refines:
            for name in ("steps", "bank", "index_rate"):
                if getattr(self, name) is not None:
                    wanted = "weights of --recipe studio" if name == "steps" else "model='studio'"
                    msg = f"{name} is for {wanted}: choose that, or leave {name} out"
                    raise ParameterError(msg)
            return
        if self.engine not in ("auto", "native"):
            msg = f"model='studio' is computed by engine='native' and PyTorch, not engine={self.engine!r}: leave it out"
            raise ParameterError(msg)
        if not self.generates:
            self._check_bank_alone()
        if self.steps is not None and not (is_whole(self.steps) and self.steps in STEPS):
            numbers = ", ".join(map(str, STEPS))
            raise ParameterError(f"steps must be one of {numbers}, not {self.steps!r}")
        if not (self.bank is None or (isinstance(self.bank, str | Path) and str(self.bank))):
            raise ParameterError(f"bank must be the path of a file, not {self.bank!r}")
        rate = self.index_rate
        if rate is not None and self.bank is None:
            raise ParameterError("index_rate is for a bank: give one, or leave it out")
        if self.bank is not None and rate is None:
            rate = _USUAL_INDEX_RATE
        if rate is not None:
            if not (is_number(rate) and 0 <= rate <= 1):
                raise ParameterError(f"index_rate must be from 0 to 1, not {rate!r}")
            object.__setattr__(self, "index_rate", float(rate))

    def _check_bank_alone(self) -> None:
        if self.steps is not None:
            raise ParameterError(
                "steps is for weights of --recipe studio, not for a bank alone: leave it out"
            )
        if self.bank is None:
            raise ParameterError(
                "model='studio' takes what is above the cut-off from a bank: make one of full-band recordings of the "
                "voice (novasr bank build) and give it as bank; without one use model='wide'"
            )

    @property
    def generates(self) -> bool:
        """Whether there are weights that generate levels, not a bank alone."""
        return self.refines and self.weights not in OFFLINE_FAMILIES

    def unused_bank(self, bandwidth_hz: float) -> list[str]:
        """Say of a recording if its band is too narrow to be looked up in a bank that is given."""
        if self.bank is None or not 0 < bandwidth_hz < LOWEST_CUTOFF_HZ:
            return []
        return [
            f"its band ends at {bandwidth_hz / 1000:.1f} kHz: below {LOWEST_CUTOFF_HZ / 1000:.1f} kHz nothing is "
            "looked up in the bank"
        ]

    @property
    def refines(self) -> bool:
        """Whether the model refines, tile by tile, what a stream of another one makes."""
        return refines(self.weights)

    def check_engine(self) -> None:
        """Raise what computing with these settings would raise.

        Raises
        ------
        WeightsError, BankError, StreamError
            If the weights or the bank cannot be read, or the engine cannot run here.
        """
        if self.refines:
            self.refiner()
        read_model(self.stream_engine, self.chain_weights).engine(threads=1, offline=True)

    def refiner(self) -> Refiner:
        """Give the model that refines, with these settings; errors as for :meth:`check_engine`."""
        if self.generates:
            network = read_network(self.weights, weights_stamp(self.weights))
            _check_f0(network.f0, self.weights)
        else:
            require_torch("studio")
            network = None
        from novasr.families.studio.refiner import Refiner

        return Refiner(
            network,
            steps=self.steps or 1,
            gain_db=self.high_band_gain_db,
            bank=None if self.bank is None else read_bank(self.bank, weights_stamp(self.bank)),
            index_rate=self.index_rate or 0.0,
        )

    @property
    def chain_weights(self) -> str | Path | None:
        """The weights of the stream."""
        return chain_weights(self.weights)

    @property
    def stream_engine(self) -> Engine:
        """The engine of a stream for the same weights, for what does not depend on who computes."""
        return "native" if self.engine == "cuda" else self.engine

    @property
    def format(self) -> EngineFormat:
        """What the engine is."""
        return engine_format(self.stream_engine, self.weights)

    def batch_engine(self) -> BatchEngine:
        """Give the engine on the GPU, which all recordings share.

        Raises
        ------
        ParameterError, WeightsError
            If it cannot compute these weights.
        StreamError
            If there is no GPU, or a package is missing.
        """
        from novasr.cuda.batch_engine import shared_engine

        return shared_engine(self.weights)

    @property
    def any_band(self) -> bool:
        """Whether the model adds what lies above the end of the source's band, wherever that is."""
        return self.format.adds_to_input

    def output_rate(self, sample_rate: int) -> int:
        """Give the rate of what a source of this rate becomes; both in Hz."""
        return sample_rate if self.rate == "source" else self.rate or DEFAULT_RATE_HZ


class Enhancement:
    """One recording.

    Parameters
    ----------
    source : Source
        What is read.
    settings : Settings
        What is to become of it.
    folder : Path
        Where samples may wait for their gain.
    bandwidth_hz : float, optional
        Where the band of the source ends, if that has been measured.
    leave : bool
        Keep the band as it is: only rate and gain change.
    progress : callable, optional
        See `enhance_file`.

    Attributes
    ----------
    output_rate : int
        Of the result in Hz.
    blocks : iterator of ndarray of float32, shape (frames, channels)
        The result.
    """

    def __init__(
        self,
        source: Source,
        settings: Settings,
        folder: Path,
        *,
        bandwidth_hz: float | None = None,
        leave: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.output_rate = settings.output_rate(source.sample_rate)
        engine = settings.format
        self._extends = engine.extends(self.output_rate)
        self._any_band = settings.any_band
        self._unused_bank = settings.unused_bank
        self._leave, self._sample_rate = leave, source.sample_rate
        self._measured = bandwidth_hz
        self._band = BandMeter(source.sample_rate)
        self._level = Gain(settings.gain, folder)
        self._output = OutputMeter()
        self._replaced = 0
        blocks = self._watched(source.blocks())
        band_hz = starting_band_hz(bandwidth_hz)
        made = blocks if leave else _extended(blocks, source, settings, band_hz)
        made_rate = source.sample_rate if leave else engine.output_rate
        made = resampled(made, made_rate, self.output_rate, source.channels)
        if progress is not None:
            made = self._reported(made, source, progress)
        made = self._level.apply(made, source.channels)
        self.blocks = self._output.watch(made)

    @property
    def bandwidth_hz(self) -> float:
        """Where the band of what was read ends; 0 for silence."""
        return self._band.bandwidth_hz if self._measured is None else self._measured

    @property
    def gain_db(self) -> float:
        """Gain that was applied."""
        return self._level.gain_db

    @property
    def replaced(self) -> int:
        """NaN and infinite samples that became zero."""
        return self._replaced

    @property
    def peak(self) -> float:
        """Largest magnitude of the result."""
        return self._output.peak

    @property
    def beyond_full_scale(self) -> int:
        """Samples of the result beyond full scale."""
        return self._output.beyond_full_scale

    @property
    def verdict(self) -> Verdict:
        """What the band of what was read means for this model."""
        return judge_band(self.bandwidth_hz, self._sample_rate, any_band=self._any_band)

    @property
    def warnings(self) -> list[str]:
        """What the result lacks."""
        verdict = self.verdict
        if self._leave:
            return [f"{verdict.text}; stored as it is (--force extends it all the same)"]
        found = [verdict.text] if verdict.kind == "narrow" else []
        found += self._unused_bank(self.bandwidth_hz)
        if not self._extends:
            found.append(
                f"at {self.output_rate} Hz nothing is left of what the model adds: choose another --rate"
            )
        return found

    def _watched(self, blocks: Iterator[FloatArray]) -> Iterator[FloatArray]:
        for block in blocks:
            if self._measured is None:
                self._band.add(block)
            finite = np.isfinite(block)
            bad = block.size - int(np.count_nonzero(finite))
            self._replaced += bad
            yield np.where(finite, block, np.float32(0)) if bad else block

    def _reported(
        self, made: Iterator[FloatArray], source: Source, progress: Progress
    ) -> Iterator[FloatArray]:
        done = 0
        for block in made:
            yield block
            done += len(block)
            seconds = done / self.output_rate
            progress(seconds, max(seconds, source.seconds))


@lru_cache(maxsize=2)
def read_network(weights: str | Path | None, stamp: tuple[int, int] | None) -> StudioNetwork:
    """Read the network of weights that refine; errors as for :func:`novasr.load_model`."""
    return cast("StudioNetwork", load_model(weights))


def _check_f0(method: str, weights: str | Path | None) -> None:
    """Raise what tracking F0 as these weights want it would raise in the middle of the work."""
    if method == "none":
        return
    if method not in METHODS:
        raise WeightsError(
            f"weights {str(weights)!r}: track F0 by {method!r}, which novasr.f0 does not know"
        )
    track(np.zeros(1_000, np.float32), _RATES_HZ[0], method=method)


@lru_cache(maxsize=2)
def read_bank(path: str | Path, stamp: tuple[int, int] | None) -> Bank:
    """Read a bank; errors as for :meth:`novasr.retrieval.Bank.load`."""
    from novasr.retrieval import Bank

    return Bank.load(path)


def starting_band_hz(bandwidth_hz: float | None) -> float | None:
    """Give the `source_band_hz` of a stream for a measured bandwidth; None if there is nothing to go by."""
    return bandwidth_hz if bandwidth_hz and bandwidth_hz >= _LEAST_BAND_HZ else None


def _extended(
    blocks: Iterator[FloatArray], source: Source, settings: Settings, band_hz: float | None
) -> Iterator[FloatArray]:
    workers = core_count() if settings.jobs is None else settings.jobs
    make_stream = partial(open_stream, source, settings, band_hz)
    if settings.engine == "cuda" or settings.refines:
        return make_stream().aligned(blocks)
    whole = uses_torch(settings.engine, settings.weights) or not settings.format.forgets
    if workers == 1 or whole:
        return make_stream().aligned(blocks)
    return enhanced_in_parallel(blocks, cast("Callable[[], Stream]", make_stream), workers)


def open_stream(
    source: Source, settings: Settings, band_hz: float | None = None
) -> Stream | RefinedStream:
    """Make the stream that extends `source`, or raise what it cannot do, with the name of the file."""
    try:
        return new_stream(source.sample_rate, source.channels, settings, band_hz)
    except AudioFormatError as error:
        raise AudioFormatError(f"{source.path}: {error}") from error


def new_stream(
    sample_rate: int, channels: int, settings: Settings, band_hz: float | None
) -> Stream | RefinedStream:
    """Make the stream that extends a recording; of one on a GPU, only `aligned` may be called."""
    sound: dict[str, Any] = {
        "output_rate": settings.format.output_rate,
        "mode": settings.mode,
        "high_band_gain_db": settings.high_band_gain_db,
        "source_band_hz": band_hz,
    }
    if settings.engine == "cuda":
        from novasr.cuda.chain import RelayStream

        engine = settings.batch_engine()
        return RelayStream(engine, sample_rate, channels, jobs=settings.jobs, **sound)
    if settings.refines:
        sound["high_band_gain_db"] = 0.0  # the refiner's part
    stream = Stream(
        sample_rate,
        channels,
        engine=settings.stream_engine,
        weights=settings.chain_weights,
        offline=True,
        **sound,
    )
    if not settings.refines:
        return stream
    jobs = core_count() if settings.jobs is None else settings.jobs
    return RefinedStream(stream, settings.refiner(), jobs)
