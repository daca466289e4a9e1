"""The command ``novasr devices``."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from novasr.live import Device

HELP = """List the sound devices that novasr live can use.

\b
Examples:
  novasr devices
  novasr devices --json
"""


def devices(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list, an object for each device.")
    ] = False,
) -> None:
    """List the sound devices on stdout."""
    from novasr.live import list_devices

    found = list_devices()
    if as_json:
        print(json.dumps([dataclasses.asdict(device) for device in found], indent=2))
        return
    for device in found:
        print(_as_line(device))


def _as_line(device: Device) -> str:
    rates = " ".join(f"{rate / 1000:g}" for rate in device.rates) or "no common rate"
    parts = [f"{device.index:3} {device}", f"{device.inputs} in, {device.outputs} out"]
    parts.append(f"{rates} kHz" if device.rates else rates)
    latencies = [
        f"{direction} from {milliseconds:g} ms"
        for direction, milliseconds in (
            ("input", device.input_latency_ms),
            ("output", device.output_latency_ms),
        )
        if milliseconds
    ]
    defaults = [
        f"default {direction}"
        for direction, default in (
            ("input", device.default_input),
            ("output", device.default_output),
        )
        if default
    ]
    return ": ".join([parts[0], ", ".join(parts[1:] + latencies + defaults)])
