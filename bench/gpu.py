"""Compare ways to compute the network on one NVIDIA GPU, in one run: upstream's, PyTorch's and the fused kernel.

    python bench/gpu.py [--seconds 3600] [--recordings 10] [--batches 64,256,1024,4096] [--rounds 5]
                        [--weights base] [--upstream FOLDER] [--json FILE]

The input is noise, cut into recordings of --recordings seconds, at 16 kHz in the memory of the computer; the output
is at 48 kHz there. A time is the wall clock from the one to the other, transfers included, the median of the rounds.
Upstream takes one recording at a time, as its `FastSR` does: its own code from --upstream, a folder with the
package NovaSR of github.com/ysharma3501/NovaSR, or else the class of the same surface and layers in this package. Its own needs --weights with
one of upstream's .bin files. The others take segments of all recordings in batches of powers of two. Each system's output is compared with PyTorch's
layers on the CPU in float64 before it is timed.

Exit code 2 where there is no GPU. With TRITON_INTERPRET=1 everything runs on the CPU, to test this program.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

import novasr
from novasr.cuda import BatchEngine
from novasr.cuda.device import find_device
from novasr.errors import StreamError
from novasr.evaluation.benchmark import conditions

RATE_HZ = 16_000
CHECKED_FRAMES = RATE_HZ
LARGEST_ERROR = 1e-5  # of float32, full scale at 1.0
UPSTREAM_ERROR = 1e-2  # of its interpolation, and of float16
Audio = np.ndarray
Work = Callable[[list[Audio]], list[Audio]]

FORMS = {
    "PyTorch": {"compute": "plain"},
    "torch.compile": {"compute": "compiled"},
    "fused, tf32x3": {"compute": "fused", "precision": "tf32x3"},
    "fused, float32": {"compute": "fused", "precision": "ieee"},
}


def upstream(folder: Path | None, weights: str, half: bool) -> Work:
    """Run upstream's class as its README does."""
    if folder is None:
        network = novasr.FastSR(weights, half=half)
    else:
        sys.path.insert(0, str(folder))
        network = importlib.import_module("NovaSR").FastSR(weights, half=half)
    dtype = torch.float16 if half else torch.float32
    device = find_device()

    def work(recordings: list[Audio]) -> list[Audio]:
        outputs = []
        for audio in recordings:
            low = torch.from_numpy(audio)[None, None].to(device, dtype)
            with torch.inference_mode():
                outputs.append(network.infer(low).float().cpu().numpy().reshape(-1))
        return outputs

    return work


def batched(weights: str, batch: int, form: dict[str, str]) -> Work:
    return BatchEngine(weights, batch=batch, **form).run


def expected(weights: str, audio: Audio) -> Audio:
    network = novasr.load_model(weights).double()
    with torch.inference_mode():
        return network(torch.from_numpy(audio).double()[None, None])[0, 0].numpy()


def measure(
    make: Callable[[], Work], reference: Audio, recordings: list[Audio], rounds: int, bound: float
) -> dict[str, object]:
    """Give the median wall clock in seconds and the error, or the reason for a failure."""
    try:
        work = make()
        checked = recordings[0][:CHECKED_FRAMES]
        error = float(np.abs(work([checked])[0][: len(reference)] - reference).max())
        if not error <= bound:
            return {"failed": f"differs from float64 by {error:.1e}"}
        times = []
        for turn in range(rounds + 1):
            start = time.perf_counter()
            work(recordings)
            if turn > 0:  # the first compiles, and fills caches
                times.append(time.perf_counter() - start)
    except Exception as failure:  # out of memory, of a compiler: a result to report
        return {"failed": f"{type(failure).__name__}: {str(failure).strip().splitlines()[0]}"}
    finally:
        torch.cuda.empty_cache()
    return {"seconds": float(np.median(times)), "largest_error": error}


def cases(options: argparse.Namespace) -> dict[str, tuple[Callable[[], Work], float]]:
    """Give each system's name, how to make it and the error that is allowed."""
    weights = options.weights
    found = {
        f"upstream, {kind}": (partial(upstream, options.upstream, weights, half), UPSTREAM_ERROR)
        for kind, half in (("float32", False), ("float16", True))
    }
    for name, form in FORMS.items():
        for batch in map(int, options.batches.split(",")):
            found[f"{name}, batch {batch}"] = partial(batched, weights, batch, form), LARGEST_ERROR
    return {name: case for name, case in found.items() if options.only in name}


def row(name: str, seconds: float, result: dict[str, object], slowest: float | None) -> str:
    if "failed" in result:
        return f"| {name} | failed: {result['failed']} | | |"
    ratio = f"{slowest / result['seconds']:.1f}" if slowest else ""
    return f"| {name} | {seconds / result['seconds']:,.0f}x | {ratio} | {result['largest_error']:.0e} |"


def told(device: torch.device) -> dict[str, object]:
    """Describe the conditions."""
    found = conditions() | {"triton": metadata.version("triton")}
    if device.type == "cpu":
        return found | {"gpu": "none: interpreted on the CPU, no figures"}
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(command, capture_output=True, text=True).stdout.split("\n")[0]
    name = torch.cuda.get_device_name(device)
    return found | {"gpu": name, "driver": driver, "cuda": torch.version.cuda}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600, help="audio in all")
    parser.add_argument("--recordings", type=float, default=10, help="seconds of each recording")
    parser.add_argument("--batches", default="64,256,1024,4096", help="powers of two")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--weights", default="base", help="for all systems")
    parser.add_argument("--upstream", type=Path, metavar="FOLDER", help="with upstream's package")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="systems that have it in their name"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    try:
        device = find_device()
    except StreamError as error:
        print(f"bench/gpu.py: {error}", file=sys.stderr)
        return 2
    rng = np.random.default_rng(0)
    frames = round(options.recordings * RATE_HZ)
    count = max(1, round(options.seconds / options.recordings))
    recordings = [0.1 * rng.standard_normal(frames, np.float32) for _ in range(count)]
    seconds = count * frames / RATE_HZ
    reference = expected(options.weights, recordings[0][:CHECKED_FRAMES])
    described = told(device)
    print(", ".join(f"{key} {value}" for key, value in described.items()))
    print(f"\n{seconds:g} s of audio in {count} recordings, host to host\n")
    print(
        "| system | x real time | x upstream, float32 | error |\n|---|---:|---:|---:|", flush=True
    )
    figures: dict[str, dict[str, object]] = {}
    slowest = None
    for name, (make, bound) in cases(options).items():
        figures[name] = measure(make, reference, recordings, options.rounds, bound)
        if name == "upstream, float32":
            slowest = figures[name].get("seconds")
        print(row(name, seconds, figures[name], slowest), flush=True)
    if options.json is not None:
        content = {"conditions": described, "seconds": seconds, "systems": figures}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
