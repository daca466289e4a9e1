"""The command ``novasr train``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from novasr.errors import (
    MissingPackageError,
    NovasrError,
    ParameterError,
    StreamError,
    install_command,
)
from novasr.messages import print_warning

if TYPE_CHECKING:
    from novasr.training.loop import Progress

HELP = """Train weights from scratch on 48 kHz recordings, or go on with a run that was stopped.

A folder may hold a manifest.csv (columns file, bandwidth_khz, speaker, licence); without one the true band of
every recording is measured. The folder of the run gets weights.safetensors, card.md, log.csv, a checkpoint, and
TensorBoard's files if it is installed. The same command goes on after Ctrl-C or a crash; on a CPU bit for bit.

\b
Examples:
  novasr train recordings/ -o runs/mine --minutes 60
  novasr train speech/ music/ -o runs/mine --recipe mine.toml --test other-voices/
  novasr train speech/ music/ -o runs/studio --recipe studio
  novasr enhance talk.wav -o out.wav --weights runs/mine/weights.safetensors
"""


def train(
    data: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of recordings.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the run is kept.")
    ],
    test: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Recordings to score the weights on; repeatable."),
    ] = None,
    recipe: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="A recipe of this package, or a TOML file.")
    ] = "novasr-short",
    minutes: Annotated[
        float | None,
        typer.Option(min=0.1, help="As many steps as fit; the number is printed and kept."),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda", help="auto: a CUDA device if there is one.")
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="CPU threads; runs repeat bit for bit with the same number."),
    ] = None,
) -> None:
    """Run the training and print where its results are."""
    import dataclasses

    from novasr.weights.torch_runtime import require_torch

    if minutes is not None and steps is not None:
        raise ParameterError("--minutes and --steps exclude each other")
    _require("torch", "soxr", "scipy", *(["tomli"] if sys.version_info < (3, 11) else []))
    torch = require_torch()
    from novasr.training.clips import gather
    from novasr.training.datasets import read_recordings
    from novasr.training.loop import score, steps_in
    from novasr.training.loop import train as run
    from novasr.training.recipe import load_recipe

    device = _device(device, torch.cuda.is_available())
    if threads is not None:
        torch.set_num_threads(threads)
    plan = load_recipe(recipe)
    if seed is not None:
        plan = dataclasses.replace(plan, seed=seed)
    recordings, validation = gather(data, plan, _warn)
    unseen = [recording for folder in test or () for recording in read_recordings(folder, _warn)]
    hours = sum(recording.seconds for recording in recordings) / 3600
    print(
        f"{len(recordings)} recordings, {hours:.2f} hours; {len(validation)} held out for validation"
    )
    if minutes is not None:
        steps = steps_in(minutes, recordings, output, plan, device)
        print(
            f"{steps} steps in about {minutes:g} minutes (--steps {steps} repeats this run exactly)"
        )
    with _bar() as report:
        weights = run(
            recordings,
            validation,
            output,
            plan,
            steps=steps,
            device=device,
            report=_telling_resumption(report),
            left_out=_warn,
        )
    if unseen:
        print(_as_line(*score(output, unseen, plan, _warn)))
    print(f"weights: {weights}")
    print(f"model card: {output / 'card.md'}")
    print(f"log: {output / 'log.csv'}")


def _as_line(lsd: float | None, count: int) -> str:
    result = "all recordings are too short" if lsd is None else f"{lsd:.3f}"
    return f"test loss: {result} (log-spectral distance, first 4 s of {count} recordings)"


def _warn(reason: NovasrError) -> None:
    print_warning(f"left out: {reason}")


def _device(wanted: str, has_cuda: bool) -> str:
    if wanted not in ("auto", "cpu", "cuda"):
        raise ParameterError(f"--device takes auto, cpu or cuda, not {wanted!r}")
    if wanted == "cuda" and not has_cuda:
        raise StreamError("--device cuda: PyTorch sees no CUDA device here")
    return wanted if wanted != "auto" else ("cuda" if has_cuda else "cpu")


def _require(*modules: str) -> None:
    from importlib.util import find_spec

    for module in modules:
        if find_spec(module) is None:
            msg = f"novasr train needs {module}: {install_command('train')}"
            raise MissingPackageError(msg)


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """Show a bar on a terminal; elsewhere print a line for each tenth of the run."""
    if not sys.stderr.isatty():
        yield _print_tenths
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None, state="")

        def report(progress: Progress) -> None:
            lsd = f", LSD {progress.validation_lsd:.3f}" if progress.validation_lsd else ""
            state = f"loss {progress.loss:.3f}{lsd}"
            bars.update(task, completed=progress.step, total=progress.steps, state=state)

        yield report


def _telling_resumption(report: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Say once, before the first step reported, where the run goes on."""
    begun = False

    def told(progress: Progress) -> None:
        nonlocal begun
        if not begun and progress.step > 1:
            print(f"resumed after step {progress.step - 1} of {progress.steps}", flush=True)
        begun = True
        report(progress)

    return told


def _print_tenths(progress: Progress) -> None:
    if progress.step % max(1, progress.steps // 10) == 0:
        lsd = f", validation LSD {progress.validation_lsd:.3f}" if progress.validation_lsd else ""
        print(
            f"step {progress.step} of {progress.steps}: loss {progress.loss:.3f}{lsd}", flush=True
        )
