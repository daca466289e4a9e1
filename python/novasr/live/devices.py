"""Sound devices: which there are, which one is meant, and at what rate it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any, Literal

from novasr.errors import DeviceError

Direction = Literal["input", "output"]

RATES = (44_100, 48_000, 96_000)
LOWEST_GOOD_RATE = 44_100
CHANNELS = 2  # at most
LIST_SECONDS = 20.0
NO_DEVICE_REMEDY = "connect one, or start a sound server" + (
    ": JACK, or PipeWire or PulseAudio with apt-get install pipewire-alsa or libasound2-plugins"
    if sys.platform == "linux"
    else ""
)


@dataclass(frozen=True)
class Device:
    """A sound device, as PortAudio sees it.

    Attributes
    ----------
    index : int
        Its number, until devices come or go.
    name, host_api : str
        Its name, and the system through which it is reached: ``"ALSA"``, ``"JACK Audio ..."``.
    inputs, outputs : int
        Channels.
    default_rate : int
        In Hz, as the driver has it.
    rates : tuple of int
        Those of 44100, 48000 and 96000 Hz that it takes.
    input_latency_ms, output_latency_ms : float
        The least that the driver promises; 0 if it does not say.
    default_input, default_output : bool
        Whether it is used when none is named.
    """

    index: int
    name: str
    host_api: str
    inputs: int
    outputs: int
    default_rate: int
    rates: tuple[int, ...]
    input_latency_ms: float
    output_latency_ms: float
    default_input: bool
    default_output: bool

    @property
    def jack(self) -> bool:
        """Whether it belongs to a JACK server, whose devices share one clock."""
        return "jack" in self.host_api.lower()

    @property
    def plugin(self) -> bool:
        """Whether ALSA reaches it through software, a sound server for one."""
        return self.host_api == "ALSA" and "(hw:" not in self.name

    def __str__(self) -> str:
        return f"{self.name} ({self.host_api})"


@dataclass(frozen=True)
class Route:
    """From which device to which, and how."""

    input: Device
    output: Device
    input_rate: int
    output_rate: int
    input_channels: int
    output_channels: int
    two_clocks: bool


def list_devices() -> list[Device]:
    """List the sound devices.

    A process of its own asks them, so that the list is fresh and a driver that crashes or hangs does
    no harm.

    Returns
    -------
    list of Device
        In PortAudio's order.

    Raises
    ------
    DeviceError
        If sounddevice or PortAudio is missing, or does not answer.
    """
    command = [sys.executable, "-m", "novasr.live.devices"]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=LIST_SECONDS, check=False
        )
        answer = json.loads(run.stdout)
    except subprocess.TimeoutExpired as error:
        msg = f"the sound devices did not answer within {LIST_SECONDS:.0f} s"
        raise DeviceError(msg) from error
    except ValueError as error:
        msg = f"PortAudio failed while it listed the sound devices (exit code {run.returncode})"
        raise DeviceError(msg) from error
    if "error" in answer:
        raise DeviceError(answer["error"])
    return [Device(**{**device, "rates": tuple(device["rates"])}) for device in answer["devices"]]


def portaudio() -> Any:
    """Import sounddevice, which opens PortAudio and looks for devices.

    Raises
    ------
    DeviceError
        If either is missing.
    """
    try:
        import sounddevice
    except ImportError as error:
        msg = "live use needs sounddevice: pip install 'novasr[live]'"
        raise DeviceError(msg) from error
    except OSError as error:
        msg = "live use needs PortAudio: apt-get install libportaudio2"
        raise DeviceError(msg) from error
    return sounddevice


def refresh() -> None:
    """Look for devices anew; streams that are open die."""
    sounddevice = portaudio()
    sounddevice._terminate()
    sounddevice._initialize()


def read_devices(*, rates: bool) -> list[Device]:
    """List the devices that this process knows; asking for `rates` may open each of them."""
    sounddevice = portaudio()
    apis = sounddevice.query_hostapis()
    default_input, default_output = _defaults(apis)
    return [
        Device(
            index=index,
            name=found["name"],
            host_api=apis[found["hostapi"]]["name"],
            inputs=found["max_input_channels"],
            outputs=found["max_output_channels"],
            default_rate=round(found["default_samplerate"]),
            rates=_rates(index, found) if rates else (),
            input_latency_ms=_milliseconds(found["default_low_input_latency"]),
            output_latency_ms=_milliseconds(found["default_low_output_latency"]),
            default_input=index == default_input,
            default_output=index == default_output,
        )
        for index, found in enumerate(sounddevice.query_devices())
    ]


def find_route(
    input_name: str | int | None, output_name: str | int | None, rate: int | None
) -> Route:
    """Find the two devices and how they run together.

    Parameters
    ----------
    input_name, output_name : str or int, optional
        Index, name, or part of a name; by default the system's default device.
    rate : int, optional
        In Hz; by default one that the devices have, 48000 if they let us choose.

    Raises
    ------
    DeviceError
        If a device is missing, is not the only one of that name, or does not run at that rate.
    """
    devices = read_devices(rates=False)
    source = _find(devices, input_name, "input")
    sink = _find(devices, output_name, "output")
    two_clocks = source.index != sink.index and not (source.jack and sink.jack)
    if two_clocks:
        input_rate = _agree([(source, "input")], rate)
        output_rate = _agree([(sink, "output")], rate)
    else:
        input_rate = output_rate = _agree([(source, "input"), (sink, "output")], rate)
    return Route(
        input=source,
        output=sink,
        input_rate=input_rate,
        output_rate=output_rate,
        input_channels=min(CHANNELS, source.inputs),
        output_channels=min(CHANNELS, sink.outputs),
        two_clocks=two_clocks,
    )


def _defaults(apis: Any) -> tuple[int, int]:
    """Give the default devices, of the first system that has one; -1 for none."""

    def first(key: str) -> int:
        return next((api[key] for api in apis if api[key] >= 0), -1)

    return first("default_input_device"), first("default_output_device")


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1) if 0 < seconds < 10 else 0.0  # some drivers give garbage


def _rates(index: int, found: Any) -> tuple[int, ...]:
    direction: Direction = "input" if found["max_input_channels"] else "output"
    channels = min(CHANNELS, found[f"max_{direction}_channels"])
    return tuple(rate for rate in RATES if _refusal(index, direction, channels, rate) is None)


def _refusal(index: int, direction: Direction, channels: int, rate: int) -> Any:
    """Say why a device does not run like this; None if it does."""
    sounddevice = portaudio()
    check = getattr(sounddevice, f"check_{direction}_settings")
    try:
        check(device=index, channels=channels, dtype="float32", samplerate=rate)
    except sounddevice.PortAudioError as error:
        return error
    return None


def _find(devices: list[Device], wanted: str | int | None, direction: Direction) -> Device:
    usable = [device for device in devices if getattr(device, f"{direction}s") > 0]
    there_are = "there are " + ", ".join(f"{d.index}: {d}" for d in usable)
    if not usable:
        msg = f"there is no {direction} device: {NO_DEVICE_REMEDY}"
        raise DeviceError(msg)
    if wanted is None:
        found = [device for device in usable if getattr(device, f"default_{direction}")]
        if not found:
            msg = f"the system has no default {direction} device: name one; {there_are}"
            raise DeviceError(msg)
        return found[0]
    found = _matches(usable, wanted)
    if not found:
        msg = f"no {direction} device matches {wanted!r}; {there_are}"
        raise DeviceError(msg)
    if len(found) > 1:
        candidates = ", ".join(f"{d.index}: {d}" for d in found)
        msg = f"several {direction} devices match {wanted!r}: {candidates}"
        raise DeviceError(msg)
    return found[0]


def _matches(devices: list[Device], wanted: str | int) -> list[Device]:
    """Find by index, else by the whole name, else by a part of name and system."""
    if isinstance(wanted, int) or wanted.isdecimal():
        return [device for device in devices if device.index == int(wanted)]
    text = wanted.lower()
    exact = [device for device in devices if text in (device.name.lower(), str(device).lower())]
    return exact or [device for device in devices if text in str(device).lower()]


def _agree(sides: list[tuple[Device, Direction]], wanted: int | None) -> int:
    """Find a rate that all `sides` take."""
    candidates = [wanted] if wanted is not None else _candidates(sides[0][0])
    refused: tuple[Device, Any] | None = None
    for rate in candidates:
        refused = _first_refusal(sides, rate)
        if refused is None:
            return rate
    assert refused is not None
    device, reason = refused
    if "sample rate" not in str(reason):
        msg = f"{device} cannot be used: {reason}"
    else:
        tried = " or ".join(map(str, candidates))
        msg = f"{device} does not run at {tried} Hz; its rate is {device.default_rate} Hz"
    raise DeviceError(msg)


def _candidates(device: Device) -> list[int]:
    """Order the rates to try: the device's own if it is a good one, else 48 kHz first."""
    own = device.default_rate
    known = own >= LOWEST_GOOD_RATE and device.host_api != "ALSA"  # ALSA's is 44100 if it may be
    rates = [own, 48_000, 44_100] if known else [48_000, 44_100, own]
    return list(dict.fromkeys(rates))


def _first_refusal(sides: list[tuple[Device, Direction]], rate: int) -> tuple[Device, Any] | None:
    for device, direction in sides:
        channels = min(CHANNELS, getattr(device, f"{direction}s"))
        reason = _refusal(device.index, direction, channels, rate)
        if reason is not None:
            return device, reason
    return None


def _answer() -> dict[str, Any]:
    try:
        return {"devices": [asdict(device) for device in read_devices(rates=True)]}
    except DeviceError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    print(json.dumps(_answer()))
