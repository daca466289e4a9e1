"""Which files a command works on, and what their results are called."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from novasr.audio.folder_search import count_others, search_folder
from novasr.errors import AudioFileError, NovasrError
from novasr.messages import print_note
from novasr.offline.results import default_destination


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
    """A file to enhance, the name of the result, and whether an unfinished one is in its place."""

    source: Path
    destination: Path
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
    inputs: Sequence[Input], *, output: Path | None, directory: Path | None
) -> tuple[list[Job], list[NovasrError]]:
    """Name the result of every input.

    Parameters
    ----------
    inputs : sequence of Input
        What to enhance.
    output : Path, optional
        Name for the result of the only input.
    directory : Path, optional
        Folder for the results; by default each lies beside its source.

    Returns
    -------
    list of Job
        No two with the same destination, and none with another's source for it.
    list of NovasrError
        One for each input left out: its result would take the place of another file of this call.

    Raises
    ------
    NovasrError
        If `output` does not go with the other arguments.
    """
    if output is not None:
        if directory is not None:
            raise NovasrError("-o names the result, -d its folder: give one of them")
        if len(inputs) != 1:
            raise NovasrError(f"-o takes one input, not {len(inputs)}: use -d FOLDER")
        if output.is_dir():
            raise NovasrError(f"{output}: is a folder: use -d {output}")
        return [Job(inputs[0].path, output)], []
    claims: defaultdict[str, list[Job]] = defaultdict(list)
    sources = {_absolute(item.path) for item in inputs}
    for item in inputs:
        destination = default_destination(item.path)
        if directory is not None:
            destination = directory / item.place.parent / destination.name
        claims[_absolute(destination)].append(Job(item.path, destination))
    jobs: list[Job] = []
    refused: list[NovasrError] = []
    for place, claimants in claims.items():
        if len(claimants) > 1:
            refused += [_namesake(job, claimants) for job in claimants]
        elif place in sources:
            refused.append(_in_the_way(claimants[0]))
        else:
            jobs += claimants
    return jobs, refused


def _absolute(path: Path) -> str:
    try:
        return os.path.normcase(os.path.realpath(path))
    except OSError:  # the working folder was deleted: the name alone tells files apart
        return str(path)


def _namesake(job: Job, claimants: Sequence[Job]) -> AudioFileError:
    others = " and ".join(str(other.source) for other in claimants if other is not job)
    return AudioFileError(
        f"{job.source}: would become {job.destination}, and so would {others}: name each with -o"
    )


def _in_the_way(job: Job) -> AudioFileError:
    return AudioFileError(
        f"{job.source}: would become {job.destination}, which is to be enhanced, too: use -d FOLDER"
    )


def _no_audio(folder: Path, others: Counter[str], *, recursive: bool) -> AudioFileError:
    only = f", only {count_others(others)}" if others else ""
    hint = "" if recursive else " (--recursive searches the folders inside, too)"
    return AudioFileError(f"{folder}: no audio files in this folder{only}{hint}")
