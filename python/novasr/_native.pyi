"""Types of the C++ extension."""

from typing import Any, ClassVar, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

torch_version: str | None

class CoreError(RuntimeError): ...
class ConfigError(ValueError): ...
class ModelError(RuntimeError): ...

class Engine:
    @property
    def input_rate(self) -> int: ...
    @property
    def output_rate(self) -> int: ...
    @property
    def hop_frames(self) -> int: ...
    @property
    def memory_frames(self) -> int: ...
    @property
    def band_hz(self) -> float: ...
    @property
    def linked_channels(self) -> bool: ...
    @property
    def adds_to_input(self) -> bool: ...

class Family(TypedDict):
    name: str
    prefix: str
    tensors: dict[str, tuple[int, ...]]

def families() -> list[Family]: ...
def native_engine(
    values: NDArray[np.float32],
    *,
    family: str,
    offline: bool,
    isa: str | None = None,
    cutoff_hz: float | None = None,
) -> Engine: ...
def torch_engine(torchscript: bytes, *, threads: int) -> Engine: ...
def worker_engine(inner: Engine, *, hop_frames: int, headroom_frames: int) -> Engine: ...
def available_isas() -> list[str]: ...

class Mode:
    extend: ClassVar[Mode]
    full: ClassVar[Mode]

class FrontEnd:
    clean: ClassVar[FrontEnd]
    reference: ClassVar[FrontEnd]

class Parameters:
    mode: Mode
    front_end: FrontEnd
    crossover_hz: float
    mix: float
    high_band_gain_db: float
    output_gain_db: float
    bypass: bool

#: id, name, unit, lowest, highest and initial value, names of the values
def parameter_infos() -> list[tuple[str, str, str, float, float, float, list[str]]]: ...
def check_parameters(parameters: Parameters, *, low_latency: bool) -> None: ...

class Stream:
    def __init__(
        self,
        engine: Engine,
        *,
        sample_rate: int,
        output_rate: int,
        channels: int,
        low_latency: bool,
    ) -> None: ...
    def process(self, audio: NDArray[np.float32]) -> NDArray[np.float32]: ...
    def flush(self) -> NDArray[np.float32]: ...
    def reset(self) -> None: ...
    def set_parameters(self, parameters: Parameters) -> None: ...
    @property
    def latency(self) -> int: ...
    @property
    def stats(self) -> dict[str, Any]: ...

def band_end_hz(power: NDArray[np.float64], hz_per_line: float) -> float: ...
def judge_band(
    bandwidth_hz: float, sample_rate_hz: float, any_band: bool = False
) -> tuple[Literal["extend", "leave", "narrow", "silent"], str]: ...
def may_be_full_band(sample_rate_hz: float, any_band: bool = False) -> bool: ...

duplex_callback: int
capture_callback: int
play_callback: int

class LiveBridge:
    def __init__(
        self,
        engine: Engine,
        *,
        input_rate: int,
        output_rate: int,
        input_channels: int,
        output_channels: int,
        block_frames: int,
        two_clocks: bool,
        low_latency: bool,
        record: bool,
    ) -> None: ...
    @property
    def address(self) -> int: ...
    def set_parameters(self, parameters: Parameters) -> None: ...
    def stats(self) -> dict[str, Any]: ...
    @property
    def latency_frames(self) -> float: ...
    @property
    def chain_latency_frames(self) -> int: ...
    @property
    def processed_rate(self) -> int: ...
    @property
    def processed_channels(self) -> int: ...
    def read_before(self, limit: int) -> NDArray[np.float32]: ...
    def read_after(self, limit: int) -> NDArray[np.float32]: ...
    def read_recording(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...

def network_forward(
    values: list[NDArray[np.float32]], audio: NDArray[np.float32], *, threads: int
) -> NDArray[np.float32]: ...
def network_backward(
    values: list[NDArray[np.float32]],
    audio: NDArray[np.float32],
    output_gradient: NDArray[np.float32],
    *,
    threads: int,
) -> list[NDArray[np.float32]]: ...
