"""What several test files need: the shared material, and signals."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# Two workers on two cores: torch with a thread for each core would have them wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Kernels for GPUs run without one. Triton's own functions are made for that when it is first imported.
os.environ["TRITON_INTERPRET"] = "1"

import needs
import numpy as np
import pytest

# A shell's background job ignores Ctrl-C, and so would every program that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(os.environ.get("NOVASR_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with upstream's weights and its outputs; they are not part of the project."""
    if not (SHARED / "golden").is_dir():
        needs.missing(
            f"upstream's weights and golden outputs are not at {SHARED}: set NOVASR_SHARED"
        )
    return SHARED


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
