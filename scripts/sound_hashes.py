"""Print SHA-256 hashes of what the installed novasr makes of ten generated inputs, by each path.

One line per path and input, sorted: ``sha256  path  input``. The same package gives the same lines on the
same machine with the same NOVASR_ISA, so a change of code that changes no sound changes no line:

    ./scripts/sound-hashes --jack > before.txt
    (change the code, install it)
    ./scripts/sound-hashes --jack | diff before.txt -

input    the inputs themselves
cli      `novasr enhance` of float WAV files: as it is, forced, in full mode, as 16 bits at 44.1 kHz
enhance  `novasr.enhance`: as it is, forced, in full mode
stream   `novasr.Stream` in all modes, in random chunks, with changes on the way, and with LibTorch
plugin   `novasr.NovaSR` in pedalboard, in buffers of several lengths; at most two channels
jack     with --jack: `novasr.live.LiveStream` between two clients of a JACK server of our own, in freewheel
         mode; at most two channels

Not covered, since time decides what they give: devices with two clocks, threaded streams, changes in live use.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sound_inputs import Sound, make_inputs

Audio = NDArray[np.float32]
Sounds = dict[str, Sound]
Run = Callable[[Sounds], dict[str, Audio]]

EXIT_ERROR = 2
CHANGES = ({"mode": "full", "mix": 0.7}, {"mode": "extend", "crossover_hz": 5000.0})


class PathError(Exception):
    """A path cannot run here; the message says what it lacks."""


def each(render: Callable[[Sound], Audio]) -> Run:
    """Render one sound after the other."""
    return lambda sounds: {name: render(sound) for name, sound in sounds.items()}


def command_line(*options: str) -> Run:
    """Enhance WAV files by one call of the command."""
    return lambda sounds: _enhance_files(sounds, options)


def _enhance_files(sounds: Sounds, options: tuple[str, ...]) -> dict[str, Audio]:
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        sources = [Path(folder, f"{name}.wav") for name in sounds]
        for source, sound in zip(sources, sounds.values(), strict=True):
            soundfile.write(source, sound.samples, sound.rate, subtype="FLOAT")
        command = [sys.executable, "-m", "novasr", "enhance", *map(str, sources), *options]
        run = subprocess.run([*command, "-d", f"{folder}/out"], capture_output=True, text=True)
        if run.returncode != 0:
            raise PathError(f"novasr enhance {' '.join(options)} failed: {run.stderr.strip()}")
        results = [next(Path(folder, "out").glob(f"{name}[-.]*")) for name in sounds]
        decoded = [soundfile.read(result, dtype="float32", always_2d=True)[0] for result in results]
    return dict(zip(sounds, decoded, strict=True))


def arrays(**options: Any) -> Run:
    """Enhance arrays."""
    import novasr

    return each(lambda sound: novasr.enhance(sound.samples, sound.rate, **options))


def stream(
    chunks: tuple[int, int] = (480, 481), changes: tuple[dict[str, Any], ...] = (), **options: Any
) -> Run:
    """Stream in chunks of random lengths in this range, with `changes` spread over the length."""
    return each(lambda sound: _stream(sound, chunks, changes, options))


def _stream(
    sound: Sound, chunks: tuple[int, int], changes: tuple[dict[str, Any], ...], options: Any
) -> Audio:
    import novasr

    random = np.random.default_rng(11)
    frames = len(sound.samples)
    due = [(frames * (i + 1) // (len(changes) + 1), change) for i, change in enumerate(changes)]
    session = novasr.Stream(sound.rate, sound.samples.shape[1], **options)
    output, position = [], 0
    while position < frames:
        while due and due[0][0] <= position:
            session.set(**due.pop(0)[1])
        chunk = sound.samples[position : position + int(random.integers(*chunks))]
        output.append(session.process(chunk))
        position += len(chunk)
    return np.concatenate([*output, session.flush()])


def plugin(buffer_size: int = 8192, **parameters: Any) -> Run:
    """Process arrays by the plugin."""
    return each(lambda sound: _plugin(sound, buffer_size, parameters))


def _plugin(sound: Sound, buffer_size: int, parameters: dict[str, Any]) -> Audio:
    import novasr

    effect = novasr.NovaSR()
    for name, value in parameters.items():
        setattr(effect, name, value)
    channels = np.ascontiguousarray(sound.samples[:, :2].T)
    return effect.process(channels, sound.rate, buffer_size=buffer_size).T


def jack(**options: Any) -> Run:
    """Play through a live stream."""

    def run(sounds: Sounds) -> dict[str, Audio]:
        from sound_jack import play_live

        return each(lambda sound: play_live(sound.samples[:, :2], sound.rate, **options))(sounds)

    return run


def make_paths() -> dict[str, Run]:
    """Give all paths by name."""
    short: dict[str, Any] = {"mode": "full", "front_end": "reference", "low_latency": True}
    return {
        "input": each(lambda sound: sound.samples),
        "cli": command_line(),
        "cli-force": command_line("--force"),
        "cli-full": command_line("--force", "--mode", "full", "--jobs", "1"),
        "cli-44k-16-bit": command_line("--rate", "44100", "--bits", "16", "--gain", "auto"),
        "enhance": arrays(),
        "enhance-force": arrays(force=True),
        "enhance-full": arrays(force=True, mode="full"),
        "stream-extend": stream(),
        "stream-full": stream(mode="full"),
        "stream-low-latency": stream(**short),
        "stream-reference": stream(front_end="reference"),
        "stream-crossover": stream(crossover_hz=5500.0, high_band_gain_db=3.0),
        "stream-mix": stream(mix=0.4, output_gain_db=-6.0),
        "stream-offline": stream((4096, 4097), offline=True),
        "stream-chunks": stream((0, 1500)),
        "stream-changes": stream((64, 65), changes=CHANGES),
        "stream-torch": stream(engine="torch"),
        "plugin": plugin(),
        "plugin-64": plugin(64),
        "plugin-441": plugin(441, mode="full", front_end="reference", mix=0.6),
        "plugin-1000": plugin(1000, crossover_hz=5500.0, high_band_gain_db=-3.0),
        "jack": jack(),
        "jack-block-128": jack(block=128, crossover_hz=5500.0, mix=0.8),
        "jack-low-latency": jack(**short),
    }


def hashed(audio: Audio) -> str:
    """Hash shape and samples."""
    content = np.ascontiguousarray(audio, np.float32)
    return hashlib.sha256(f"{content.shape}".encode() + content.tobytes()).hexdigest()


def chosen_paths(only: list[str] | None, *, with_jack: bool) -> dict[str, Run]:
    """Give the paths that are asked for."""
    paths = {
        name: run for name, run in make_paths().items() if with_jack or not name.startswith("jack")
    }
    for wanted in only or ():
        if not any(_is_in(wanted, name) for name in paths):
            hint = "add --jack" if wanted.startswith("jack") else f"there are {', '.join(paths)}"
            raise PathError(f"--only {wanted}: no such path: {hint}")
    return {
        name: run
        for name, run in paths.items()
        if only is None or any(_is_in(wanted, name) for wanted in only)
    }


def _is_in(wanted: str, name: str) -> bool:
    return name == wanted or name.startswith(f"{wanted}-")


def lines(paths: dict[str, Run]) -> Iterator[str]:
    """Run the paths; give a line for each input of each."""
    import novasr

    sounds = make_inputs()
    for path, run in paths.items():
        try:
            rendered = run(sounds)
        except (ImportError, OSError, novasr.NovasrError) as error:
            raise PathError(f"{path}: {error}") from error
        for name, audio in rendered.items():
            yield f"{hashed(audio)}  {path}  {name}"


def main() -> int:
    """Print the hashes."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="sound-hashes", description=summary)
    parser.add_argument(
        "--only", action="append", metavar="PATH", help="cli, stream, stream-full ...; repeatable"
    )
    parser.add_argument("--jack", action="store_true", help="also by JACK; needs jackd")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of inputs to which nothing is added
    try:
        paths = chosen_paths(arguments.only, with_jack=arguments.jack)
        print("\n".join(sorted(lines(paths))))
    except (ImportError, PathError) as error:
        print(f"sound-hashes: error: {error}", file=sys.stderr)
        return EXIT_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
