"""The command ``novasr info``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novasr.errors import NovasrError, ParameterError, blaming
from novasr.messages import EXIT_ERROR, print_error, print_warning
from novasr.types import ModelName

if TYPE_CHECKING:
    from novasr.audio.analysis import FileInfo, Verdict


HELP = """Tell how much of its band a recording fills, and whether to enhance it.

\b
Examples:
  novasr info talk.wav
  novasr info call.wav --model wide
  novasr info --json recordings/ > bands.json
"""


def info(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", readable=False, help="Audio files, or folders of them."),
    ],
    model: Annotated[
        ModelName | None, typer.Option(help="Which model would extend it.  [default: base]")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list, an object for each file.")
    ] = False,
    allow_truncated: Annotated[
        bool, typer.Option("--allow-truncated", help="Describe what is there of damaged files.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Search folders inside folders, too.")
    ] = False,
) -> None:
    """Describe files on stdout, and exit with 2 if one cannot be read."""
    from novasr.audio.analysis import file_info, judge_band
    from novasr.cli.inputs import find_inputs
    from novasr.engines import engine_format
    from novasr.models import chosen_weights

    if Path("-") in inputs and not Path("-").exists():
        raise ParameterError("-: novasr info takes files and folders, not standard input")
    any_band = engine_format("auto", chosen_weights(model, None)).adds_to_input
    described: list[dict[str, Any]] = []
    found_inputs, failures = find_inputs(inputs, recursive=recursive)
    for failure in failures:
        print_error(failure)
    failed = bool(failures)
    for item in found_inputs:
        try:
            with blaming(item.path):
                found = file_info(item.path, allow_truncated=allow_truncated)
        except NovasrError as error:
            print_error(error)
            failed = True
            continue
        verdict = judge_band(found.bandwidth_hz, found.sample_rate, any_band=any_band)
        described.append(_as_object(found, verdict))
        if not as_json:
            print(_as_line(found, verdict), flush=True)
        for warning in found.warnings:
            print_warning(f"{found.path}: {warning}")
    if as_json:
        print(json.dumps(described, indent=2))
    if failed:
        raise typer.Exit(EXIT_ERROR)


def _as_line(found: FileInfo, verdict: Verdict) -> str:
    channels = "mono" if found.channels == 1 else f"{found.channels} channels"
    stored = f"{found.format} {found.subtype}, {found.sample_rate / 1000:g} kHz, {channels}"
    return f"{found.path}: {stored}, {found.seconds:.2f} s: {verdict.text}"


def _as_object(found: FileInfo, verdict: Verdict) -> dict[str, Any]:
    fields = dataclasses.asdict(found)
    return fields | {
        "path": str(found.path),
        "extendable": verdict.kind == "extend",
        "verdict": verdict.text,
    }
