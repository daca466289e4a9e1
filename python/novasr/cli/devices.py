"""The command ``novasr devices``."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from novasr.messages import print_warning

if TYPE_CHECKING:
    from novasr.live import Device

HELP = """List the sound devices that novasr live can use.

If there is none, a line on stderr says so and the exit code is 0; --json prints [].

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
    """List the sound devices on stdout; that there is none is said on stderr."""
    from novasr.live import list_devices
    from novasr.live.devices import NO_DEVICE_REMEDY

    found = list_devices()
    if as_json:
        print(json.dumps([dataclasses.asdict(device) for device in found], indent=2))
        return
    if not found:
        print_warning(f"there is no sound device: {NO_DEVICE_REMEDY}")
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
