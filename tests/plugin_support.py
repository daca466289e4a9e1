"""What the tests of the plugin share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import needs
import numpy as np

from novasr.errors import PluginError
from novasr.plugin.bundle import find_bundle


def require_bundle() -> Path:
    """Skip the whole file where the plugin is not installed."""
    try:
        return find_bundle()
    except PluginError as error:
        needs.missing(str(error))


def run_python(code: str, *arguments: object, **environment: str) -> str:
    """Run `code` in a fresh process that must end well, and give what it printed."""
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    run = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, timeout=240
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def noise(channels: int, frames: int, seed: int = 3) -> np.ndarray:
    """White noise at -20 dBFS, shape (channels, frames) as pedalboard has it."""
    generator = np.random.default_rng(seed)
    return (0.1 * generator.standard_normal((channels, frames))).astype(np.float32)
