"""Throughput of data sets: ``novasr enhance`` on files, by manifest, and on a Ray cluster of two nodes.

    python bench/sets.py [--hours 0.5] [--seconds 2,60] [--ray]

Start-up is taken out: each route runs on a set of two recordings, too, and that time is subtracted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile as sf

RATE = 16_000
ROUNDS = 2


def make(folder: Path, hours: float, seconds: float) -> Path:
    """Write recordings of speech-like noise, and their manifest."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    audio = (0.05 * rng.standard_normal(round(seconds * RATE))).astype(np.float32)
    lines = []
    for number in range(max(2, round(hours * 3600 / seconds))):
        sf.write(folder / f"{number:06}.wav", np.roll(audio, 997 * number), RATE)
        lines.append(json.dumps({"audio_filepath": f"{number:06}.wav", "duration": seconds}))
    manifest = folder / "in.jsonl"
    manifest.write_text("\n".join(lines))
    return manifest


def timed(commands: list[list[str]]) -> float:
    """Run commands side by side and give the seconds until the last ended; of a set, without its page."""
    start = time.perf_counter()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    outputs = [process.communicate()[0] for process in running]
    took = time.perf_counter() - start
    for process in running:
        if process.returncode != 0:
            sys.exit(f"failed: {process.args}")
    if "--json" not in commands[0]:
        return took
    return max(json.loads(output.splitlines()[-1])["seconds"] for output in outputs)


def routes(manifest: Path, cores: int, address: str | None) -> dict[str, list[list[str]]]:
    """Give the commands of each route; ``{out}`` stands for a new folder."""
    novasr = [sys.executable, "-m", "novasr", "enhance"]
    by_manifest = [*novasr, "--manifest", str(manifest), "-d", "{out}", "--json"]
    found = {
        "files": [[*novasr, str(manifest.parent), "-d", "{out}"]],
        "manifest": [by_manifest],
        "one process a core": [
            ["taskset", "-c", str(core), *by_manifest, "--jobs", "1", "--shard", f"{core}/{cores}"]
            for core in range(cores)
        ],
    }
    if address is not None:
        found["ray"] = [[*by_manifest, "--ray", address]]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=0.5, help="audio in each set")
    parser.add_argument("--seconds", default="2,60", help="lengths of recordings, one set for each")
    parser.add_argument("--ray", metavar="ADDRESS", help="a cluster that runs, with as many cores")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(
        f"{cores} cores, load {os.getloadavg()[0]:.1f}, {options.hours} h a set, best of {ROUNDS}"
    )
    print(f"{'s each':>8} {'route':20} {'start-up s':>10} {'x real time':>12}")
    for seconds in map(float, options.seconds.split(",")):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            whole = make(folder / "whole", options.hours, seconds)
            two = make(folder / "two", 0.0, seconds)
            taken: dict[str, list[float]] = {}
            for turn in range(ROUNDS):  # in turn, so that all meet the same disturbances
                for manifest in (two, whole):
                    for name, commands in routes(manifest, cores, options.ray).items():
                        out = folder / f"out-{turn}-{manifest.parent.name}-{name}"
                        filled = [[word.replace("{out}", str(out)) for word in c] for c in commands]
                        taken.setdefault(f"{manifest.parent.name} {name}", []).append(timed(filled))
            audio = len(whole.read_text().splitlines()) * seconds
            for name in routes(whole, cores, options.ray):
                start_up = min(taken[f"two {name}"])
                speed = audio / (min(taken[f"whole {name}"]) - start_up)
                print(f"{seconds:8g} {name:20} {start_up:10.2f} {speed:12.1f}")


if __name__ == "__main__":
    main()
