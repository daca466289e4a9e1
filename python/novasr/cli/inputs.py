"""Which files a command works on, and what their results are called."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from novasr.audio.folder_search import count_others, search_folder
from novasr.errors import AudioFileError, NovasrError, ParameterError
from novasr.messages import print_note
from novasr.offline.results import default_destination, is_finished
from novasr.types import OutputRate


@dataclass(frozen=True)
class Input:
    """A file to work on.

    Attributes
    ----------
    path : Path
        The file.
    place : Path
        Its name, or its path below the folder in which it was found.
    """

    path: Path
    place: Path


@dataclass(frozen=True)
class Job:
    """A file to enhance.

    Attributes
    ----------
    source, destination : Path
        The file, and the name of its result.
    picture : Path
        Name for the spectrograms; no other job has it.
    remake : bool
        Whether what is in the place of the result is to be replaced.
    """

    source: Path
    destination: Path
    picture: Path
    remake: bool = False


def find_inputs(names: Sequence[Path], *, recursive: bool) -> tuple[list[Input], list[NovasrError]]:
    """Replace the folders among `names` by the audio files in them; tell on stderr what they hold besides.

    Parameters
    ----------
    names : sequence of Path
        Files and folders. Files are taken as they are, in folders the suffix decides.
    recursive : bool
        Whether to search the folders inside folders, too.

    Returns
    -------
    list of Input
        In the order of `names`, within a folder by name.
    list of NovasrError
        The folders that hold no audio file or cannot be read.
    """
    inputs: list[Input] = []
    failures: list[NovasrError] = []
    others: Counter[str] = Counter()
    for name in names:
        if not name.is_dir():
            inputs.append(Input(name, Path(name.name)))
            continue
        try:
            found = search_folder(name, recursive=recursive)
        except AudioFileError as error:
            failures.append(error)
            continue
        if found.files:
            inputs += [Input(path, path.relative_to(name)) for path in found.files]
            others += found.others
        else:
            failures.append(_no_audio(name, found.others, recursive=recursive))
    if others:
        print_note(f"left out: {count_others(others)}")
    return inputs, failures


def plan_jobs(
    inputs: Sequence[Input],
    *,
    output: Path | None,
    directory: Path | None,
    rate: OutputRate | None = None,
) -> tuple[list[Job], list[NovasrError]]:
    """Name the result of every input. One that is the result of another is none; a note counts them.

    Parameters
    ----------
    inputs : sequence of Input
        What to enhance.
    output : Path, optional
        Name for the result of the only input.
    directory : Path, optional
        Folder for the results; by default each lies beside its source.
    rate : int or "source", optional
        Of the results, which their names tell.

    Returns
    -------
    list of Job
        No two with the same destination, and none with another's source for it; one for a file that
        was named twice.
    list of NovasrError
        One for each input left out: its result would take the place of another file of this call.

    Raises
    ------
    ParameterError
        If `output` does not go with the other arguments.
    """
    if output is not None:
        return [_only_job(inputs, output, directory)], []
    claims = _claims(inputs, directory, rate)
    sources = {_absolute(item.path) for item in inputs}
    beside = claims if directory is None else _claims(inputs, None, rate)
    results = {
        place
        for found in (claims, beside)
        for place, claimants in found.items()
        if place in sources and _is_made(claimants.values(), rate)
    }
    if results:
        print_note(f"left out: {len(results)} results of other inputs")
    jobs: list[Job] = []
    refused: list[NovasrError] = []
    for place, by_source in claims.items():
        claimants = [job for source, job in by_source.items() if source not in results]
        if len(claimants) > 1:
            refused += [_namesake(job, claimants) for job in claimants]
        elif place in sources - results:
            refused += map(_in_the_way, claimants)
        else:
            jobs += claimants
    return _with_own_pictures(jobs), refused


def _only_job(inputs: Sequence[Input], output: Path, directory: Path | None) -> Job:
    if directory is not None:
        raise ParameterError("-o names the result, -d its folder: give one of them")
    if len(inputs) != 1:
        raise ParameterError(f"-o takes one input, not {len(inputs)}: use -d FOLDER")
    if output.is_dir():
        raise ParameterError(f"{output}: is a folder: use -d {output}")
    return Job(inputs[0].path, output, output.with_suffix(".png"))


def _claims(
    inputs: Sequence[Input], directory: Path | None, rate: OutputRate | None
) -> dict[str, dict[str, Job]]:
    """Sort the jobs by where the result is to be, and by where the source is."""
    claims: defaultdict[str, dict[str, Job]] = defaultdict(dict)
    for item in inputs:
        destination = default_destination(item.path, rate)
        if directory is not None:
            destination = directory / item.place.parent / destination.name
        job = Job(item.path, destination, destination.with_suffix(".png"))
        claims[_absolute(destination)].setdefault(_absolute(item.path), job)
    return claims


def _is_made(claimants: Collection[Job], rate: OutputRate | None) -> bool:
    return len(claimants) == 1 and all(
        is_finished(job.source, job.destination, rate) for job in claimants
    )


def _with_own_pictures(jobs: list[Job]) -> list[Job]:
    """Name pictures after the whole result where two would have one name: a.wav and a.flac."""
    names = Counter(_absolute(job.picture) for job in jobs)
    return [
        replace(job, picture=job.destination.with_name(f"{job.destination.name}.png"))
        if names[_absolute(job.picture)] > 1
        else job
        for job in jobs
    ]


def _absolute(path: Path) -> str:
    try:
        return os.path.normcase(os.path.realpath(path))
    except OSError:  # the working folder was deleted: the name alone tells files apart
        return str(path)


def _namesake(job: Job, claimants: Sequence[Job]) -> AudioFileError:
    others = " and ".join(str(other.source) for other in claimants if other is not job)
    return AudioFileError(
        f"{job.source}: would become {job.destination}, and so would {others}: "
        "enhance each by itself, with -o OUT"
    )


def _in_the_way(job: Job) -> AudioFileError:
    return AudioFileError(
        f"{job.source}: would become {job.destination}, which is to be enhanced, too: use -d FOLDER"
    )


def _no_audio(folder: Path, others: Counter[str], *, recursive: bool) -> AudioFileError:
    only = f", only {count_others(others)}" if others else ""
    hint = "" if recursive else " (--recursive searches the folders inside, too)"
    return AudioFileError(f"{folder}: no audio files in this folder{only}{hint}")
