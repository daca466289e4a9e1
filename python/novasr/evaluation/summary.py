"""Averages over recordings, with confidence intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from novasr.evaluation.metrics import Distance
    from novasr.evaluation.runner import Score
    from novasr.types import DoubleArray

RESAMPLES = 2_000
SEED = 0
ALL = "all"
_SPEAKING = ("speech", "singing")

Key = tuple[str, str, str, str, float]  # system, class, variant, condition and band


@dataclass(frozen=True)
class Mean:
    """A mean and its 95 % confidence interval, which is NaN for a single cluster."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One system on one class of recordings.

    Attributes
    ----------
    system, kind, variant, condition : str
        As in :class:`Score`; `kind` may be ``"all"``.
    band_khz : float
        As in :class:`Score`.
    recordings, clusters : int
        Recordings, and those that the bootstrap draws: speakers where they are known, else recordings.
    means : dict of str to Mean
        By column; columns without any score are left out.
    """

    system: str
    kind: str
    variant: str
    condition: str
    band_khz: float
    recordings: int
    clusters: int
    means: dict[str, Mean]


def summarise(scores: Sequence[Score], protocol: Distance = "p1") -> list[Row]:
    """Average scores by system, class, variant, condition and band.

    Parameters
    ----------
    scores : sequence of Score
        Of any number of recordings.
    protocol : {"p1", "p2"}
        ``"p1"`` averages over recordings, ``"p2"`` over the recordings of each speaker first.

    Returns
    -------
    list of Row
        In the order of `scores`; class ``"all"`` follows the others if there are several.
    """
    kinds = list(dict.fromkeys(score.kind for score in scores))
    kinds += [ALL] if len(kinds) > 1 else []
    groups: dict[Key, list[Score]] = {}
    for kind in kinds:
        for score in scores:
            if kind in (score.kind, ALL):
                key = (score.system, kind, score.variant, score.condition, score.band_khz)
                groups.setdefault(key, []).append(score)
    return [_row(key, group, protocol) for key, group in groups.items()]


def all_classes(rows: Sequence[Row]) -> list[Row]:
    """Keep the rows of all classes together, which come last."""
    return [row for row in rows if row.kind == rows[-1].kind]


def differences(scores: Sequence[Score], other: str, protocol: Distance = "p1") -> list[Row]:
    """Average by how much the scores of each system exceed those of one, recording by recording.

    Parameters
    ----------
    scores : sequence of Score
        Of any number of recordings.
    other : str
        The system whose scores are subtracted: from those for the same recording, input and variant.
    protocol : {"p1", "p2"}
        As for :func:`summarise`.

    Returns
    -------
    list of Row
        As :func:`summarise` gives them, of all systems but `other`. Recordings without a finite difference do not
        count towards its mean.
    """
    known = {_output_of(score): score.values for score in scores if score.system == other}
    pairs = [(score, known.get(_output_of(score))) for score in scores if score.system != other]
    found = [
        replace(score, values=_subtracted(score.values, values))
        for score, values in pairs
        if values is not None
    ]
    return summarise(found, protocol)


def _output_of(score: Score) -> tuple[str, float, str, str]:
    return *_input_of(score), score.variant


def _subtracted(values: dict[str, float], others: dict[str, float]) -> dict[str, float]:
    """Subtract finite scores; what is undefined in either has no difference."""
    return {
        name: value - others[name] if np.isfinite([value, others[name]]).all() else np.nan
        for name, value in values.items()
    }


def count_harmed(scores: Sequence[Score]) -> dict[tuple[str, float, str], int]:
    """Count the recordings on which a system's LSD exceeds that of sinc.

    Returns
    -------
    dict of (str, float, str) to int
        By system, band in kHz and condition, of plain outputs; empty if sinc was not scored.
    """
    plain = [score for score in scores if score.variant == "plain" and "lsd" in score.values]
    at_rest = {_input_of(score): score.values["lsd"] for score in plain if score.system == "sinc"}
    harmed: dict[tuple[str, float, str], int] = {}
    for score in plain if at_rest else ():
        key = score.system, score.band_khz, score.condition
        harmed[key] = harmed.get(key, 0) + (score.values["lsd"] > at_rest[_input_of(score)])
    return harmed


def _input_of(score: Score) -> tuple[str, float, str]:
    return score.recording, score.band_khz, score.condition


def bootstrap_mean(
    values: DoubleArray, clusters: Sequence[str], *, by_cluster: bool = False
) -> Mean:
    """Average clustered values, and bootstrap the interval.

    Whole clusters are resampled, because recordings of one speaker are correlated (A. C.
    Davison, D. V. Hinkley, Bootstrap Methods and their Application, 1997, section 3.8); the interval
    is the percentile one, of 2000 draws with a fixed seed. With few clusters it is too narrow.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Scores, without NaN.
    clusters : sequence of str
        The cluster of each.
    by_cluster : bool
        Average the means of the clusters instead of the values.
    """
    from scipy.stats import bootstrap

    index = np.unique(clusters, return_inverse=True)[1]
    weights = np.ones(len(values)) / np.bincount(index)[index] if by_cluster else None
    counts = np.bincount(index, weights)
    sums = np.bincount(index, values if weights is None else values * weights)
    mean = float(sums.sum() / counts.sum())
    if len(sums) < 2 or not np.isfinite(sums).all():
        return Mean(mean, float("nan"), float("nan"))

    def ratio(a: NDArray[Any], b: NDArray[Any], axis: int) -> Any:
        return a.sum(axis) / b.sum(axis)

    interval = bootstrap(
        (sums, counts),
        ratio,
        n_resamples=RESAMPLES,
        paired=True,
        vectorized=True,
        method="percentile",
        random_state=SEED,
    ).confidence_interval
    return Mean(mean, float(interval.low), float(interval.high))


def cluster_of(score: Score) -> str:
    """Name the speaker where one is known, else the recording."""
    return score.speaker if score.speaker and score.kind in _SPEAKING else score.recording


def _row(key: Key, group: list[Score], protocol: Distance) -> Row:
    means = {}
    for column in _columns(group):
        valid = [score for score in group if not np.isnan(score.values.get(column, np.nan))]
        if valid:
            values = np.array([score.values[column] for score in valid])
            names = [cluster_of(score) for score in valid]
            means[column] = bootstrap_mean(values, names, by_cluster=protocol == "p2")
    clusters = len({cluster_of(score) for score in group})
    return Row(*key, recordings=len(group), clusters=clusters, means=means)


def _columns(scores: Iterable[Score]) -> list[str]:
    return list(dict.fromkeys(column for score in scores for column in score.values))
