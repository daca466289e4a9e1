"""What docs/datasets.md shows, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import generated
import needs
import numpy as np
import pytest
import soundfile as sf

from novasr.ray import Enhance

PAGE = Path(__file__).parents[3] / "docs" / "datasets.md"
RESULTS = {"ray": "restored", "datasets": "restored.parquet", "webdataset": None}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)


def test_the_page_has_a_block_for_each_library():
    assert [
        re.search(r"^import (ray|datasets|webdataset)$", b, re.M)[1] for b in blocks("python")
    ] == list(RESULTS)


@pytest.mark.parametrize("library", RESULTS)
def test_a_block_of_python_does_what_it_says(library, tmp_path):
    needs.package(library, "pip install '.[test]'")
    recordings = generated.items(4, 5, broken=0.0, kinds=("wav",))
    generated.write_shards(tmp_path / "shards", recordings[1:], 1)
    sf.write(tmp_path / "talk.wav", 0.1 * np.random.default_rng(1).standard_normal(16_000), 16_000)
    block = next(block for block in blocks("python") if f"import {library}\n" in block)
    with tempfile.TemporaryDirectory(
        prefix="ray-"
    ) as ray:  # paths of sockets end at 107 characters
        own = {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_TMPDIR": ray,
            "HF_HOME": str(tmp_path / "cache"),
        }
        run = subprocess.run(
            [sys.executable, "-c", block],
            cwd=tmp_path,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=200,
        )
    assert run.returncode == 0, run.stderr[-3000:]
    if library == "webdataset":
        assert len(run.stdout.splitlines()) == 3
        return
    parquet = needs.package("pyarrow.parquet", "pip install '.[test]'")
    row = parquet.read_table(tmp_path / RESULTS[library]).to_pylist()[0]
    assert row["status"] == "enhanced"
    if library == "ray":
        assert row["sample_rate"] == 48_000
    else:
        (tmp_path / "made.wav").write_bytes(row["audio"]["bytes"])
        assert sf.info(tmp_path / "made.wav").samplerate == 48_000


def test_the_script_of_a_scheduler_does_all_parts(tmp_path):
    recordings = generated.items(6, 6, broken=0.0, kinds=("wav", "flac"))
    generated.write_files(tmp_path, recordings)
    script = next(block for block in blocks("bash") if "#SBATCH" in block)
    # What Slurm does: each task of the array runs the script; srun starts its command once.
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "srun").write_text('#!/bin/sh\nexec "$@"\n')
    (bin_folder / "srun").chmod(0o755)
    path = f"{bin_folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    for task in range(3):
        run = subprocess.run(
            ["bash", "-c", script.replace("/64", "/3")],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "SLURM_ARRAY_TASK_ID": str(task)},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
    manifests = sorted((tmp_path / "restored").glob("train-*.jsonl"))
    assert len(manifests) == 3
    assert sum(len(path.read_text().splitlines()) for path in manifests) == len(recordings)


def test_processes_of_datasets_do_not_meet_in_one_folder(tmp_path):
    datasets = needs.package("datasets", "pip install '.[test]'")
    recordings = generated.items(12, 8, broken=0.0, kinds=("wav",))
    names = []
    for number, item in enumerate(recordings):
        (tmp_path / f"{number}.wav").write_bytes(item.content)
        names.append(str(tmp_path / f"{number}.wav"))
    speech = datasets.Dataset.from_dict({"audio": names}).cast_column(
        "audio", datasets.Audio(decode=False)
    )
    made = [
        speech.map(Enhance(column="audio"), batched=True, batch_size=2, num_proc=count)["audio"]
        for count in (None, 2)
    ]
    assert [row["bytes"] for row in made[0]] == [row["bytes"] for row in made[1]]
