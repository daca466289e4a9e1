"""Real high bands by the low bands they belong to."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from novasr.errors import BankError
from novasr.families.studio.architecture import FRAME, HIGH_BANDS, RATE_HZ
from novasr.retrieval import file
from novasr.retrieval.entries import (
    DB,
    HIGHEST_DB,
    LOWEST_DB,
    Entries,
    bands_inside,
    decibels,
    entries,
)
from novasr.retrieval.file import Source
from novasr.retrieval.index import Index, require_faiss, train
from novasr.retrieval.keys import RANGES, SCALES, STORED, averaged
from novasr.retrieval.sources import check_seconds, choose, read_excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from novasr.families.studio.conditions import Situation
    from novasr.training.datasets import Recording
    from novasr.types import FloatArray

NEIGHBOURS = 4  # with more, levels become smoother than a recording's
MOST_MINUTES = 17.0  # make a file of less than 10 MB
_LEAST_SQUARE = 0.25  # of a distance in dB: what rounding leaves
# Distances at which what is found counts half, and how steeply (bench/bank.py voices). A voice's own frames are 2.5 to
# 3.7 dB from each other, another's 3.3 to 11; at the same distance another's high band is further off than the guess.
_ONE_VOICE_DB, _MANY_VOICES_DB = 5.0, 2.0
_STEEPNESS = 8


class Retrieved(NamedTuple):
    """What a bank knows of a stretch.

    Attributes
    ----------
    levels : Tensor, shape (batch, HIGH_BANDS, frames)
        Relative levels as in a Situation, averaged with the frames beside.
    trust : Tensor, shape (batch, HIGH_BANDS, frames)
        From 1, where the low bands are the bank's own, to 0, where they are far away, nothing was looked up, or
        what was found has not so wide a band.
    distance_db : Tensor, shape (batch, 1, frames)
        Of the low bands to the nearest entry's, root of the mean square over bands, mean over scales; infinite where
        nothing was looked up.
    """

    levels: Tensor
    trust: Tensor
    distance_db: Tensor


class Bank:
    """Frames of full-band recordings, looked up by their low bands.

    One of a single voice, which is what recordings without a speaker's name count as, is trusted at greater distances.

    Attributes
    ----------
    sources : list of Source
        The recordings, in the entries' order.
    """

    def __init__(
        self, stored: Entries, sources: list[Source], tables: file.AllTables | None = None
    ) -> None:
        self._stored, self.sources = stored, sources
        counts = [source.frames for source in sources]
        self._ends = np.cumsum(counts)
        inside = [bands_inside(source.bandwidth_hz) for source in sources]
        self._inside = np.repeat(np.array(inside), counts)
        self._one_voice = len({source.speaker for source in sources}) == 1
        self._tables = tables if tables is not None else {}
        self._indexes: dict[tuple[str, int], Index] = {}
        self._one_at_a_time = threading.Lock()

    @classmethod
    def build(
        cls,
        recordings: Sequence[Recording],
        *,
        most_minutes: float = MOST_MINUTES,
        seed: int = 0,
        free_only: bool = False,
        report: Callable[[float, float], None] = lambda done, total: None,
    ) -> Bank:
        """Make a bank of recordings; the same ones give the same bank.

        Parameters
        ----------
        recordings : sequence of Recording
            As ``read_recordings`` of ``novasr.training.datasets`` gives them. Those of a band up to 18 kHz or more are
            used, speakers alike.
        most_minutes : float
            Of recordings in all.
        seed : int
            Of the choice, where there is more, and of the index.
        free_only : bool
            Use CC0, CC BY, public-domain and MIT recordings alone.
        report : callable, optional
            Called with the seconds of audio done and in all.

        Returns
        -------
        Bank
            Ready for use.

        Raises
        ------
        BankError
            If the recordings are too narrow, not free or too short.
        NovasrError
            If one cannot be read.
        MissingPackageError
            If FAISS is not installed.
        """
        require_faiss()
        excerpts = choose(recordings, 60 * most_minutes, seed, free_only=free_only)
        total = sum(excerpt.seconds for excerpt in excerpts)
        parts, sources, done, read = [], [], 0.0, 0.0
        for recording, seconds in excerpts:
            audio = read_excerpt(recording.path, seconds)
            part = entries(audio)
            read += len(audio) / RATE_HZ
            done += seconds
            report(done, total)
            if len(part.low) == 0:
                continue
            parts.append(part)
            sources.append(_source(recording, len(part.low)))
        if not parts:
            raise BankError("the recordings hold no audio: a bank is made of full-band recordings")
        check_seconds(read)
        bank = cls(Entries(*map(np.concatenate, zip(*parts, strict=True))), sources)
        for span in RANGES:
            for scale in SCALES:
                trained = train(bank._keys(span, scale), seed)
                if trained is not None:
                    bank._tables[span, scale] = trained
        return bank

    @classmethod
    def load(cls, path: str | Path) -> Bank:
        """Read a bank.

        Raises
        ------
        BankError
            If the file is missing, damaged, no bank or of another version.
        MissingPackageError
            If FAISS is not installed.
        """
        require_faiss()
        return cls(*file.read(Path(path)))

    def save(self, path: str | Path) -> None:
        """Write the bank; an existing file is replaced.

        Raises
        ------
        AudioFileError
            If it cannot be written.
        """
        file.write(Path(path), self._stored, self.sources, self._tables)

    @property
    def minutes(self) -> float:
        """Length of the recordings in the bank."""
        return len(self._stored.low) * FRAME / RATE_HZ / 60

    def levels(self, known: Situation) -> Retrieved:
        """Look up what may lie above the cut-off.

        A frame's result depends on the frames up to REACH_FRAMES from it and on nothing else, to the last bit.

        Parameters
        ----------
        known : Situation
            Of any frames and cut-offs; below a cut-off of 3.2 kHz nothing is looked up.

        Returns
        -------
        Retrieved
            Of the same frames.
        """
        items = [self._levels(*item) for item in zip(known.low, known.known, strict=True)]
        levels, filled, distance = (
            torch.stack(part).to(known.guess) for part in zip(*items, strict=True)
        )
        half = _ONE_VOICE_DB if self._one_voice else _MANY_VOICES_DB
        return Retrieved(levels, filled / (1 + (distance / half) ** _STEEPNESS), distance)

    def _levels(self, low: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        queries = low[STORED].T.cpu().numpy() * np.float32(DB)
        queries = np.clip(queries, LOWEST_DB, HIGHEST_DB)
        heard = known[STORED].T.cpu().numpy() > 0
        levels = np.zeros((len(heard), HIGH_BANDS), np.float32)
        filled = np.zeros_like(levels)
        distance = np.full(len(levels), np.inf, np.float32)
        left = np.ones(len(levels), bool)
        for span, bands in RANGES.items():
            valid = left & heard[:, bands].all(1)
            left &= ~valid
            if valid.any():
                found = self._look_up(span, queries[:, bands], valid)
                levels[valid], filled[valid], distance[valid] = found
        return (
            torch.from_numpy(levels.T.copy()),
            torch.from_numpy(filled.T.copy()),
            torch.from_numpy(distance)[None],
        )

    def _look_up(
        self, span: str, queries: FloatArray, valid: NDArray[np.bool_]
    ) -> tuple[FloatArray, NDArray[np.bool_], FloatArray]:
        """Give the valid frames' levels, which of them were found, and distances."""
        total = np.zeros((int(valid.sum()), HIGH_BANDS), np.float32)
        scales = np.zeros_like(total)
        nearest = np.zeros(len(total), np.float32)
        for scale in SCALES:
            wanted = averaged(queries, valid, scale)[valid]
            squares, numbers = self._index_of(span, scale).nearest(wanted, NEIGHBOURS)
            found, some = self._mean(squares, numbers)
            total += found
            scales += some
            nearest += np.sqrt(squares[:, 0]) / np.float32(len(SCALES))
        levels = (total / np.maximum(scales, 1) / np.float32(DB)).astype(np.float32)
        return levels, scales > 0, nearest

    def _mean(
        self, squares: FloatArray, numbers: NDArray[np.int64]
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Average the neighbours' levels in dB; 0 and False for bands that none of them fills."""
        weights = (1 / (squares + _LEAST_SQUARE)).astype(np.float32)
        total = np.zeros((len(squares), HIGH_BANDS), np.float32)
        sums = np.zeros_like(total)
        for column in range(
            squares.shape[1]
        ):  # one by one: a sum over an axis may round by its length
            which = numbers[:, column]
            filled = np.arange(HIGH_BANDS) < self._inside[which, None]
            weight = weights[:, column, None] * filled
            total += weight * decibels(self._stored.high[which])
            sums += weight
        return (total / np.where(sums > 0, sums, 1)).astype(np.float32), sums > 0

    def _keys(self, span: str, scale: int) -> FloatArray:
        low = decibels(self._stored.low[:, RANGES[span]])
        parts = np.split(low, self._ends[:-1])
        return np.concatenate([averaged(part, np.ones(len(part), bool), scale) for part in parts])

    def _index_of(self, span: str, scale: int) -> Index:
        """Make an index when it is first asked for, once, whoever asks."""
        with self._one_at_a_time:
            if (span, scale) not in self._indexes:
                self._indexes[span, scale] = self._new_index(span, scale)
            return self._indexes[span, scale]

    def _new_index(self, span: str, scale: int) -> Index:
        return Index(self._keys(span, scale), self._tables.get((span, scale)))


def _source(recording: Recording, frames: int) -> Source:
    return Source(
        recording.path.name,
        frames,
        recording.bandwidth_hz,
        recording.speaker,
        recording.licence,
        recording.source,
        recording.kind,
    )
