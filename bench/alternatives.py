"""Compare the native engine with alternative runtimes for the same network, in one run.

    python bench/alternatives.py [--seconds 1,10,60] [--blocks 10,20] [--rounds 5] [--json FILE]

One thread each, processor time, which excludes other programs. A case runs every system in
turn, round after round, and takes each one's median. Every output is compared with that of eager PyTorch
before it is timed. Blocks go to the native engine as a stream; to the others each alone, without
the context that would make their output right at the seams: the least that they could cost.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch._inductor.config

import novasr
from novasr.evaluation.benchmark import conditions

RATE_HZ = 16_000
LARGEST_ERROR = 1e-5  # of float32 against float32, full scale at 1.0
Work = Callable[[np.ndarray], np.ndarray]


def native(*, streaming: bool) -> Work:
    stream = novasr.Stream(
        RATE_HZ,
        mode="full",
        front_end="reference",
        low_latency=True,
        engine="native",
        offline=not streaming,
    )

    def whole(audio: np.ndarray) -> np.ndarray:
        stream.reset()
        output = np.concatenate([stream.process(audio), stream.flush()])
        return output[stream.latency :]

    return stream.process if streaming else whole


def eager(frames: int) -> Work:
    return numpy_in_and_out(novasr.load_model())


def compiled(frames: int) -> Work:
    torch._dynamo.reset()
    torch._inductor.config.freezing = True  # constant weights: a tenth faster
    return numpy_in_and_out(torch.compile(novasr.load_model(), fullgraph=True, dynamic=False))


def numpy_in_and_out(network: Callable[[torch.Tensor], torch.Tensor]) -> Work:
    def work(audio: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(audio)[None, None])[0, 0].numpy()

    return work


def onnx_runtime(frames: int) -> Work:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "network.onnx")
        example = torch.zeros(1, 1, frames)
        torch.onnx.export(novasr.load_model(), (example,), path, dynamo=True, verbose=False)
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda audio: session.run(None, {name: audio[None, None]})[0][0, 0]


OTHERS = {"PyTorch eager": eager, "torch.compile": compiled, "ONNX Runtime": onnx_runtime}


def measure(frames: int, *, streaming: bool, rounds: int) -> dict[str, dict[str, object]]:
    """Return the median processor time of each system in seconds, or the reason for its failure."""
    audio = 0.1 * np.random.default_rng(0).standard_normal(frames, dtype=np.float32)
    expected = eager(frames)(audio)
    works, results = {"native": native(streaming=streaming)}, {}
    for name, make in OTHERS.items():
        try:
            works[name] = make(frames)
            works[name](audio)
        except Exception as error:  # any exception of an exporter or compiler is a result to report
            del works[name]
            results[name] = {
                "failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
            }
    for name, work in works.items():
        checked = native(streaming=False) if name == "native" else work
        error = float(np.abs(checked(audio)[: len(expected)] - expected).max())
        if error > LARGEST_ERROR:
            results[name] = {"failed": f"differs from PyTorch by {error:.1e}"}
        else:
            results[name] = {"largest_error": error}
    times = {name: [] for name in works if "failed" not in results[name]}
    for _ in range(rounds):
        for name, samples in times.items():
            start = time.process_time()
            works[name](audio)
            samples.append(time.process_time() - start)
    for name, samples in times.items():
        results[name]["seconds"] = float(np.median(samples))
    return {name: results[name] for name in ("native", *OTHERS)}


def row(case: str, length: float, results: dict[str, dict[str, object]]) -> str:
    cells = []
    for result in results.values():
        if "failed" in result:
            cells.append(f"failed: {result['failed']}")
            continue
        speed = f"{length / result['seconds']:.1f}x"
        ratio = result["seconds"] / results["native"]["seconds"]
        cells.append(speed if result is results["native"] else f"{speed} ({ratio:.1f})")
    return f"| {case} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", default="1,10,60", help="lengths of whole signals")
    parser.add_argument("--blocks", default="10,20", help="lengths of blocks in milliseconds")
    parser.add_argument(
        "--rounds", type=int, default=5, help="for whole signals; blocks get 200 times as many"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    told = conditions() | {name: metadata.version(name) for name in ("onnx", "onnxruntime")}
    print(", ".join(f"{key} {value}" for key, value in told.items()))
    print(
        "\nTimes real time, in processor time; in brackets how many times that of the native engine.\n"
    )
    print(f"| case | native | {' | '.join(OTHERS)} |\n|---|{'---:|' * (1 + len(OTHERS))}")
    cases = [(f"{s} s", float(s), False) for s in options.seconds.split(",") if s]
    cases += [(f"{ms} ms blocks", float(ms) / 1000, True) for ms in options.blocks.split(",") if ms]
    figures = {}
    for case, length, streaming in cases:
        rounds = options.rounds * (200 if streaming else 1)
        figures[case] = measure(round(length * RATE_HZ), streaming=streaming, rounds=rounds)
        print(row(case, length, figures[case]), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps({"conditions": told, "cases": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
