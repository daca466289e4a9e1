"""Which recordings a bank is made of, and their sound."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import soxr

from novasr.audio.reading import AudioReader
from novasr.errors import AudioFileError, BankError, blaming
from novasr.families.studio.architecture import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from novasr.training.datasets import Recording
    from novasr.types import FloatArray

LEAST_BANDWIDTH_HZ = 18_000.0
_LEAST_SECONDS = 10.0
_SHORTEST_SECONDS = 0.1  # of an excerpt
_FREE = re.compile(r"CC0([ -]1\.0)?|CC[ -]BY([ -]\d\.\d)?|public[ -]domain|MIT", re.IGNORECASE)


class Excerpt(NamedTuple):
    """A recording, and how many seconds from its start are used."""

    recording: Recording
    seconds: float


def is_free(licence: str) -> bool:
    """Tell whether a licence lets a bank be passed on under any terms: CC0, CC BY, public domain or MIT.

    One of several to choose from suffices ("or"); what several parts are under ("/"), or nobody says, does not.

    Examples
    --------
    >>> is_free("CC0-1.0"), is_free("GPL-3 or CC-BY-3.0 (author)"), is_free("CC BY-SA 3.0 / CC BY 3.0 (credits)")
    (True, True, False)
    """
    choices = licence.partition("(")[0].split(" or ")
    return any(_FREE.fullmatch(choice.strip()) for choice in choices)


def choose(
    recordings: Sequence[Recording], most_seconds: float, seed: int, *, free_only: bool = False
) -> list[Excerpt]:
    """Choose what a bank holds: as much as fits, speakers alike as far as they have enough.

    Parameters
    ----------
    recordings : sequence of Recording
        What there is; those of a narrower band than LEAST_BANDWIDTH_HZ are left out.
    most_seconds : float
        Of all together.
    seed : int
        Of the choice among a speaker's recordings.
    free_only : bool
        Leave out all whose licence is not free by :func:`is_free`.

    Returns
    -------
    list of Excerpt
        In the recordings' order.

    Raises
    ------
    BankError
        If nothing is left, or less than 10 s.
    """
    wide = [item for item in recordings if item.bandwidth_hz >= LEAST_BANDWIDTH_HZ]
    if not wide:
        widest = max((item.bandwidth_hz for item in recordings), default=0.0)
        raise BankError(
            f"no recording reaches {LEAST_BANDWIDTH_HZ / 1000:g} kHz (the widest: {widest / 1000:.1f} kHz): "
            "a bank is made of full-band recordings"
        )
    usable = [item for item in wide if not free_only or is_free(item.licence)]
    if not usable:
        raise BankError(
            "no recording is CC0, CC BY, public-domain or MIT by its manifest: build without --free-only"
        )
    speakers = defaultdict(list)
    for number in np.random.default_rng(seed).permutation(len(usable)):
        speakers[usable[number].speaker].append(int(number))
    shares = [sum(usable[number].seconds for number in numbers) for numbers in speakers.values()]
    share = _equal_share(shares, most_seconds)
    chosen: dict[int, Excerpt] = {}
    for numbers in speakers.values():
        left = share
        for number in numbers:
            seconds = min(left, usable[number].seconds)
            if seconds >= _SHORTEST_SECONDS:
                chosen[number] = Excerpt(usable[number], seconds)
            left -= seconds
    check_seconds(sum(item.seconds for item in chosen.values()))
    return [chosen[number] for number in sorted(chosen)]


def check_seconds(found: float) -> None:
    """Raise BankError if recordings of so many seconds are too short for a bank."""
    if found < _LEAST_SECONDS:
        raise BankError(
            f"{found:.1f} s of full-band recordings are too short for a bank: record {_LEAST_SECONDS:g} s or, "
            "better, some minutes"
        )


def read_excerpt(path: Path, seconds: float) -> FloatArray:
    """Read the start of a recording.

    Parameters
    ----------
    path : Path
        The audio file.
    seconds : float
        What to read at most.

    Returns
    -------
    ndarray of float32, shape (samples,)
        48 kHz; of several channels the loudest.

    Raises
    ------
    NovasrError
        If the file cannot be read, or holds NaN or infinite samples.
    """
    with blaming(path), AudioReader(path) as reader:
        rate, blocks, frames = reader.sample_rate, [], 0
        wanted = round(seconds * rate)
        for block in reader.blocks():
            blocks.append(block)
            frames += len(block)
            if frames >= wanted:
                break
    channels = np.concatenate(blocks)[:wanted]
    if not np.isfinite(channels).all():
        raise AudioFileError(f"{path}: holds NaN or infinite samples; repair or remove it")
    audio = channels[:, int(np.argmax(np.square(channels).sum(axis=0)))]
    if rate != RATE_HZ:
        audio = soxr.resample(audio, rate, RATE_HZ, quality="VHQ")
    return np.ascontiguousarray(audio, np.float32)


def _equal_share(available: Sequence[float], most: float) -> float:
    """Find how much of each may be taken so that all together are at most so much."""
    left = most
    for done, amount in enumerate(sorted(available)):
        share = left / (len(available) - done)
        if amount >= share:
            return share
        left -= amount
    return max(available)
