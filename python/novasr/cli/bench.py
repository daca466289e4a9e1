"""The command ``novasr bench``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from novasr.errors import AudioFormatError

HELP = """Measure speed and memory against the plain PyTorch network, in one run.

Close other programs first. A table goes to stdout; --json keeps the figures with their conditions.

\b
Examples:
  novasr bench
  novasr bench --engines torch --seconds 1,10 --json bench.json
"""


def bench(
    engines: Annotated[str, typer.Option(metavar="LIST", help="Engines, comma-separated.")] = "torch",
    seconds: Annotated[
        str, typer.Option(metavar="LIST", help="Lengths of whole recordings, in seconds.")
    ] = "1,10,60,600",
    threads: Annotated[int, typer.Option(min=1, help="LibTorch and PyTorch threads.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures here.")
    ] = None,
) -> None:
    """Run the benchmark and print it."""
    from rich.console import Console

    from novasr import benchmark

    progress = Console(stderr=True)
    with progress.status("starting") as status:
        figures = benchmark.run(
            tuple(engines.split(",")),
            seconds=_numbers(seconds),
            threads=threads,
            report=status.update,
        )
    _print_tables(figures)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        print(f"figures: {json_file}")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) <= 0:
        msg = f"--seconds takes positive numbers with commas between, not {text!r}"
        raise AudioFormatError(msg)
    return numbers


def _print_tables(figures: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(", ".join(f"{key} {value}" for key, value in figures["conditions"].items()))
    streaming = Table("engine", "block ms", "p50 us", "p99 us", "max us", "x real time")
    for row in figures["streaming"]:
        times = (f"{row[name]:.1f}" for name in ("p50_us", "p99_us", "max_us"))
        streaming.add_row(row["engine"], f"{row['block_ms']:g}", *times, f"{row['speed']:.1f}")
    whole = Table("engine", "audio s", "elapsed s", "x real time", "peak RSS MB", "x plain")
    plain = {row["seconds"]: row["speed"] for row in figures["whole"] if row["engine"] == "plain"}
    for row in figures["whole"]:
        ratio = row["speed"] / plain[row["seconds"]] if row["seconds"] in plain else None
        whole.add_row(
            row["engine"],
            f"{row['seconds']:g}",
            f"{row['elapsed']:.2f}",
            f"{row['speed']:.1f}",
            f"{row['peak_rss_mb']:.0f}",
            f"{ratio:.1f}" if ratio else "-",
        )
    console.print("Streaming, 16 kHz blocks, one channel", streaming)
    console.print("Whole recordings, one channel", whole)
