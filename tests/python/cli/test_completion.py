"""Completion of commands and options by the shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import novasr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_script_for_the_shell_is_printed(shell: str) -> None:
    run = novasr(_NOVASR_COMPLETE=f"source_{shell}")
    assert (run.returncode, run.stderr) == (0, "")
    assert "_NOVASR_COMPLETE" in run.stdout
    assert f"complete_{shell}" in run.stdout


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("novasr en", ["enhance"]),
        ("novasr enhance --mod", ["--mode", "--model"]),
        ("novasr enhance talk.wav --model w", ["wide"]),
        ("novasr plugin un", ["uninstall"]),
    ],
)
def test_bash_completes_what_is_typed(words: str, offered: list[str], tmp_path: Path) -> None:
    program = tmp_path / "novasr"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m novasr "$@"\n')
    program.chmod(0o755)
    script = f"""
        eval "$(_NOVASR_COMPLETE=source_bash novasr)"
        COMP_WORDS=({words})
        COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _novasr_completion novasr
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    run = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=os.environ | {"PATH": path}
    )
    assert sorted(run.stdout.split()) == offered, run.stderr
