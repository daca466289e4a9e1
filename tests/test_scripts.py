"""The scripts, as far as they run without installing anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_the_set_up_says_what_takes_long_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "setup.sh", tmp_path / "scripts")
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "activate").touch()
    (binaries / "python").write_text("#!/bin/sh\n")
    (binaries / "python").chmod(0o755)
    work = 'python() { echo "$*" | grep -oE "torch==|no-build-isolation.*" || true; }'
    script = f". {tmp_path}/scripts/setup.sh; {work}; install_novasr plot,torch novasr-torch"
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        "Installing Python packages (about 1 GB the first time)",
        "torch==",
        "Compiling the packages (some minutes the first time)",
        "no-build-isolation .[plot,torch] ./python/novasr-torch",
    ]
