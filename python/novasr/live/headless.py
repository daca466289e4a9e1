"""A live stream as lines of JSON, for programs and logs."""

from __future__ import annotations

import dataclasses
import json

from novasr.live.stats import LiveEvent
from novasr.live.stream import LiveStream


def run(stream: LiveStream) -> None:
    """Print an object for each report (``"stats"``) and each event (``"event"``) until the end."""
    for update in stream.updates():
        kind = "event" if isinstance(update, LiveEvent) else "stats"
        print(json.dumps({kind: dataclasses.asdict(update)}), flush=True)
