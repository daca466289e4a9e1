"""Some launchers omit standard streams: pythonw, services, ``2>&-`` in a shell."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

NOVASR = [sys.executable, "-m", "novasr"]


def shell(redirection: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    line = f"{shlex.join(map(str, [*NOVASR, *words]))} {redirection}"
    ours = {name: value for name, value in os.environ.items() if name != "NOVASR_DEBUG"}
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=ours)


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    noise = 0.1 * np.random.default_rng(1).standard_normal(16_000)
    sf.write(tmp_path / "s.wav", noise, 16_000)
    return tmp_path / "s.wav"


@pytest.mark.parametrize("missing", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_the_work_is_done_all_the_same(speech: Path, missing: str) -> None:
    assert shell(missing, "enhance", speech).returncode == 0
    assert sf.info(speech.with_name("s-48k.wav")).frames == 48_000


@pytest.mark.parametrize("missing", ["1>&- 2>&-", "2>/dev/full"])
def test_the_exit_code_of_an_error_stays(tmp_path: Path, missing: str) -> None:
    assert shell(missing, "enhance", tmp_path / "nothing.wav").returncode == 2


def test_what_native_libraries_print_gets_into_no_file(tmp_path: Path) -> None:
    """Without standard error, the first file that a program opens gets its number, 2."""
    code = """if True:
        import os, sys
        from novasr.cli.main import main

        assert main(["--version"]) == 0
        file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
        os.write(2, b"comment of a library")
    """
    words = [sys.executable, "-c", code, str(tmp_path / "file")]
    subprocess.run(["bash", "-c", f"{shlex.join(words)} 2>&-"], check=True)
    assert (tmp_path / "file").read_bytes() == b""
