"""``novasr`` as people run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def novasr(
    *words: str | Path | float, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run it without the debug switch, with variables beside our own."""
    command = [sys.executable, "-m", "novasr", *map(str, words)]
    ours = {name: value for name, value in os.environ.items() if name != "NOVASR_DEBUG"}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**ours, **environment}
    )


def assert_one_error_line(run: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Exit code 2, nothing on stdout, and one line that has all `parts`."""
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("novasr: error: ")
    assert run.stderr.count("\n") == 1
    for part in parts:
        assert part in run.stderr


def without_package(folder: Path, name: str) -> str:
    """Give a PYTHONPATH by which processes cannot import a package."""
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.modules[{name!r}] = None\n")
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


def without_posix(folder: Path) -> str:
    """Give a PYTHONPATH by which processes lack what macOS or Windows lack."""
    (folder / "sitecustomize.py").write_text("""if True:
        import os, select

        del os.sched_getaffinity, os.nice, os.getloadavg

        def sockets_only(*words):
            raise OSError(10038, "An operation was attempted on something that is not a socket")

        select.select = sockets_only
    """)
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
