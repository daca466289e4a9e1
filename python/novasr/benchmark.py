"""Speed and memory of the engines against the plain PyTorch network, measured in one run."""

from __future__ import annotations

import multiprocessing
import os
import platform
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import novasr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

RATE = 16_000
BLOCKS_MS = (1, 2, 5, 10, 20)
SECONDS = (1, 10, 60, 600)
_BLOCKS = 1500
_WARM_UP_BLOCKS = 50
_PLAIN_BYTES_PER_SECOND = (
    40e6  # measured: what the whole-signal network holds for a second of audio
)


@dataclass(frozen=True)
class StreamingFigure:
    """Time of one call, in microseconds, over many blocks; speed is relative to real time."""

    engine: str
    block_ms: float
    p50_us: float
    p99_us: float
    max_us: float
    speed: float


@dataclass(frozen=True)
class WholeFigure:
    """A whole recording; `peak_rss_mb` is what the process grew by above its imports."""

    engine: str
    seconds: float
    elapsed: float
    speed: float
    peak_rss_mb: float


def conditions(threads: int) -> dict[str, Any]:
    """Tell what the figures depend on: processor, versions, threads, precision."""
    import torch

    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": threads,
        "precision": "float32",
        "python": platform.python_version(),
        "novasr": novasr.__version__,
        "torch": torch.__version__,
    }


def run(
    engines: tuple[str, ...],
    *,
    seconds: tuple[float, ...] = SECONDS,
    threads: int = 1,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure engines and the plain network.

    Parameters
    ----------
    engines : tuple of str
        Engines of :class:`novasr.Stream`.
    seconds : tuple of float
        Lengths of the whole recordings.
    threads : int
        LibTorch and PyTorch threads.
    report : callable
        Told what is being measured.

    Returns
    -------
    dict
        ``conditions``, ``streaming`` (list of :class:`StreamingFigure` as dict) and ``whole``
        (list of :class:`WholeFigure` as dict); ``plain`` is the PyTorch network itself.
    """
    systems = (*engines, "plain")
    streaming = []
    for engine in systems:
        for block_ms in BLOCKS_MS:
            report(f"{engine}: blocks of {block_ms} ms")
            streaming.append(_in_child(_streaming_case, engine, block_ms, threads))
    whole = []
    for length in seconds:
        for engine in systems:
            if engine == "plain" and length * _PLAIN_BYTES_PER_SECOND > _free_memory():
                report(f"plain: {length:g} s would not fit into memory, left out")
                continue
            report(f"{engine}: {length:g} s")
            whole.append(_in_child(_whole_case, engine, length, threads))
    return {
        "conditions": conditions(threads),
        "streaming": [asdict(figure) for figure in streaming],
        "whole": [asdict(figure) for figure in whole],
    }


def _streaming_case(engine: str, block_ms: float, threads: int) -> StreamingFigure:
    frames = round(RATE * block_ms / 1000)
    process = _plain(threads) if engine == "plain" else _stream(engine, threads).process
    block = _noise(frames)
    times = []
    for _ in range(_BLOCKS):
        start = time.perf_counter_ns()
        process(block)
        times.append((time.perf_counter_ns() - start) / 1000)
    p50, p99, worst = np.percentile(times[_WARM_UP_BLOCKS:], [50, 99, 100])
    speed = block_ms * 1000 / p50
    return StreamingFigure(engine, block_ms, float(p50), float(p99), float(worst), float(speed))


def _whole_case(engine: str, seconds: float, threads: int) -> WholeFigure:
    plain = _plain(threads) if engine == "plain" else None
    audio = _noise(round(seconds * RATE))
    before = _peak_rss()
    repeats = 3 if seconds < 30 else 1
    elapsed = min(_timed(plain, engine, audio, threads) for _ in range(repeats))
    return WholeFigure(engine, seconds, elapsed, seconds / elapsed, (_peak_rss() - before) / 1e6)


def _timed(
    plain: Callable[[NDArray[np.float32]], object] | None,
    engine: str,
    audio: NDArray[np.float32],
    threads: int,
) -> float:
    stream = None if plain else _stream(engine, threads)
    start = time.perf_counter()
    if plain:
        plain(audio)
    else:
        assert stream is not None
        for second in _seconds_of(audio):
            stream.process(second)
        stream.flush()
    return time.perf_counter() - start


def _seconds_of(audio: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(audio), RATE):
        yield audio[start : start + RATE]


def _stream(engine: str, threads: int) -> novasr.Stream:
    return novasr.Stream(
        RATE,
        mode="full",
        front_end="reference",
        low_latency=True,
        engine=engine,  # type: ignore[arg-type]
        threads=threads,
    )


def _plain(threads: int) -> Callable[[NDArray[np.float32]], object]:
    import torch

    torch.set_num_threads(threads)
    network = novasr.load_model()

    def process(block: NDArray[np.float32]) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(block)[None, None]).numpy()

    return process


def _noise(frames: int) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(0).standard_normal(frames)).astype(np.float32)


def _in_child(case: Callable[..., Any], *arguments: object) -> Any:
    """Run in a fresh process, so that one case's memory and threads are not another's."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(case, arguments)


def _peak_rss() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _free_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
