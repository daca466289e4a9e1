"""What a live stream tells about itself, ten times a second."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

SPECTRUM_BANDS = 24
FLOOR_DB = -120.0


def _meter(at_rest: Any) -> Any:
    """Make a field that falls back to rest while no audio runs."""
    return field(default=at_rest, metadata={"kind": "meter"})


def _counter() -> Any:
    """Make a field that adds up over restarts."""
    return field(default=0, metadata={"kind": "counter"})


def _fields_of(kind: str) -> tuple[str, ...]:
    return tuple(f.name for f in fields(LiveStats) if f.metadata.get("kind") == kind)


@dataclass(frozen=True)
class LiveStats:
    """A live stream at one moment. Counters run since :meth:`LiveStream.start`, restarts included.

    Attributes
    ----------
    time : float
        Seconds since the start.
    state : str
        ``"starting"``, ``"running"``, ``"recovering"`` or ``"stopped"``.
    input, output : str
        Names of the devices.
    rate : int
        Of the output device, in Hz.
    block : int
        Frames per callback.
    latency_ms, device_ms, our_ms : float
        Delay from microphone to loudspeaker: the sum, the devices' share as their driver gives it (0
        if it does not), and ours.
    load, largest_load : float
        Time that the callback takes over the time that it has: smoothed, and the largest since the
        last report.
    input_peak_db, output_peak_db : float
        Since the last report, in dBFS, not below -120.
    spectrum_before, spectrum_after : tuple of float
        Levels in dB of 24 bands from 50 Hz to 24 kHz, evenly spaced in pitch, not below -120.
    xruns_input, xruns_output : int
        Blocks that the device lost or had to invent, says its driver.
    late_blocks : int
        Blocks that took longer to compute than they last.
    underruns, overruns, resyncs : int
        Between two clocks: nothing left to play, no room for more, delays set anew.
    drift_ppm, buffered_ms : float
        Between two clocks: how much faster the input runs, and the delay that evens it out.
    restarts : int
        How often the audio was started again.
    recorded_s, record_lost : float, int
        Length of the recording in seconds, and frames missing in it.
    record_problem : str
        Why nothing is recorded at the moment; empty while all is well.
    passthrough : bool
        The rate is too low for a band to be added.
    model : str
        ``"base"``, ``"wide"``, or the file of other weights; one just chosen is heard about a second later.
    cutoff_hz : float
        Where the input's band ends, as ``"wide"`` detects it: 24000 is the full band, to which it adds
        nothing. 0: the model does not detect it.
    bypass, mode, mix : bool, str, float
        As set.
    """

    time: float = 0.0
    state: str = "starting"
    input: str = ""
    output: str = ""
    rate: int = 0
    block: int = 0
    latency_ms: float = 0.0
    device_ms: float = 0.0
    our_ms: float = 0.0
    load: float = _meter(0.0)
    largest_load: float = 0.0
    input_peak_db: float = _meter(FLOOR_DB)
    output_peak_db: float = _meter(FLOOR_DB)
    spectrum_before: tuple[float, ...] = _meter((FLOOR_DB,) * SPECTRUM_BANDS)
    spectrum_after: tuple[float, ...] = _meter((FLOOR_DB,) * SPECTRUM_BANDS)
    xruns_input: int = _counter()
    xruns_output: int = _counter()
    late_blocks: int = _counter()
    underruns: int = _counter()
    overruns: int = _counter()
    resyncs: int = _counter()
    drift_ppm: float = 0.0
    buffered_ms: float = 0.0
    restarts: int = 0
    recorded_s: float = 0.0
    record_lost: int = _counter()
    record_problem: str = ""
    passthrough: bool = False
    model: str = "base"
    cutoff_hz: float = 0.0
    bypass: bool = False
    mode: str = "extend"
    mix: float = 1.0


METERS = _fields_of("meter")
COUNTERS = _fields_of("counter")


@dataclass(frozen=True)
class LiveEvent:
    """Something that happened to a live stream.

    Attributes
    ----------
    time : float
        Seconds since the start.
    kind : {"running", "lost", "recovered", "warning", "stopped"}
        What it was.
    message : str
        One line for people.
    """

    time: float
    kind: str
    message: str
