"""How many cores this process may use."""

from __future__ import annotations

import os


def core_count() -> int:
    """Count the cores that the process may run on; all of the machine where the system does not tell."""
    if hasattr(os, "sched_getaffinity"):  # neither macOS nor Windows has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
