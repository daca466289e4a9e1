"""The commands ``novasr bank build`` and ``info``."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from novasr.errors import NovasrError, ParameterError
from novasr.messages import print_warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from novasr.training.datasets import Recording

HELP = """Make and describe banks of real high bands, in which the model studio looks up what a voice sounds like.

\b
Examples:
  novasr bank build recordings/ -o me.novabank
  novasr bank info me.novabank
"""

BUILD_HELP = """Make a bank of full-band recordings, best of the voice or instrument to enhance.

Some minutes of a voice are enough. Recordings whose band ends below 18 kHz are left out. A folder is one voice, unless
it holds a manifest.csv (columns file, bandwidth_khz, speaker, licence, source_repo), which also says how wide they are.
With more than fits, speakers get the same share. The same recordings give the same bank.

\b
Examples:
  novasr bank build recordings/ -o me.novabank
  novasr bank build speech/ music/ -o general.novabank --free-only
"""

INFO_HELP = """Tell what a bank holds: minutes, recordings, speakers and licences.

\b
Examples:
  novasr bank info me.novabank
  novasr bank info --json me.novabank > me.json
"""

_MOST_MINUTES = 17.0  # as in novasr.retrieval.bank, which imports PyTorch

app = typer.Typer()


@app.callback(invoke_without_command=True, help=HELP)
def bank(context: typer.Context) -> None:
    """Show the help if no command follows."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(help=BUILD_HELP)
def build(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER", help="Folders of recordings.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The bank, a .novabank file.")
    ],
    minutes: Annotated[
        float, typer.Option(min=0.5, max=400, help="At most so many; a minute takes 0.6 MB.")
    ] = _MOST_MINUTES,
    free_only: Annotated[
        bool,
        typer.Option(
            "--free-only",
            help="Only recordings that the manifest says are CC0, CC BY, public-domain or MIT.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="For another choice of what fits.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Build the bank and say what it holds."""
    from novasr.weights.torch_runtime import require_torch

    require_torch("studio")
    from novasr.cli.progress import progress_bars
    from novasr.retrieval.bank import Bank
    from novasr.retrieval.file import SUFFIX
    from novasr.retrieval.sources import LEAST_BANDWIDTH_HZ, is_free
    from novasr.training.datasets import read_recordings

    if output.suffix != SUFFIX:
        raise ParameterError(f"{output}: a bank's name ends in {SUFFIX}")
    if output.exists() and not overwrite:
        raise ParameterError(f"{output}: exists: choose another name, or replace it (--overwrite)")
    found = {}
    for folder, name in zip(folders, _names(folders), strict=True):
        recordings = read_recordings(folder, _warn)
        _warn_of_several_voices(folder, recordings)
        for recording in recordings:
            found[recording.path.resolve()] = replace(recording, speaker=recording.speaker or name)
    narrow = [one.bandwidth_hz for one in found.values() if one.bandwidth_hz < LEAST_BANDWIDTH_HZ]
    if 0 < len(narrow) < len(found):
        print_warning(
            f"left out: {len(narrow)} of {len(found)} recordings, whose band ends below "
            f"{LEAST_BANDWIDTH_HZ / 1000:g} kHz (the widest: {max(narrow) / 1000:.1f} kHz)"
        )
    licences = [one.licence or "none" for one in found.values() if not is_free(one.licence)]
    if free_only and 0 < len(licences) < len(found):
        print_warning(
            f"left out: {len(licences)} of {len(found)} recordings, whose licence is "
            f"{', '.join(sorted(set(licences)))}"
        )
    with progress_bars() as new_bar, new_bar("bank") as report:
        made = Bank.build(
            list(found.values()),
            most_minutes=minutes,
            seed=seed,
            free_only=free_only,
            report=report,
        )
    made.save(output)
    print(_as_text(output, _described(output)))


@app.command(help=INFO_HELP)
def info(
    path: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="A .novabank file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Describe the bank on stdout."""
    described = _described(path)
    print(json.dumps(described, indent=2) if as_json else _as_text(path, described))


def _names(folders: list[Path]) -> list[str]:
    """Call voices without a manifest by their folders, so that no two share a name: trust depends on their number."""
    parts = [folder.resolve().parts for folder in folders]
    last = 1
    while len({part[-last:] for part in parts}) < len(set(parts)):
        last += 1
    return ["/".join(part[-last:]) for part in parts]


def _warn_of_several_voices(folder: Path, recordings: Sequence[Recording]) -> None:
    inside = {
        recording.path.relative_to(folder).parts[0]
        for recording in recordings
        if not recording.speaker
        and recording.path.parent != folder
        and recording.path.is_relative_to(folder)  # a manifest may name others
    }
    if len(inside) > 1:
        print_warning(
            f"{folder}: its folders {', '.join(sorted(inside))} count as one voice: if they are several, name "
            "them one by one"
        )


def _warn(reason: NovasrError) -> None:
    print_warning(f"left out: {reason}")


def _described(path: Path) -> dict[str, Any]:
    from novasr.weights.torch_runtime import require_torch

    require_torch("studio")
    from novasr.families.studio.architecture import FRAME, RATE_HZ
    from novasr.retrieval.file import VERSION, read

    _, sources, _ = read(path)
    frames_per_minute = 60 * RATE_HZ / FRAME
    licences: dict[str, int] = defaultdict(int)
    for source in sources:
        licences[source.licence] += source.frames
    return {
        "path": str(path),
        "version": VERSION,
        "bytes": path.stat().st_size,
        "minutes": round(sum(licences.values()) / frames_per_minute, 2),
        "speakers": len({source.speaker for source in sources} - {""}),
        "licences": {
            licence: round(frames / frames_per_minute, 2)
            for licence, frames in sorted(licences.items())
        },
        "recordings": [
            {
                "file": source.file,
                "seconds": round(source.frames * FRAME / RATE_HZ, 2),
                "bandwidth_hz": source.bandwidth_hz,
                "speaker": source.speaker,
                "licence": source.licence,
                "source": source.source,
                "kind": source.kind,
            }
            for source in sources
        ],
    }


def _as_text(path: Path, described: dict[str, Any]) -> str:
    recordings = len(described["recordings"])
    speakers = f", speakers: {described['speakers']}" if described["speakers"] else ""
    lines = [
        f"{path}: version {described['version']}, {described['bytes'] / 1e6:.1f} MB, "
        f"{described['minutes']:.1f} minutes, recordings: {recordings}{speakers}"
    ]
    for licence, minutes in described["licences"].items():
        lines.append(f"  {licence or 'licence not said'}: {minutes:.1f} minutes")
    return "\n".join(lines)
