"""The processes of a live stream, as the kernel shows them."""

from __future__ import annotations

import os
from pathlib import Path


def audio_process(pid: int) -> int:
    """Give the audio process of that process, any of whose threads may have started it."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = [word for task in tasks for word in (task / "children").read_text().split()]
    return next(
        int(child)
        for child in children
        if b"novasr.live.audio_process" in Path(f"/proc/{child}/cmdline").read_bytes()
    )


def has_ended(pid: int) -> bool:
    """Tell whether a process has gone, or waits for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def busyness() -> float:
    """Give how many programs share a core; 1 if each has one."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())
