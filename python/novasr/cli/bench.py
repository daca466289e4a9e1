"""The command ``novasr bench``."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from novasr.cli.numbers import numbers
from novasr.errors import AudioFileError
from novasr.types import ModelName

HELP = """Measure speed and memory against the plain PyTorch network, in one run.

Close other programs first. Tables go to stdout; --json keeps the figures with their conditions.

\b
Examples:
  novasr bench
  novasr bench --model wide
  novasr bench --engines native --blocks 1,10 --seconds 1,60 --json bench.json
"""


def bench(
    engines: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="native, torch or both (default: those that can run)."),
    ] = None,
    model: Annotated[ModelName, typer.Option(help="What they run.")] = "base",
    blocks: Annotated[
        str, typer.Option(metavar="LIST", help="Lengths of blocks, in milliseconds.")
    ] = "0.5,1,2,5,10,20",
    seconds: Annotated[
        str, typer.Option(metavar="LIST", help="Lengths of whole recordings, in seconds.")
    ] = "1,10,60,600",
    budget: Annotated[
        float, typer.Option(min=0, help="Seconds for which each case is repeated.")
    ] = 2.0,
    threads: Annotated[int, typer.Option(min=1, help="LibTorch and PyTorch threads.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures here.")
    ] = None,
) -> None:
    """Run the benchmark and print it."""
    from rich.console import Console

    from novasr.evaluation import benchmark
    from novasr.filesystem.replacing import replacing

    if json_file is not None and json_file.exists() and not json_file.is_file():
        raise AudioFileError(f"{json_file}: cannot be written: it is not a file")
    with replacing(json_file) if json_file else nullcontext() as temporary:
        with Console(stderr=True).status("starting") as status:
            figures = benchmark.run(
                tuple(dict.fromkeys(engines.split(","))) if engines is not None else None,
                model=model,
                blocks_ms=numbers("--blocks", blocks),
                seconds=numbers("--seconds", seconds),
                threads=threads,
                budget=budget,
                report=status.update,
            )
        if temporary is not None:
            temporary.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    _print_tables(figures)
    if json_file is not None:
        print(f"figures: {json_file}")


def _print_tables(figures: dict[str, Any]) -> None:
    print(", ".join(f"{key} {value}" for key, value in figures["conditions"].items()))
    print("\nStreams of blocks at the rate of the network's input, one channel")
    print(f"{'engine':8}{'block ms':>9}{'n':>8}{'p50 us':>10}{'p99':>10}{'p99.9':>10}{'max':>10}")
    for row in figures["blocks"]:
        times = "".join(f"{row[key]:10.1f}" for key in ("p50_us", "p99_us", "p999_us", "max_us"))
        print(f"{row['engine']:8}{row['block_ms']:9g}{row['n']:8}{times}")
    print("\nWhole recordings, one channel")
    print(f"{'engine':8}{'audio s':>9}{'n':>8}{'x real time':>12}{'peak MB':>9}{'x plain':>9}")
    for row in figures["files"]:
        ratio = f"{row['ratio_to_plain']:9.1f}" if row["ratio_to_plain"] else f"{'-':>9}"
        print(
            f"{row['engine']:8}{row['seconds']:9g}{row['n']:8}{row['speed']:12.1f}"
            f"{row['peak_rss_mb']:9.0f}{ratio}"
        )
    for line in figures["left_out"]:
        print(f"left out: {line}")
