"""The command ``novasr enhance``."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from novasr.cli.progress import NewBar, progress_bars
from novasr.errors import AudioFileError, NovasrError, blaming, describe
from novasr.messages import EXIT_ERROR, print_error, print_line, print_note, print_warning
from novasr.offline.cores import core_count

if TYPE_CHECKING:
    from novasr.cli.inputs import Job
    from novasr.offline.enhancement import Engine, Mode
    from novasr.offline.files import EnhanceResult


class EngineName(str, Enum):
    """What computes the model, as an option."""

    auto = "auto"
    native = "native"
    torch = "torch"


class ModeName(str, Enum):
    """What becomes of the band that is there already, as an option."""

    extend = "extend"
    full = "full"


class SubtypeName(str, Enum):
    """Sample widths, as an option."""

    pcm16 = "16"
    pcm24 = "24"
    float32 = "float"


HELP = """Extend speech to 24 kHz and store it at 48 kHz.

Results are named NAME-48k.wav (NAME-48k.flac for FLAC) and lie beside their sources. In folders,
files that are named like results are left out. Existing files are kept unless --overwrite is
given; --skip-existing goes on where an earlier call ended. A recording that has its full band already
is stored as it is, at 48 kHz. The file - is standard input or output: WAV as it comes.

\b
Examples:
  novasr enhance talk.wav
  novasr enhance talk.mp3 -o talk.flac --plot
  novasr enhance recordings/ -d enhanced/ --recursive --jobs 4
  novasr enhance loud.wav --gain auto --bits 24
  ffmpeg -v error -i talk.m4a -f wav - | novasr enhance - -o - | aplay
  arecord -t raw -r 16000 -f S16_LE | novasr enhance - -o - --raw 16000,1,s16le | aplay -t raw -r 48000 -f S16_LE
"""


def enhance(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="IN", readable=False, help="Audio files, or folders of them."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="Name of the result, for one input."),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option("-d", "--directory", metavar="DIR", help="Folder for the results."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="W", help="v1, v2 or a weights file.")
    ] = None,
    engine: Annotated[EngineName, typer.Option(help="What computes the model.")] = EngineName.auto,
    mode: Annotated[
        ModeName,
        typer.Option(help="extend: keep the band that is there; full: all from the model."),
    ] = ModeName.extend,
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
        SubtypeName | None,
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
) -> None:
    """Enhance files, report each, and exit with 2 if one failed."""
    from novasr.cli.inputs import find_inputs, plan_jobs
    from novasr.offline.results import is_result

    if skip_existing and overwrite:
        raise NovasrError("--skip-existing and --overwrite exclude each other")
    sound = Sound(
        mode=mode.value,
        engine=engine.value,
        weights=weights,
        rate=_parse_rate(rate),
        gain=_parse_gain(gain),
        subtype=None if subtype is None else subtype.value,
        quality=quality,
        dither=dither,
        allow_truncated=allow_truncated,
    )
    if Path("-") in inputs or output == Path("-"):
        if len(inputs) != 1 or output is None or plot:
            msg = "- is one input or output: novasr enhance - -o FILE, or novasr enhance FILE -o -"
            raise NovasrError(msg)
        _enhance_pipe(inputs[0], output, sound, raw, force=force, overwrite=overwrite)
        return
    if raw is not None:
        raise NovasrError("--raw tells what standard input is: novasr enhance - --raw ...")
    if plot:
        from novasr.audio.plot import require_matplotlib

        require_matplotlib()
    found, unusable = find_inputs(inputs, recursive=recursive)
    fresh = [item for item in found if item.path in inputs or not is_result(item.path)]
    if len(fresh) < len(found):
        print_note(f"left out: {len(found) - len(fresh)} named like results (NAME-48k)")
    if found and not fresh:
        raise AudioFileError("nothing to do: all files found are named like results (NAME-48k)")
    planned: list[Job] = []
    if fresh:
        planned, refused = plan_jobs(fresh, output=output, directory=directory)
        unusable += refused
    skipped: list[Job] = []
    if skip_existing:
        planned, skipped = _without_finished(planned, sound.rate)
    total = len(planned) + len(skipped) + len(unusable)
    failures: list[NovasrError] = []

    def fail(error: NovasrError) -> None:
        if total == 1:
            raise error
        failures.append(error)
        print_error(error)

    for error in unusable:
        fail(error)
    settings = Settings(sound, force, overwrite, plot)
    if dry_run or total == len(skipped) == 1:
        for job in skipped:
            print_line(f"{job.source}: {job.destination} is complete: skipped")
    if dry_run:
        _show(planned, settings, fail, new_folders=directory is not None)
        done = f"would be done: {len(planned) + len(unusable) - len(failures)}"
        _sum_up(f"{done} of {total} files", skipped, failures, total)
        return
    if directory is not None:
        planned = [job for job in planned if _has_folder(job, fail)]
    if len(planned) > 1:
        _check_space_for_all(planned, settings)
    started = time.perf_counter()
    results = _run(planned, settings, jobs or core_count(), fail)
    if total == 1:
        return
    done = f"{len(results)} of {total} files"
    if results:
        done += f": {_pace(sum(r.seconds for r in results), time.perf_counter() - started)}"
    _sum_up(done, skipped, failures, total)


def _sum_up(done: str, skipped: list[Job], failures: list[NovasrError], total: int) -> None:
    print_line(f"{done}, {len(skipped)} skipped" if skipped else done)
    if failures:
        print_error(f"{len(failures)} of {total} files failed")
        raise typer.Exit(EXIT_ERROR)


@dataclass(frozen=True)
class Sound:
    """What is to become of the sound of all files of one call."""

    mode: Mode
    engine: Engine
    weights: str | None
    rate: int | Literal["source"] | None
    gain: float | Literal["auto"]
    subtype: Literal["16", "24", "float"] | None
    quality: float | None
    dither: bool
    allow_truncated: bool


@dataclass(frozen=True)
class Settings:
    """What all files of one call share."""

    sound: Sound
    force: bool
    overwrite: bool
    plot: bool

    @property
    def layout(self) -> dict[str, Any]:
        """What `check_file` wants to know."""
        names = ("rate", "gain", "subtype", "quality", "allow_truncated")
        return {name: getattr(self.sound, name) for name in names}


def _parse_rate(text: str | None) -> int | Literal["source"] | None:
    if text is None or text == "source":
        return text  # type: ignore[return-value]
    if not text.isdecimal():
        raise NovasrError(f"--rate {text}: expected a rate in Hz, or source")
    return int(text)


def _parse_gain(text: str) -> float | Literal["auto"]:
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError:
        raise NovasrError(f"--gain {text}: expected decibels, or auto") from None


def _enhance_pipe(
    source: Path, output: Path, sound: Sound, raw: str | None, *, force: bool, overwrite: bool
) -> None:
    from novasr.audio.piping import parse_raw
    from novasr.offline.enhancement import Settings as Chain
    from novasr.offline.files import Storage
    from novasr.offline.pipe import enhance_pipe

    kind = None if raw is None else parse_raw(raw)
    with blaming(source):
        result = enhance_pipe(
            sys.stdin.buffer if source == Path("-") else source,
            sys.stdout.buffer if output == Path("-") else output,
            Chain(sound.mode, sound.engine, sound.weights, sound.rate, sound.gain),
            Storage(sound.subtype, sound.quality, sound.dither, overwrite, kind),
            force=force,
            allow_truncated=sound.allow_truncated,
        )
    _print_warnings(result)


def _without_finished(
    planned: list[Job], rate: int | Literal["source"] | None
) -> tuple[list[Job], list[Job]]:
    """Set the jobs apart that are done already."""
    from novasr.offline.results import is_finished

    rest: list[Job] = []
    skipped: list[Job] = []
    for job in planned:
        if is_finished(job.source, job.destination, rate):
            skipped.append(job)
        else:
            rest.append(replace(job, remake=job.destination.exists()))
    return rest, skipped


def _show(
    planned: list[Job],
    settings: Settings,
    fail: Callable[[NovasrError], None],
    *,
    new_folders: bool,
) -> None:
    """Print what would be done, as far as it can be told before the work."""
    from novasr.filesystem.disk_space import check_space
    from novasr.offline.files import check_file

    for job in planned:
        try:
            with blaming(job.source):
                _check_picture(job, settings)
                overwrite = settings.overwrite or job.remake
                needed = check_file(
                    job.source, job.destination, overwrite=overwrite, **settings.layout
                )
                if not new_folders and not job.destination.parent.is_dir():
                    raise AudioFileError(f"{job.destination}: the folder is missing")
                check_space(job.destination, needed)
        except NovasrError as error:
            fail(error)
        else:
            print_line(f"{job.source} -> {job.destination}")


class _Stopped(Exception):
    """Ends a job after Ctrl-C."""


def _run(
    planned: list[Job], settings: Settings, workers: int, fail: Callable[[NovasrError], None]
) -> list[EnhanceResult]:
    """Work on all files; report each as soon as those before it are done."""
    results: list[EnhanceResult] = []
    files = max(1, min(workers, len(planned)))
    with progress_bars() as new_bar, _pool(files) as (pool, stop):
        futures: list[Future[EnhanceResult]] = [
            pool.submit(_enhance_one, job, settings, workers // files, new_bar, stop)
            for job in planned
        ]
        for future in futures:
            try:
                result = future.result()
            except NovasrError as error:
                fail(error)
            else:
                results.append(result)
                _print_result(result, plot=settings.plot)
    return results


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[tuple[ThreadPoolExecutor, threading.Event]]:
    """Lend a thread pool and the event that ends its jobs; Ctrl-C sets it and waits for them."""
    stop = threading.Event()
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool, stop
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _enhance_one(
    job: Job, settings: Settings, threads: int, new_bar: NewBar, stop: threading.Event
) -> EnhanceResult:
    from novasr.offline.files import enhance_file

    _check_picture(job, settings)
    with blaming(job.source), new_bar(job.source.name) as report:

        def progress(done: float, total: float) -> None:
            if stop.is_set():
                raise _Stopped
            report(done, total)

        result = enhance_file(
            job.source,
            job.destination,
            **dataclasses.asdict(settings.sound),
            force=settings.force,
            overwrite=settings.overwrite or job.remake,
            jobs=threads,
            progress=progress,
        )
        if settings.plot:
            from novasr.audio.plot import plot_spectrograms

            try:
                plot_spectrograms(job.source, job.destination, _picture(job.destination))
            except Exception as error:  # the result is there: a picture is no reason to fail
                lost = f"no plot: {describe(error)}"
                result = dataclasses.replace(result, warnings=(*result.warnings, lost))
    return result


def _check_space_for_all(planned: list[Job], settings: Settings) -> None:
    """Add up what the results on each file system take; those that fail take nothing."""
    from novasr.filesystem.disk_space import check_space
    from novasr.offline.files import check_file

    needed: Counter[int] = Counter()
    folders: dict[int, Path] = {}
    for job in planned:
        with contextlib.suppress(NovasrError), blaming(job.source):
            overwrite = settings.overwrite or job.remake
            size = check_file(job.source, job.destination, overwrite=overwrite, **settings.layout)
            target = Path(os.path.realpath(job.destination))
            disk = target.parent.stat().st_dev
            needed[disk] += size - (target.stat().st_size if target.exists() else 0)
            folders[disk] = job.destination.parent
    for disk, folder in folders.items():
        check_space(folder, needed[disk])


def _print_result(result: EnhanceResult, *, plot: bool) -> None:
    pace = _pace(result.seconds, result.elapsed)
    print_line(f"{result.source} -> {result.destination}: {pace}")
    if plot and _picture(result.destination).is_file():
        print_line(f"plot: {_picture(result.destination)}")
    _print_warnings(result)


def _print_warnings(result: EnhanceResult) -> None:
    if result.replaced:
        print_warning(
            f"{result.source}: {result.replaced} NaN or infinite samples were replaced by zero"
        )
    if result.clipped:
        gain = "--gain DB" if result.destination == Path("-") else "--gain auto"
        print_warning(
            f"{result.destination}: {result.clipped} samples were clipped, the peak is"
            f" {result.peak:.2f} of full scale: add {gain}, or --subtype float"
        )
    for warning in result.warnings:
        print_warning(f"{result.source}: {warning}")


def _pace(seconds: float, elapsed: float) -> str:
    speed = seconds / elapsed
    digits = 0 if speed >= 10 else 1
    return f"{seconds:.1f} s in {elapsed:.2f} s ({speed:.{digits}f}x real time)"


def _check_picture(job: Job, settings: Settings) -> None:
    picture = _picture(job.destination)
    if settings.plot and picture.exists() and not (settings.overwrite or job.remake):
        raise AudioFileError(f"{picture}: exists: move it away or add --overwrite")


def _picture(destination: Path) -> Path:
    return destination.with_suffix(".png")


def _has_folder(job: Job, fail: Callable[[NovasrError], None]) -> bool:
    folder = job.destination.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(AudioFileError(f"{folder}: cannot be created: {error.strerror}"))
        return False
    return True
