"""The npm package and the page, built from the sources; and the programs of Node that try them."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import needs

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
COMPILER = (
    "clang-19 lld-19 llvm-19 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32"
    " wasi-libc"
)
CHROMIUM = os.environ.get("NOVASR_CHROMIUM", "/usr/bin/chromium")


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
        if not _built():
            run(ROOT / "scripts" / "build-web")
    return WEB


def chromium() -> None:
    """See that there is a browser to test in."""
    if not os.access(CHROMIUM, os.X_OK):
        needs.missing(f"no {CHROMIUM}: apt-get install chromium, or set NOVASR_CHROMIUM")


def _built() -> bool:
    """Whether no source is newer than the page."""
    page = WEB / "site" / "try" / "index.html"
    if not page.exists():
        return False
    made = {WEB / name for name in ("node_modules", "dist", "site", "LICENSE", "NOTICE")}
    sources = [path for path in WEB.iterdir() if path not in made]
    sources += [ROOT / name for name in ("CMakeLists.txt", "CMakePresets.json", "cmake", "cpp")]
    sources += [
        ROOT / "scripts" / "build-web",
        *(ROOT / "python/novasr/weights").glob("*.safetensors"),
    ]
    files = [f for path in sources for f in ([path] if path.is_file() else path.rglob("*"))]
    return max(file.stat().st_mtime for file in files) < page.stat().st_mtime
