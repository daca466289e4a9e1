"""bench/gpu.py: refused without a GPU; its loop, interpreted, where no figure means anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import needs

needs.package("triton", "pip install triton")

PROGRAM = Path(__file__).parents[3] / "bench" / "gpu.py"


def run(*words, **environment):
    command = [sys.executable, PROGRAM, *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_without_a_gpu_it_says_so():
    done = run(TRITON_INTERPRET="0", CUDA_VISIBLE_DEVICES="")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bench/gpu.py: engine='cuda' cannot run here")


def test_every_system_is_checked_and_timed(tmp_path):
    small = ("--seconds", 0.02, "--recordings", 0.01, "--rounds", 1, "--batches", "1,2")
    for only, systems in (("upstream", 2), ("PyTorch", 2), ("fused, tf32x3, batch 2", 1)):
        done = run(*small, "--only", only, "--json", tmp_path / "gpu.json")
        assert done.returncode == 0, done.stderr
        found = json.loads((tmp_path / "gpu.json").read_text())
        assert found["conditions"]["gpu"].startswith("none")
        assert len(found["systems"]) == systems
        for result in found["systems"].values():
            assert 0 < result["largest_error"] < 1e-2
            assert result["seconds"] > 0


def test_a_system_that_fails_is_a_result(tmp_path):
    done = run("--seconds", 0.01, "--recordings", 0.01, "--batches", 3, "--only", "PyTorch")
    assert done.returncode == 0
    assert "failed: ParameterError: batch must be a power of two, not 3" in done.stdout
