"""Which engine computes the network."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, get_args

from novasr import _native
from novasr.checks import check_choice, usable_path
from novasr.errors import ParameterError, StreamError, WeightsError
from novasr.families import OFFLINE_FAMILIES
from novasr.native_errors import NativeErrors
from novasr.types import Engine, OfflineEngine
from novasr.weights.export import torchscript_bytes
from novasr.weights.load import load_weights
from novasr.weights.torch_runtime import require_torch_engine

if TYPE_CHECKING:
    from novasr.types import FloatArray

ENGINES: tuple[str, ...] = get_args(Engine)
OFFLINE_ENGINES: tuple[str, ...] = get_args(OfflineEngine)

WHOLE_RECORDINGS = "refines whole recordings, not streams: for novasr.enhance, novasr.enhance_file and novasr enhance"
_CHAIN_OF_OFFLINE_FAMILIES = {"studio": "wide"}

_one_at_a_time = threading.Lock()  # torch.jit.script is not thread-safe


@dataclass(frozen=True)
class EngineFormat:
    """What an engine is for its whole life.

    Attributes
    ----------
    input_rate, output_rate : int
        In Hz; the second is a whole multiple of the first.
    hop_frames : int
        Input frames computed together.
    memory_frames : int
        Input frames after which nothing of the past is heard.
    band_hz : float
        Where the input that the model uses ends.
    linked_channels : bool
        A channel's output depends on the other channels' input.
    forgets : bool
        No input before `memory_frames` affects the output at all: streams may be spliced.
    adds_to_input : bool
        The output is what the model adds; the chain sums it with the input.
    """

    input_rate: int
    output_rate: int
    hop_frames: int
    memory_frames: int
    band_hz: float
    linked_channels: bool
    forgets: bool
    adds_to_input: bool

    @classmethod
    def of(cls, engine: _native.Engine) -> EngineFormat:
        """Read it from an engine that no stream owns yet."""
        return cls(**{field.name: getattr(engine, field.name) for field in fields(cls)})

    def extends(self, rate: int) -> bool:
        """Tell whether audio of this rate has a band above `band_hz` for the model to fill."""
        return rate > 2 * self.band_hz


@dataclass(frozen=True)
class Model:
    """What an engine computes, read once: its copies need no file.

    Attributes
    ----------
    label : str
        The weights as they were named, for errors.
    content : ndarray or bytes
        Values for the native engine, or TorchScript for LibTorch.
    family : str
        Architecture of the values; empty for TorchScript.
    """

    label: str
    content: FloatArray | bytes
    family: str = ""

    def engine(self, *, threads: int, offline: bool) -> _native.Engine:
        """Build an engine for one stream; parameters and errors as for :func:`make_engine`."""
        if isinstance(self.content, bytes):
            library = require_torch_engine()
            with NativeErrors():
                return _native.torch_engine(self.content, threads=threads, library=str(library))
        with NativeErrors(StreamError, WeightsError, f"weights {self.label!r}: "):
            return self._prepared.engine(offline=offline)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy what was read, not what the engines of this process share."""
        return Model, (self.label, self.content, self.family)

    @cached_property
    def _prepared(self) -> _native.NativeModel:
        """Weights as the engines use them: making them takes longer than a short recording does."""
        assert not isinstance(self.content, bytes)
        return _native.NativeModel(self.content, family=self.family)


def read_model(name: str, weights: str | Path | None) -> Model:
    """Read what the engine of that name computes; parameters and errors as for :func:`make_engine`."""
    check_stream_engine(name)
    if name == "native" and is_script(weights):
        msg = f"engine='native' takes weights, not TorchScript ({weights}); use engine='torch'"
        raise ParameterError(msg)
    if refines(weights):
        raise ParameterError(f"the model of the weights {str(weights)!r} {WHOLE_RECORDINGS}")
    if not uses_torch(name, weights):
        return _native_model(weights, weights_stamp(weights))
    require_torch_engine()
    with _one_at_a_time:
        return Model(str(weights), _script(weights, weights_stamp(weights)))


def check_stream_engine(name: object) -> None:
    """Raise ParameterError unless an engine of that name can run in a stream."""
    if name == "cuda":
        msg = (
            "engine='cuda' computes whole recordings, many at once, not streams: novasr.enhance, "
            "novasr.enhance_file and novasr.cuda.BatchEngine take it; here use engine='native'"
        )
        raise ParameterError(msg)
    check_choice("engine", name, ENGINES)


def engine_format(name: str, weights: str | Path | None) -> EngineFormat:
    """Tell what the engine for these weights is; parameters and errors as for :func:`make_engine`.

    Of weights that refine recordings it is the engine of the model that they follow.
    """
    weights = chain_weights(weights)
    return _format(name, weights, weights_stamp(weights))


def make_engine(
    name: str, weights: str | Path | None, *, threads: int, offline: bool
) -> _native.Engine:
    """Build an engine for one stream.

    Parameters
    ----------
    name : {"auto", "native", "torch"}
        ``"auto"`` takes the native engine for weights of our architecture and LibTorch for a ``.ts`` file.
    weights : str or path, optional
        As for :func:`novasr.load_model`, or a ``.ts`` file.
    threads : int
        LibTorch threads; the native engine uses the calling thread alone.
    offline : bool
        Favour throughput over latency.

    Raises
    ------
    ParameterError
        If there is no such engine.
    StreamError, WeightsError
        If it cannot run here, or not with these weights.
    """
    return read_model(name, weights).engine(threads=threads, offline=offline)


def instruction_set() -> str:
    """Name the instruction set that the native engine uses: the best here, or what NOVASR_ISA allows.

    Raises
    ------
    StreamError
        If NOVASR_ISA names none that is available.
    """
    with NativeErrors(config=StreamError):
        return _native.available_isas()[-1]


def family_of(weights: str | Path | None) -> str:
    """Name the model family of weights, which are no script.

    Raises
    ------
    WeightsError
        If they cannot be read.
    """
    return _native_model(weights, weights_stamp(weights)).family


def refines(weights: str | Path | None) -> bool:
    """Tell whether weights, or a model's name, refine whole recordings; errors as for :func:`family_of`."""
    return not is_script(weights) and _family(weights) in OFFLINE_FAMILIES


def chain_weights(weights: str | Path | None) -> str | Path | None:
    """Give the weights of the stream that refining ones follow, or the same; errors as for :func:`family_of`."""
    return _CHAIN_OF_OFFLINE_FAMILIES[_family(weights)] if refines(weights) else weights


def uses_torch(name: str, weights: str | Path | None) -> bool:
    """Tell whether LibTorch would compute; it is not bit-exact from one block length to another."""
    return name == "torch" or is_script(weights)


def is_script(weights: str | Path | None) -> bool:
    """Tell a TorchScript file, which takes the place of weights, by its name."""
    return weights is not None and Path(weights).suffix.lower() == ".ts"


def weights_stamp(weights: str | Path | None) -> tuple[int, int] | None:
    """Tell one state of a weights file from another; None if it is no file."""
    if weights is None:
        return None
    try:
        status = Path(weights).stat()
    except (OSError, ValueError):  # a name that no file can have
        return None
    return (status.st_mtime_ns, status.st_size) if S_ISREG(status.st_mode) else None


def _family(weights: str | Path | None) -> str:
    """Name the family of weights; that of an offline one without any is its name."""
    return str(weights) if weights in OFFLINE_FAMILIES else family_of(weights)


@lru_cache(maxsize=8)
def _format(name: str, weights: str | Path | None, stamp: tuple[int, int] | None) -> EngineFormat:
    return EngineFormat.of(make_engine(name, weights, threads=1, offline=True))


@lru_cache(maxsize=8)
def _native_model(weights: str | Path | None, stamp: tuple[int, int] | None) -> Model:
    loaded = load_weights(weights)
    return Model(str(weights), loaded.values(), loaded.family)


@lru_cache(maxsize=8)
def _script(weights: str | Path | None, stamp: tuple[int, int] | None) -> bytes:
    if weights is None or not is_script(weights):
        return torchscript_bytes(weights)
    path = usable_path(weights)
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"weights {str(weights)!r}: {error.strerror}"
        raise WeightsError(msg) from error


def on_worker(engine: _native.Engine) -> _native.Engine:
    """Move an engine to a thread of its own, for use on an audio thread.

    It is called for 10 ms at a time, and has as long to run as the largest piece that the chain passes
    on at once lasts, 31 ms.
    """
    rate = engine.input_rate
    return _native.worker_engine(engine, hop_frames=rate // 100, headroom_frames=rate // 32)
