"""macOS and Windows lack functions of Linux; these run here without them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from command_line import novasr, without_posix

from novasr.errors import StreamError
from novasr.evaluation import benchmark
from novasr.offline.cores import core_count

LSD_ALONE = ("--metrics", "lsd", "--no-baselines")


def test_files_are_enhanced_and_scored(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(48_000)
    data = tmp_path / "data"
    data.mkdir()
    sf.write(data / "s.wav", noise, 48_000)
    path = without_posix(tmp_path)
    run = novasr("enhance", data / "s.wav", "--force", PYTHONPATH=path)
    assert (run.returncode, run.stderr) == (0, "")
    run = novasr("evaluate", data, *LSD_ALONE, PYTHONPATH=path)
    assert (run.returncode, run.stderr) == (0, "")


def test_the_cores_that_we_may_use_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert core_count() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert core_count() == os.cpu_count()


def test_the_benchmark_says_that_it_is_for_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(StreamError, match="Linux only"):
        benchmark.run()
