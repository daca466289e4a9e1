"""Speed and memory of the engines against the plain PyTorch network, measured in one run."""

from __future__ import annotations

import importlib.util
import itertools
import math
import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

import novasr
from novasr.checks import check_choice
from novasr.engines import engine_format, instruction_set, is_script
from novasr.errors import MissingPackageError, ParameterError, StreamError, install_command
from novasr.models import MODELS
from novasr.weights.torch_runtime import find_torch_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from novasr.types import FloatArray, ModelName

ENGINES = ("native", "torch")
PLAIN = "plain"
BLOCKS_MS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
SECONDS = (1.0, 10.0, 60.0, 600.0)
_FEWEST_FRAMES = 2  # of a block
_WARM_UP_BLOCKS = 50
_MOST_BLOCKS = 100_000
_MOST_REPEATS = 9
_MODEL_SECONDS = 10.0
_MODEL_BLOCK_MS = 10.0
_NOISE_TOP_HZ = 7_000.0
_NOISE_SECONDS = 0.1
_PLAIN_BYTES_PER_SECOND = 60e6  # measured: what the network holds for a second of audio


@dataclass(frozen=True)
class BlockFigure:
    """The time that one call takes, over many blocks of a stream.

    Attributes
    ----------
    engine : str
        An engine of :class:`novasr.Stream`, or ``"plain"``: the PyTorch network on the block alone,
        without state from the block before.
    block_ms : float
        Length of a block in milliseconds.
    n : int
        Blocks measured.
    p50_us, p99_us, p999_us, max_us : float
        Quantiles of the time of a call, in microseconds.
    speed : float
        Block length over median time: times real time.
    """

    engine: str
    block_ms: float
    n: int
    p50_us: float
    p99_us: float
    p999_us: float
    max_us: float
    speed: float


@dataclass(frozen=True)
class FileFigure:
    """The time and memory that a whole recording takes.

    Attributes
    ----------
    engine : str
        An engine of :class:`novasr.Stream`, fed a second at a time, or ``"plain"``: the PyTorch
        network on the whole signal at once.
    seconds : float
        Length of the recording.
    n : int
        Repetitions measured.
    elapsed : float
        Median time in seconds.
    speed : float
        Times real time.
    peak_rss_mb : float
        Largest resident memory in 10^6 bytes, above that after the imports.
    ratio_to_plain : float or None
        Speed over that of ``"plain"`` in the same run, if it was measured.
    """

    engine: str
    seconds: float
    n: int
    elapsed: float
    speed: float
    peak_rss_mb: float
    ratio_to_plain: float | None = None


@dataclass(frozen=True)
class ModelFigure:
    """What a model takes of one core, with the defaults of :class:`novasr.Stream`.

    Attributes
    ----------
    engine : str
        ``"native"``, ``"torch"`` for TorchScript, or ``"soxr"``.
    speed : float
        Times real time, for a file of 10 s at the low rate of the default network.
    latency_ms : float or None
        Of a stream at the output rate.
    block_ms : float
        Length of a block of that stream.
    p50_us, p99_us : float or None
        Quantiles of the time that a block takes, in microseconds.
    memory_mb : float
        Largest resident memory in 10^6 bytes, above that after the imports.
    """

    engine: str
    speed: float
    latency_ms: float | None
    block_ms: float
    p50_us: float | None
    p99_us: float | None
    memory_mb: float


def conditions(threads: int = 1) -> dict[str, Any]:
    """Describe the conditions of a measurement.

    Parameters
    ----------
    threads : int
        LibTorch and PyTorch threads.

    Returns
    -------
    dict
        Processor, cores, the native engine's instruction set, threads, precision, the load of the
        last minute, and versions; ``torch`` is None if PyTorch is missing.
    """
    return {
        "cpu": _proc("cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "isa": instruction_set(),
        "threads": threads,
        "precision": "float32",
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "novasr": novasr.__version__,
        "numpy": np.__version__,
        "torch": metadata.version("torch") if _has_torch() else None,
    }


def default_engines(model: ModelName = "base") -> tuple[str, ...]:
    """List the engines that can run a model here.

    Parameters
    ----------
    model : {"base", "wide"}
        What they are to run.

    Returns
    -------
    tuple of str
        ``"native"``, and ``"torch"`` where PyTorch and the LibTorch engine are installed and the model has a
        TorchScript form.
    """
    scripted = not engine_format("native", model).adds_to_input
    return ENGINES if scripted and _has_torch() and find_torch_engine() else ENGINES[:1]


def run(
    engines: Sequence[str] | None = None,
    *,
    model: ModelName = "base",
    blocks_ms: Sequence[float] = BLOCKS_MS,
    seconds: Sequence[float] = SECONDS,
    threads: int = 1,
    budget: float = 2.0,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure engines and the plain network, each case in a process of its own.

    Parameters
    ----------
    engines : sequence of {"native", "torch"}, optional
        By default :func:`default_engines`.
    model : {"base", "wide"}
        What they run, on noise up to 7 kHz at the rate of the network's input.
    blocks_ms : sequence of float
        Lengths of the blocks of a stream in milliseconds, at least 2 frames of the network's input.
    seconds : sequence of float
        Lengths of the whole recordings in seconds, at least 0.01.
    threads : int
        LibTorch and PyTorch threads; the native engine uses one.
    budget : float
        Seconds for which a case is repeated.
    report : callable
        Called with a description of each measurement.

    Returns
    -------
    dict
        ``conditions``; ``blocks``, a list of :class:`BlockFigure` as dict; ``files``, a list of
        :class:`FileFigure` as dict; ``left_out``, a list of skipped measurements and their reasons.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    StreamError
        If an engine cannot run here; MissingPackageError if it needs PyTorch.
    """
    check_choice("model", model, MODELS)
    engines = default_engines(model) if engines is None else engines
    _check(engines, model, blocks_ms, seconds)
    require_linux()
    figures: dict[str, Any] = {
        "conditions": {"model": model, **conditions(threads)},
        "blocks": [],
        "files": [],
    }
    left_out: list[str] = []
    if not _has_torch():
        left_out.append(f"torch and plain need PyTorch: {install_command('torch')}")
    systems = (*engines, PLAIN) if _has_torch() else tuple(engines)

    for block_ms in blocks_ms:
        for system in systems:
            report(f"{system}: blocks of {block_ms:g} ms")
            block_figure = _in_child(_measure_blocks, system, block_ms, model, threads, budget)
            figures["blocks"].append(asdict(block_figure))
    for length in seconds:
        row: list[FileFigure] = []
        for system in systems:
            wanted, free = length * _PLAIN_BYTES_PER_SECOND, _free_bytes()
            if system == PLAIN and wanted > free:
                left_out.append(
                    f"plain, {length:g} s: needs about {wanted / 1e9:.0f} GB of memory, "
                    f"{free / 1e9:.0f} GB are free"
                )
                continue
            report(f"{system}: {length:g} s")
            row.append(_in_child(_measure_file, system, length, model, threads, budget))
        plain = next((figure.speed for figure in row if figure.engine == PLAIN), None)
        for figure in row:
            ratio = figure.speed / plain if plain else None
            figures["files"].append(asdict(figure) | {"ratio_to_plain": ratio})
    return figures | {"left_out": left_out}


def require_linux() -> None:
    """Fail early where nothing can be measured.

    Raises
    ------
    StreamError
        If the system is another one.
    """
    if sys.platform != "linux":
        raise StreamError("the benchmark reads memory from /proc, so it runs on Linux only")


def measure_model(name: str, weights: str | Path | None, *, budget: float = 2.0) -> ModelFigure:
    """Measure a network in the native engine, or TorchScript in LibTorch, in a process of its own.

    The input is noise to 7 kHz, so that a network of any band has a band to add.

    Parameters
    ----------
    name : str
        For errors.
    weights : str or Path, optional
        As for :class:`novasr.Stream`.
    budget : float
        Seconds for which a case is repeated.

    Returns
    -------
    ModelFigure
        Of a file and of a stream.

    Raises
    ------
    WeightsError
        If the weights cannot be read.
    StreamError
        If they cannot run here, or the process died.
    """
    return cast(ModelFigure, _in_child(_measure_model, name, _MODEL_SECONDS, weights, budget))


def measure_resampler(name: str, *, budget: float = 2.0) -> ModelFigure:
    """Measure soxr's VHQ from the default network's low rate to its high one, in a process of its own.

    Parameters
    ----------
    name : str
        For errors.
    budget : float
        Seconds for which it is repeated.

    Returns
    -------
    ModelFigure
        Of a file alone: there is no stream with a constant latency.

    Raises
    ------
    StreamError
        If the process died.
    """
    return cast(ModelFigure, _in_child(_measure_resampler, name, _MODEL_SECONDS, budget))


def _measure_model(
    name: str, seconds: float, weights: str | Path | None, budget: float
) -> ModelFigure:
    low_hz, high_hz = _rate_hz(), _output_rate_hz()
    before = _reset_peak_rss()
    whole = novasr.Stream(low_hz, output_rate=high_hz, weights=weights, offline=True)
    elapsed = _elapsed(_second_by_second(whole), _banded_noise(seconds, low_hz), budget)
    live = novasr.Stream(high_hz, weights=weights)
    blocks = _blocks_of_noise(_MODEL_BLOCK_MS, high_hz)
    times = _block_times(live.process, blocks, round(1000 / _MODEL_BLOCK_MS), budget)
    p50, p99 = (float(x) for x in np.percentile(times, [50, 99]))
    memory = _peak_mb_above(before)
    latency_ms = 1000 * live.latency / high_hz
    engine = "torch" if is_script(weights) else "native"
    return ModelFigure(engine, seconds / elapsed, latency_ms, _MODEL_BLOCK_MS, p50, p99, memory)


def _measure_resampler(name: str, seconds: float, budget: float) -> ModelFigure:
    import soxr

    low_hz, high_hz = _rate_hz(), _output_rate_hz()
    before = _reset_peak_rss()
    audio = _banded_noise(seconds, low_hz)
    elapsed = _elapsed(lambda audio: soxr.resample(audio, low_hz, high_hz, "VHQ"), audio, budget)
    memory = _peak_mb_above(before)
    return ModelFigure("soxr", seconds / elapsed, None, _MODEL_BLOCK_MS, None, None, memory)


def _banded_noise(seconds: float, rate_hz: int) -> FloatArray:
    """Draw noise up to 7 kHz that repeats without a seam."""
    noise = _noise(round(seconds * rate_hz))
    spectrum = np.fft.rfft(noise)
    spectrum[round(_NOISE_TOP_HZ * seconds) :] = 0
    return np.fft.irfft(spectrum, len(noise)).astype(np.float32)


def _blocks_of_noise(block_ms: float, rate_hz: int) -> FloatArray:
    """Cut noise into blocks, shape (blocks, frames): together long enough for noise below 7 kHz."""
    frames = round(block_ms / 1000 * rate_hz)
    count = math.ceil(_NOISE_SECONDS * rate_hz / frames)
    return _banded_noise(count * frames / rate_hz, rate_hz).reshape(count, frames)


def _check(
    engines: Sequence[str], model: ModelName, blocks_ms: Sequence[float], seconds: Sequence[float]
) -> None:
    for engine in engines:
        check_choice("engine", engine, ENGINES)
        if engine in default_engines("base") and engine not in default_engines(model):
            raise ParameterError(f"engine {engine!r} cannot run the model {model!r}: use 'native'")
        if engine not in default_engines(model):
            msg = f"engine 'torch' is not installed: {install_command('torch')}"
            raise MissingPackageError(msg)
    shortest_ms = 1000 * _FEWEST_FRAMES / _rate_hz(model)
    for name, values, least in (("blocks", blocks_ms, shortest_ms), ("seconds", seconds, 0.01)):
        for value in values:
            if not least <= value < float("inf"):
                msg = f"{name}: at least {least:g}, not {value:g}"
                raise ParameterError(msg)


def _measure_blocks(
    system: str, block_ms: float, model: ModelName, threads: int, budget: float
) -> BlockFigure:
    plain = system == PLAIN
    process = _plain(model, threads) if plain else _stream(system, model, threads).process
    blocks = _blocks_of_noise(block_ms, _rate_hz(model))
    times = _block_times(process, blocks, _WARM_UP_BLOCKS, budget)
    p50, p99, p999, worst = (float(x) for x in np.percentile(times, [50, 99, 99.9, 100]))
    return BlockFigure(system, block_ms, len(times), p50, p99, p999, worst, block_ms * 1000 / p50)


def _measure_file(
    system: str, seconds: float, model: ModelName, threads: int, budget: float
) -> FileFigure:
    if system != "native":
        import torch  # noqa: F401  its memory is not the network's
    rate_hz = _rate_hz(model)
    audio = _banded_noise(seconds, rate_hz)
    before = _reset_peak_rss()
    stream = None if system == PLAIN else _stream(system, model, threads, offline=True)
    work = _plain(model, threads) if stream is None else _second_by_second(stream)
    work(audio[:rate_hz])
    times = _times(work, audio, budget)
    elapsed = float(np.median(times))
    peak = _peak_mb_above(before)
    return FileFigure(system, seconds, len(times), elapsed, seconds / elapsed, peak)


def _block_times(
    process: Callable[[FloatArray], object], blocks: FloatArray, warm_up: int, budget: float
) -> list[float]:
    """Time blocks again and again, in microseconds."""
    endless = itertools.cycle(blocks)
    for block in itertools.islice(endless, warm_up):
        process(block)
    times: list[float] = []
    end = time.perf_counter() + budget
    while not times or (time.perf_counter() < end and len(times) < _MOST_BLOCKS):
        block = next(endless)
        start = time.perf_counter_ns()
        process(block)
        times.append((time.perf_counter_ns() - start) / 1000)
    return times


def _times(work: Callable[[FloatArray], object], audio: FloatArray, budget: float) -> list[float]:
    """Time a whole recording again and again, in seconds."""
    times: list[float] = []
    while not times or (sum(times) < budget and len(times) < _MOST_REPEATS):
        start = time.perf_counter()
        work(audio)
        times.append(time.perf_counter() - start)
    return times


def _elapsed(work: Callable[[FloatArray], object], audio: FloatArray, budget: float) -> float:
    work(audio)
    return float(np.median(_times(work, audio, budget)))


def _second_by_second(stream: novasr.Stream) -> Callable[[FloatArray], object]:
    rate_hz = stream.sample_rate

    def work(audio: FloatArray) -> None:
        stream.reset()
        for start in range(0, len(audio), rate_hz):
            stream.process(audio[start : start + rate_hz])
        stream.flush()

    return work


def _stream(engine: str, model: ModelName, threads: int, *, offline: bool = False) -> novasr.Stream:
    """Make the shortest chain: for a network that replaces its input, the network alone."""
    replaces = not engine_format("native", model).adds_to_input
    alone: dict[str, Any] = {"mode": "full", "front_end": "reference", "low_latency": True}
    return novasr.Stream(
        _rate_hz(model),
        model=model,
        engine=engine,  # type: ignore[arg-type]
        offline=offline,
        threads=threads,
        **(alone if replaces else {}),
    )


def _plain(model: ModelName, threads: int) -> Callable[[FloatArray], object]:
    import torch

    from novasr.families import in_torch
    from novasr.families.torch_family import plain_forward
    from novasr.weights.load import PACKAGED_WEIGHTS

    torch.set_num_threads(threads)
    network = novasr.load_model(model)
    family = in_torch(PACKAGED_WEIGHTS[model].family)
    forward = getattr(family, "training_forward", plain_forward)
    cutoff_hz = torch.full((1,), _NOISE_TOP_HZ)

    def process(audio: FloatArray) -> object:
        with torch.inference_mode():
            return forward(network, torch.from_numpy(audio)[None, None], cutoff_hz).numpy()

    return process


def _rate_hz(model: ModelName = "base") -> int:
    """Give the rate of a network's input."""
    return engine_format("native", model).input_rate


def _output_rate_hz() -> int:
    return engine_format("native", None).output_rate


def _noise(frames: int) -> FloatArray:
    return 0.1 * np.random.default_rng(0).standard_normal(frames, dtype=np.float32)


def _in_child(case: Callable[..., Any], *arguments: object) -> Any:
    """Run in a fresh process, so that one case's memory and threads are not another's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(case, *arguments).result()
        except BrokenProcessPool as error:
            system, length, *_ = arguments
            msg = f"{system}, {length:g}: the process was killed, perhaps for lack of memory"
            raise StreamError(msg) from error


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _reset_peak_rss() -> float:
    """Reset the peak of resident memory to its present size, and return that in kB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _kilobytes("self/status", "VmHWM")


def _peak_mb_above(kilobytes: float) -> float:
    return (_kilobytes("self/status", "VmHWM") - kilobytes) / 1e3


def _free_bytes() -> float:
    return 1000 * _kilobytes("meminfo", "MemAvailable")


def _kilobytes(file: str, key: str) -> float:
    return 1.024 * int(_proc(file, key).removesuffix("kB"))


def _proc(file: str, key: str) -> str:
    """Look up a line such as ``VmHWM:  1234 kB`` of a file in ``/proc``."""
    for line in Path("/proc", file).read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""
