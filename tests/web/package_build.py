"""The npm package, built from the sources; and programs of Node."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import needs

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
COMPILER = (
    "clang-19 lld-19 llvm-19 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32 wasi-libc"
)


def run(*words: str | Path, folder: Path = WEB) -> str:
    result = subprocess.run(list(map(str, words)), cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def node(script: str, *words: str | Path) -> Any:
    """What a program of web/test prints, read as JSON."""
    return json.loads(run("node", WEB / "test" / script, *words))


def build() -> Path:
    """Build what has changed, one process at a time; give the package's folder."""
    needs.programs("clang++-19", "wasm-ld-19", packages=COMPILER)
    needs.programs("node", "npm", packages="nodejs npm")
    needs.programs("cmake", "ninja", packages="cmake ninja-build")
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "web.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run("cmake", "--preset", "web", folder=ROOT)
        run("cmake", "--build", "--preset", "web", folder=ROOT)
        installed = WEB / "node_modules" / ".package-lock.json"
        locked = WEB / "package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < locked.stat().st_mtime:
            run("npm", "ci", "--no-audit", "--no-fund")
        run("npm", "run", "build")
        run("npm", "run", "page")
    return WEB


def chromium() -> None:
    """See that there is a browser to test in."""
    if not os.access(os.environ.get("NOVASR_CHROMIUM", "/usr/bin/chromium"), os.X_OK):
        needs.missing("no /usr/bin/chromium: apt-get install chromium, or set NOVASR_CHROMIUM")
