"""Means and their intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from novasr.evaluation.report import difference_cell
from novasr.evaluation.runner import Score
from novasr.evaluation.summary import Mean, bootstrap_mean, count_harmed, differences, summarise


def score(recording: str, speaker: str, value: float, kind: str = "speech") -> Score:
    return Score(recording, kind, speaker, "sinc", "plain", "clean", 8.0, {"lsd": value})


def test_the_interval_holds_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    names = [str(number) for number in range(30)]
    hits = 0
    for _ in range(100):
        found = bootstrap_mean(rng.standard_normal(30), names)
        hits += found.low < 0 < found.high
    assert 86 <= hits <= 99  # binomial around 0.93: the percentile interval is a little narrow


def test_clusters_that_agree_within_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    speakers = np.repeat(np.arange(10), 10)
    values = rng.standard_normal(10)[speakers] + 0.01 * rng.standard_normal(100)
    by_recording = bootstrap_mean(values, list(map(str, range(100))))
    by_speaker = bootstrap_mean(values, list(map(str, speakers)))
    assert by_recording.mean == pytest.approx(by_speaker.mean)
    assert by_speaker.high - by_speaker.low > 2 * (by_recording.high - by_recording.low)


def test_a_seed_makes_it_repeatable_and_one_cluster_has_no_interval() -> None:
    values = np.arange(5.0)
    assert bootstrap_mean(values, list("abcde")) == bootstrap_mean(values, list("abcde"))
    alone = bootstrap_mean(values, ["one"] * 5)
    assert alone.mean == 2
    assert np.isnan([alone.low, alone.high]).all()


def test_harm_is_counted_against_sinc() -> None:
    scores = [score("1", "a", 2.0), score("2", "a", 2.0)]
    assert count_harmed(scores) == {("sinc", 8.0, "clean"): 0}
    others = [
        replace(item, system="base", values={"lsd": lsd}) for item, lsd in zip(scores, (1, 3))
    ]
    assert count_harmed(scores + others)["base", 8.0, "clean"] == 1
    assert count_harmed(others) == {}


def test_p1_averages_recordings_and_p2_speakers() -> None:
    scores = [score("1", "a", 1.0), score("2", "a", 1.0), score("3", "b", 4.0)]
    assert summarise(scores, "p1")[0].means["lsd"].mean == pytest.approx(2)
    assert summarise(scores, "p2")[0].means["lsd"].mean == pytest.approx(2.5)


def test_classes_come_with_their_sum_and_music_is_counted_by_recording() -> None:
    scores = [score("1", "a", 1.0), score("2", "a", 2.0)]
    scores += [score("3", "music", 3.0, "music"), score("4", "music", np.nan, "music")]
    rows = summarise(scores)
    found = [(row.kind, row.recordings, row.clusters) for row in rows]
    assert found == [("speech", 2, 1), ("music", 2, 2), ("all", 4, 3)]
    assert rows[1].means["lsd"].mean == 3
    assert rows[2].means["lsd"].mean == 2


def test_bands_are_averaged_and_compared_one_by_one() -> None:
    scores = [score("1", "a", 1.0), replace(score("1", "a", 3.0), band_khz=4.0)]
    assert [(row.band_khz, row.means["lsd"].mean) for row in summarise(scores)] == [(8, 1), (4, 3)]
    others = [replace(item, system="base", values={"lsd": 2.0}) for item in scores]
    harmed = count_harmed(scores + others)
    assert (harmed["base", 8.0, "clean"], harmed["base", 4.0, "clean"]) == (1, 0)


def of_base(item: Score, value: float) -> Score:
    return replace(item, system="base", values={"lsd": value})


def test_a_small_steady_difference_shows_where_the_intervals_of_the_means_overlap() -> None:
    rng = np.random.default_rng(4)
    sinc = [score(str(n), f"speaker {n // 2}", value) for n, value in enumerate(rng.random(20))]
    base = [of_base(item, item.values["lsd"] + 0.02 + 0.01 * rng.random()) for item in sinc]
    mine, others = (row.means["lsd"] for row in summarise(sinc + base))
    assert mine.high > others.low
    (row,) = differences(sinc + base, "sinc")
    assert (row.system, row.recordings, row.clusters) == ("base", 20, 10)
    assert row.means["lsd"].mean == pytest.approx(others.mean - mine.mean)
    assert 0.02 < row.means["lsd"].low < row.means["lsd"].mean < row.means["lsd"].high < 0.03
    (back,) = differences(sinc + base, "base")
    assert back.means["lsd"].mean == pytest.approx(-row.means["lsd"].mean)


def test_the_interval_of_a_difference_is_that_of_speakers() -> None:
    sinc = [score(str(n), f"speaker {n // 10}", 0.0) for n in range(40)]
    base = [of_base(item, float(int(item.speaker[-1]) % 2)) for item in sinc]
    (row,) = differences(sinc + base, "sinc")
    # Four speakers, of whom two differ: all draws of the same kind have a chance of 1/16 each.
    assert (row.means["lsd"].low, row.means["lsd"].high) == (0, 1)


def test_differences_are_those_of_one_recording_band_and_variant_and_finite() -> None:
    sinc = [score("1", "a", 1.0), score("2", "b", np.inf), score("3", "c", np.nan)]
    sinc.append(replace(sinc[0], band_khz=4.0, values={"lsd": 5.0}))
    base = [of_base(item, 7.0) for item in sinc] + [of_base(score("4", "d", 0.0), 7.0)]
    rows = differences(sinc + base, "sinc")
    assert [(row.band_khz, row.means["lsd"].mean) for row in rows] == [(8, 6), (4, 2)]
    assert differences(base, "base") == []


@pytest.mark.parametrize(
    ("mean", "text"),
    [
        (Mean(0.5, 0.4, 0.6), "+0.50 ±0.10 *"),
        (Mean(-0.5, -0.6, 0.1), "-0.50 ±0.35"),
        (Mean(1.0, np.nan, np.nan), "+1.00"),
        (None, "-"),
    ],
)
def test_a_difference_that_excludes_0_is_marked(mean: Mean | None, text: str) -> None:
    assert difference_cell(mean, 2) == text
