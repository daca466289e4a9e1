"""Which files a command works on, and what their results are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from novasr.cli.messages import print_note
from novasr.errors import AudioFileError, NovasrError
from novasr.files import default_destination
from novasr.folder_search import count_others, search_folder


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
    """A file to enhance and the name of the result."""

    source: Path
    destination: Path


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


def plan_jobs(inputs: Sequence[Input], *, output: Path | None, directory: Path | None) -> list[Job]:
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
        One for each input, no two with the same destination.

    Raises
    ------
    NovasrError
        If `output` does not go with the other arguments, or results would overwrite each other.
    """
    if output is not None:
        if directory is not None:
            raise NovasrError("-o names the result, -d its folder: give one of them")
        if len(inputs) != 1:
            raise NovasrError(f"-o takes one input, not {len(inputs)}: use -d FOLDER")
        if output.is_dir():
            raise NovasrError(f"{output}: is a folder: use -d {output}")
        return [Job(inputs[0].path, output)]
    jobs: dict[Path, Job] = {}
    for item in inputs:
        destination = default_destination(item.path)
        if directory is not None:
            destination = directory / item.place.parent / destination.name
        twin = jobs.get(destination)
        if twin is not None:
            raise NovasrError(
                f"{twin.source} and {item.path} would both become {destination}: name one with -o"
            )
        jobs[destination] = Job(item.path, destination)
    return list(jobs.values())


def is_result(path: Path) -> bool:
    """Tell whether `path` has the name of a result."""
    return path.stem.endswith("-48k")


def _no_audio(folder: Path, others: Counter[str], *, recursive: bool) -> AudioFileError:
    only = f", only {count_others(others)}" if others else ""
    hint = "" if recursive else " (--recursive searches the folders inside, too)"
    return AudioFileError(f"{folder}: no audio files in this folder{only}{hint}")
