"""A live stream as lines of JSON, for programs and logs."""

from __future__ import annotations

import dataclasses
import json

from novasr.live.stats import LiveEvent, LiveStats
from novasr.live.stream import LiveStream
from novasr.live.ui.lines import print_line


def run(stream: LiveStream) -> None:
    """Print an object for each report (``"stats"``) and each event (``"event"``) until the end."""
    for update in stream.updates():
        show(update)


def show(update: LiveStats | LiveEvent) -> None:
    """Print one object."""
    kind = "event" if isinstance(update, LiveEvent) else "stats"
    print_line(json.dumps({kind: dataclasses.asdict(update)}))
