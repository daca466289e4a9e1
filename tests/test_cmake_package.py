"""The core as a CMake package: a project finds it where it is installed, or builds it along."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import needs
import pytest

ROOT = Path(__file__).parents[1]
BUILDS = ROOT / "build"


def cmake(*words: str | Path) -> None:
    needs.programs("cmake", packages="cmake")
    environment = os.environ | {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
    result = subprocess.run(
        ["cmake", *map(str, words)], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stdout + result.stderr


def build(source: Path, folder: Path, *words: str) -> None:
    cmake("-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", *words)
    cmake("--build", folder, "--parallel", "2")


def fresh(name: str) -> Path:
    """Empty a folder as far from the sources as other builds are, whose objects ccache then has."""
    folder = BUILDS / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def check_app(folder: Path) -> None:
    result = subprocess.run([folder / "app"], capture_output=True, text=True, check=True)
    assert "latency 144 frames" in result.stdout


@pytest.mark.parametrize("way", ["installed", "fetched"])
def test_a_project_uses_the_core(way: str, tmp_path: Path) -> None:
    words = []
    if way == "installed":
        build(ROOT, fresh("package"))
        cmake("--install", BUILDS / "package", "--prefix", tmp_path / "prefix")
        words = [f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}"]
        installed = {path.name for path in (tmp_path / "prefix").rglob("*") if path.is_file()}
        assert {"libnovasr_core.a", "processor.hpp", "novasr-config.cmake", "LICENSE"} <= installed
    app = fresh(f"package-{way}")
    build(ROOT / "examples/cmake", app, *words)
    cache = (app / "CMakeCache.txt").read_text()
    assert (str(tmp_path / "prefix") in cache) == (way == "installed")
    check_app(app)
