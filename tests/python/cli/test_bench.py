"""The benchmark command: its figures, and its errors before anything is measured."""

from __future__ import annotations

import json
import time
from importlib import metadata
from pathlib import Path

import pytest
from command_line import assert_one_error_line, novasr, without_package

SHORT = ("--blocks", "1", "--seconds", "0.5", "--budget", "0.01")


@pytest.fixture
def without_torch(tmp_path: Path) -> str:
    """A PYTHONPATH that makes `import torch` fail."""
    return without_package(tmp_path, "torch")


def test_a_run_gives_tables_and_figures_with_their_conditions(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    run = novasr("bench", *SHORT, "--json", file)
    assert (run.returncode, run.stderr) == (0, "")
    assert "Whole recordings" in run.stdout
    assert run.stdout.endswith(f"figures: {file}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]

    figures = json.loads(file.read_text())
    assert set(figures) == {"conditions", "blocks", "files", "left_out"}
    assert figures["conditions"].keys() > {"cpu", "cores", "isa", "threads", "precision", "load"}
    assert figures["conditions"]["torch"] == metadata.version("torch")
    assert [row["engine"] for row in figures["blocks"]] == ["native", "torch", "plain"]
    for row in figures["blocks"]:
        assert row["block_ms"] == 1.0
        assert 0 < row["p50_us"] <= row["p99_us"] <= row["p999_us"] <= row["max_us"]
        assert row["speed"] == pytest.approx(1000 / row["p50_us"])
    assert [row["engine"] for row in figures["files"]] == ["native", "torch", "plain"]
    plain = figures["files"][-1]
    for row in figures["files"]:
        assert row["seconds"] == 0.5
        assert row["speed"] == pytest.approx(0.5 / row["elapsed"])
        assert row["ratio_to_plain"] == pytest.approx(row["speed"] / plain["speed"])
    assert plain["peak_rss_mb"] > figures["files"][0]["peak_rss_mb"] > 0
    assert figures["left_out"] == []


def test_the_model_of_any_band_is_measured_with_a_band_to_add(tmp_path: Path) -> None:
    """At its own rate, in the native engine and PyTorch; there is no TorchScript of it."""
    file = tmp_path / "bench.json"
    run = novasr("bench", *SHORT, "--model", "wide", "--json", file)
    assert (run.returncode, run.stderr) == (0, "")
    figures = json.loads(file.read_text())
    assert figures["conditions"]["model"] == "wide"
    assert [row["engine"] for row in figures["blocks"]] == ["native", "plain"]
    scripted = novasr("bench", *SHORT, "--model", "wide", "--engines", "torch")
    assert_one_error_line(scripted, "engine 'torch' cannot run the model 'wide'", "use 'native'")


def test_without_torch_the_native_engine_is_measured_alone(
    tmp_path: Path, without_torch: str
) -> None:
    file = tmp_path / "bench.json"
    run = novasr("bench", *SHORT, "--json", file, PYTHONPATH=without_torch)
    assert (run.returncode, run.stderr) == (0, "")
    assert "left out: torch and plain need PyTorch: " in run.stdout
    figures = json.loads(file.read_text())
    assert figures["conditions"]["torch"] is None
    assert [row["engine"] for row in figures["blocks"] + figures["files"]] == ["native"] * 2


def test_without_torch_its_engine_is_refused(without_torch: str) -> None:
    run = novasr("bench", "--engines", "torch", PYTHONPATH=without_torch)
    assert_one_error_line(run, "pip install 'novasr[torch]'")


def test_a_recording_that_does_not_fit_into_memory_is_left_out() -> None:
    from novasr.evaluation import benchmark

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "_free_bytes", lambda: 1e6)
        figures = benchmark.run(["native"], blocks_ms=(), seconds=(0.5,), budget=0.01)
    assert [row["engine"] for row in figures["files"]] == ["native"]
    assert figures["files"][0]["ratio_to_plain"] is None
    assert figures["left_out"] == ["plain, 0.5 s: needs about 0 GB of memory, 0 GB are free"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--engines", "cuda"), "'cuda'"),
        (("--engines", ""), "''"),
        (("--seconds", "1,ten"), "--seconds takes numbers"),
        (("--seconds", "nan"), "seconds: at least 0.01, not nan"),
        (("--seconds", "inf"), "seconds: at least 0.01, not inf"),
        (("--blocks", "0"), "blocks: at least 0.125, not 0"),
        (("--threads", "0"), "threads"),
    ],
)
def test_an_impossible_request_is_one_line(words: tuple[str, ...], part: str) -> None:
    assert_one_error_line(novasr("bench", *words), part)


def test_a_json_file_that_cannot_be_written_is_refused_before_measuring(tmp_path: Path) -> None:
    start = time.monotonic()
    assert_one_error_line(
        novasr("bench", "--json", tmp_path / "none" / "b.json"), "the folder is missing"
    )
    assert_one_error_line(novasr("bench", "--json", tmp_path), "it is not a file")
    assert_one_error_line(novasr("bench", "--json", "/dev/null"), "it is not a file")
    assert time.monotonic() - start < 30  # a full run takes minutes
    assert list(tmp_path.iterdir()) == []
