"""The command ``novasr live``."""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from novasr.errors import NovasrError, ParameterError
from novasr.messages import print_warning
from novasr.types import Engine, Mode, ModelName

if TYPE_CHECKING:
    from novasr.live import LiveStream

HELP = """Enhance a microphone or a call while you hear it.

Devices are named by index, name or part of a name (novasr devices lists them). Without a terminal,
or with --headless, what happens is printed as lines of JSON. End it with Ctrl-C.

\b
Examples:
  novasr live
  novasr live -i USB -o Headphones --record talk.wav
  novasr live --model wide                 (from any band of 2 to 16 kHz)
  novasr live --virtual-sink NovaSR        (a call that you hear)
  novasr live --virtual-mic NovaSR-mic     (a call in which you speak)
  novasr live --pipewire                   (both, run by PipeWire itself, from its next start on)
  novasr live --pipewire --remove          (no more)
"""

RESTART = "systemctl --user restart pipewire.service"


def live(
    input: Annotated[
        str | None, typer.Option("-i", "--input", metavar="DEVICE", help="Where to listen.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="DEVICE", help="Where to play.")
    ] = None,
    block: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Frames per block, 32 to 1024.  [default: 128; with JACK its server's]",
        ),
    ] = None,
    rate: Annotated[
        int | None, typer.Option(metavar="HZ", help="Rate of the devices.  [default: theirs]")
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(help="extend: keep the band that is there; full: all from the model."),
    ] = "extend",
    mix: Annotated[float, typer.Option(help="0 is the delayed input, 1 the result.")] = 1.0,
    model: Annotated[
        ModelName | None,
        typer.Option(help="base: from 16 kHz; wide: from any band.  [default: base]"),
    ] = None,
    engine: Annotated[Engine, typer.Option(help="What computes the model.")] = "auto",
    weights: Annotated[
        str | None, typer.Option(metavar="W", help="v1, v2, a weights file or a .ts file.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Store before and after as tracks of a WAV file."),
    ] = None,
    virtual_sink: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Make a sink; what programs play there is enhanced."),
    ] = None,
    virtual_mic: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Make a microphone; programs record the result there."),
    ] = None,
    allow_feedback: Annotated[
        bool,
        typer.Option("--allow-feedback", help="Built-in microphone to built-in loudspeakers."),
    ] = False,
    headless: Annotated[
        bool, typer.Option("--headless", help="Print lines of JSON in place of the display.")
    ] = False,
    pipewire: Annotated[
        bool,
        typer.Option(
            "--pipewire",
            help="Write a configuration by which PipeWire itself runs the sink and the microphone.",
        ),
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="With --pipewire: remove that configuration.")
    ] = False,
) -> None:
    """Run a live stream until it is interrupted."""
    if remove and not pipewire:
        raise ParameterError("--remove goes with --pipewire: it removes what that wrote")
    if pipewire:
        refused = {
            "--block": block,
            "--rate": rate,
            "--engine": None if engine == "auto" else engine,
            "--weights": weights,
            "--record": record,
            "--allow-feedback": allow_feedback or None,
            "--headless": headless or None,
        }
        for name, value in refused.items():
            if value is not None:
                raise ParameterError(f"{name} does not go with --pipewire: nothing of ours runs")
        if remove:
            given = {
                "--input": input,
                "--output": output,
                "--virtual-sink": virtual_sink,
                "--virtual-mic": virtual_mic,
                "--model": model,
                "--mode": None if mode == "extend" else mode,
                "--mix": None if mix == 1 else mix,
            }
            for name, kept in given.items():
                if kept is not None:
                    raise ParameterError(
                        f"{name} does not go with --remove, which removes the whole configuration"
                    )
            _remove_pipewire()
        else:
            _write_pipewire(input, output, virtual_sink, virtual_mic, model or "base", mode, mix)
        return
    from novasr.live import LiveStream
    from novasr.live.ui import headless as lines

    stream = LiveStream(
        input,
        output,
        block=block,
        rate=rate,
        mode=mode,
        mix=mix,
        model=model,
        engine=engine,
        weights=weights,
        record=record,
        virtual_sink=virtual_sink,
        virtual_mic=virtual_mic,
        allow_feedback=allow_feedback,
    )
    as_lines = headless or not sys.stdout.isatty()
    stream.start()
    try:
        if as_lines:
            lines.run(stream)
        else:
            from novasr.live.ui import terminal

            terminal.run(stream)
    finally:
        stream.stop()
        _show_rest(stream, as_lines=as_lines)


def _write_pipewire(
    source: str | None,
    target: str | None,
    sink: str | None,
    mic: str | None,
    model: ModelName,
    mode: Mode,
    mix: float,
) -> None:
    from novasr import Stream
    from novasr.live.servers.pipewire import PipeWireDevices, write

    if sink is None and mic is None:
        sink, mic = "NovaSR", "NovaSR-mic"
    if source is not None and mic is None:
        raise ParameterError("--input is for the microphone: give --virtual-mic, too")
    if target is not None and sink is None:
        raise ParameterError("--output is for the sink: give --virtual-sink, too")
    file = write(PipeWireDevices(sink, mic, target, source, model, mode, mix))
    latency = Stream(48_000, output_rate=48_000, model=model).latency
    made = [f"{kind} {name!r}" for kind, name in (("sink", sink), ("microphone", mic)) if name]
    print(f"{file}: written: {' and '.join(made)}, {latency} frames of latency at 48 kHz")
    print(f"PipeWire makes them when it starts: log in anew, or {RESTART}")
    if shutil.which("pipewire") is None:
        print_warning("PipeWire was not found here: apt-get install pipewire wireplumber")


def _remove_pipewire() -> None:
    from novasr.live.servers.pipewire import remove

    print(f"{remove()}: removed; the devices go when PipeWire starts anew: {RESTART}")


def _show_rest(stream: LiveStream, *, as_lines: bool) -> None:
    """Tell what came after the last look, about the recording for one."""
    from novasr.live import LiveEvent
    from novasr.live.ui import headless as lines

    with contextlib.suppress(NovasrError):  # what ended the stream has been raised
        for update in stream.updates():
            if as_lines:
                lines.show(update)
            elif isinstance(update, LiveEvent) and update.kind == "warning":
                print_warning(update.message)
