"""The command ``novasr enhance``: its options, and which way the sound goes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from novasr.cli.batch import Batch, Settings, Sound, print_warnings
from novasr.cli.sets import SetOptions
from novasr.errors import ParameterError, blaming
from novasr.types import Mode, OfflineEngine, OfflineModelName, OutputGain, OutputRate, Subtype

HELP = """Extend speech to 24 kHz and store it at 48 kHz.

Results are named NAME-48k.wav (NAME-48k.flac for FLAC; with --rate 24000 NAME-24k.wav) and lie beside
their sources. In folders, files that are named like results are left out. Existing files are kept unless --overwrite is
given; --skip-existing goes on where an earlier call ended. A recording that has its full band already
is stored as it is, at 48 kHz. The file - is standard input or output: WAV as it comes.

\b
Examples:
  novasr enhance talk.wav
  novasr enhance call.wav --model wide --high-band-gain -2
  novasr enhance call.wav --model studio --bank anna.novabank
  novasr enhance talk.mp3 -o talk.flac --plot
  novasr enhance recordings/ -d enhanced/ --recursive --jobs 4
  novasr enhance loud.wav --gain auto --bits 24
  novasr enhance --manifest train.jsonl -d restored/
  novasr enhance shards/*.tar -d restored/ --shard $SLURM_ARRAY_TASK_ID/64
  ffmpeg -v error -i talk.m4a -f wav - | novasr enhance - -o - | aplay
  arecord -t raw -r 16000 -f S16_LE | novasr enhance - -o - --raw 16000,1,s16le | aplay -t raw -r 48000 -f S16_LE
"""


def enhance(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IN]...",
            help="Audio files, or folders of them; or shards of a WebDataset (.tar), or Parquet tables.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="OUT", help="Name of the result, for one input."),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option("-d", "--directory", metavar="DIR", help="Folder for the results."),
    ] = None,
    model: Annotated[
        OfflineModelName | None,
        typer.Option(
            help="base: from 16 kHz; wide: from any band of 2 .. 16 kHz; studio: wide, with a --bank of the voice."
            "  [default: base]"
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="W", help="v1, v2 or a weights file, instead of a model.")
    ] = None,
    engine: Annotated[
        OfflineEngine, typer.Option(help="What computes the model; cuda: a GPU.")
    ] = "auto",
    mode: Annotated[
        Mode,
        typer.Option(help="extend: keep the band that is there; full: all from the model."),
    ] = "extend",
    high_band_gain: Annotated[
        float,
        typer.Option(metavar="DB", help="Brightness: -24 .. 12 dB on what the model adds."),
    ] = 0.0,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Of the flow of studio --weights: 1, 2, 4 or 8.  [default: 1]"
        ),
    ] = None,
    bank: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="For studio: a bank of the voice (novasr bank build); of another voice it does harm.",
        ),
    ] = None,
    index_rate: Annotated[
        float | None,
        typer.Option(
            metavar="R", help="How far levels move to the bank's, from 0 to 1.  [default: 1]"
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Threads, over files and within long ones.  [default: one per CPU]",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Pass over finished results, make others anew."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done, and what refused.")
    ] = False,
    rate: Annotated[
        str | None,
        typer.Option(metavar="HZ", help="Rate of the result: Hz, or source.  [default: 48000]"),
    ] = None,
    gain: Annotated[
        str, typer.Option(metavar="DB", help="Gain in dB; auto: lower what would clip.")
    ] = "0",
    subtype: Annotated[
        Subtype | None,
        typer.Option("--subtype", "--bits", help="Sample width.  [default: the source's]"),
    ] = None,
    quality: Annotated[
        float | None,
        typer.Option(metavar="Q", help="Of .mp3, .ogg and .opus: 0 (small) to 10 (best)."),
    ] = None,
    dither: Annotated[
        bool, typer.Option("--dither", help="Add triangular noise before rounding.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also extend what has its full band already.")
    ] = False,
    allow_truncated: Annotated[
        bool, typer.Option("--allow-truncated", help="Take what is there of damaged files.")
    ] = False,
    raw: Annotated[
        str | None,
        typer.Option(
            metavar="R,C,F",
            help="Standard input (and output) is samples without a header: rate, channels, format"
            " (s16le s24le s32le f32le); of a file: what is written to standard output.",
        ),
    ] = None,
    plot: Annotated[
        bool, typer.Option("--plot", help="Also draw spectrograms before and after, as PNG.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Search folders inside folders, too.")
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="JSONL",
            help="The recordings that a manifest of NeMo or Lhotse names, into -d DIR.",
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Of Parquet tables: the recordings.  [default: the only]"
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Of a set: part I, from 0 on, of N, for a scheduler."),
    ] = None,
    max_failures: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, help="Of a set: give up when more recordings have failed."
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a set: on this Ray cluster; auto: the one here."),
    ] = None,
    json_lines: Annotated[
        bool, typer.Option("--json", help="Of a set: print lines of JSON, for programs.")
    ] = False,
) -> None:
    """Enhance files, report each, and exit with 2 if one failed."""
    inputs = inputs or []
    if not inputs and manifest is None:
        raise ParameterError(
            "IN is missing: name audio files or folders, or a --manifest (see novasr enhance --help)"
        )
    if skip_existing and overwrite:
        raise ParameterError("--skip-existing and --overwrite exclude each other")
    sound = Sound(
        model=model,
        mode=mode,
        engine=engine,
        weights=weights,
        high_band_gain_db=high_band_gain,
        steps=steps,
        bank=bank,
        index_rate=index_rate,
        rate=_parse_rate(rate),
        gain=_parse_gain(gain),
        subtype=subtype,
        quality=quality,
        dither=dither,
        allow_truncated=allow_truncated,
    )
    sound.check()
    sets = SetOptions(manifest, column, shard, max_failures, ray, json_lines)
    if manifest is not None or any(_is_set(name) for name in inputs):
        _enhance_set(
            inputs,
            directory,
            sets,
            sound,
            {
                "-o": output,
                "--raw": raw,
                "--plot": plot,
                "--skip-existing": skip_existing,
                "--quality": quality,
            },
            jobs=jobs,
            force=force,
            overwrite=overwrite,
            dry_run=dry_run,
        )
        return
    if sets.given():
        raise ParameterError(
            f"{sets.given()[0]} is for sets: a --manifest, .tar shards or .parquet tables"
        )
    if "-" in inputs or output == "-":
        given = {
            "-d": directory,
            "--skip-existing": skip_existing,
            "--dry-run": dry_run,
            "--jobs": jobs,
            "--recursive": recursive,
            "--plot": plot,
        }
        source, result = _one_pipe(inputs, output, given)
        _enhance_pipe(source, result, sound, raw, force=force, overwrite=overwrite)
        return
    if raw is not None:
        raise ParameterError("--raw tells what standard input is: novasr enhance - --raw ...")
    settings = Settings(sound, jobs, force, overwrite, skip_existing, plot)
    batch = Batch(settings, directory)
    batch.plan(list(map(Path, inputs)), None if output is None else Path(output), recursive)
    if dry_run:
        batch.show()
    else:
        batch.run()


_NOT_WITH_SETS = {
    "-o": "name the folder of the results with -d",
    "--raw": "sets hold audio files",
    "--plot": "the page in the folder of the results has examples",
    "--skip-existing": "a set goes on by itself where an earlier call ended",
    "--quality": "results are WAV or FLAC",
}


def _is_set(name: str) -> bool:
    from novasr.sets.finding import holds_set

    return name != "-" and holds_set(Path(name))


def _enhance_set(
    inputs: list[str],
    directory: Path | None,
    options: SetOptions,
    sound: Sound,
    given: Mapping[str, object],
    *,
    jobs: int | None,
    force: bool,
    overwrite: bool,
    dry_run: bool,
) -> None:
    from novasr.cli.sets import enhance_set
    from novasr.offline.files import Storage
    from novasr.sets.workplace import Treatment

    for option, reason in _NOT_WITH_SETS.items():
        if given[option]:
            raise ParameterError(f"{option} does not go with a set: {reason}")
    storage = Storage(sound.subtype, dither=sound.dither)
    settings = replace(sound.chain(), jobs=1)
    treatment = Treatment(settings, storage, force, sound.allow_truncated)
    enhance_set(
        [Path(name) for name in inputs],
        directory,
        options,
        treatment,
        jobs=jobs,
        overwrite=overwrite,
        dry_run=dry_run,
    )


_NOT_WITH_PIPES = {
    "-d": "a pipe has one result, name it with -o",
    "--skip-existing": "nothing tells what a pipe has given before",
    "--dry-run": "nothing is known of a pipe before it is read",
    "--jobs": "a pipe is worked on as it comes, by one thread",
    "--recursive": "a pipe is no folder",
    "--plot": "a picture needs two files",
}


def _one_pipe(
    inputs: list[str], output: str | None, given: Mapping[str, object]
) -> tuple[str, str]:
    """Return the only input and its result, or raise ParameterError if there is more than a pipe can do."""
    for option, reason in _NOT_WITH_PIPES.items():
        if given[option]:
            raise ParameterError(f"{option} does not go with -: {reason}")
    if len(inputs) != 1 or output is None:
        msg = "- is one input or output: novasr enhance - -o FILE, or novasr enhance FILE -o -"
        raise ParameterError(msg)
    return inputs[0], output


def _parse_rate(text: str | None) -> OutputRate | None:
    if text is None or text == "source":
        return text  # type: ignore[return-value]
    if not text.isdecimal():
        raise ParameterError(f"--rate {text}: expected a rate in Hz, or source")
    return int(text)


def _parse_gain(text: str) -> OutputGain:
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"--gain {text}: expected decibels, or auto") from None


def _enhance_pipe(
    source: str, output: str, sound: Sound, raw: str | None, *, force: bool, overwrite: bool
) -> None:
    from novasr.audio.piping import parse_raw
    from novasr.offline.files import Storage
    from novasr.offline.pipe import enhance_pipe

    kind = None if raw is None else parse_raw(raw)
    with blaming(Path(source)):
        result = enhance_pipe(
            sys.stdin.buffer if source == "-" else Path(source),
            sys.stdout.buffer if output == "-" else Path(output),
            sound.chain(),
            Storage(sound.subtype, sound.quality, sound.dither, overwrite, kind),
            force=force,
            allow_truncated=sound.allow_truncated,
        )
    print_warnings(result)
