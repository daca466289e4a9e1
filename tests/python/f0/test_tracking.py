"""F0 of voices that have a known one, by every method; and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import needs
import numpy as np
import pytest
import voices

from novasr import MissingPackageError, ParameterError
from novasr.evaluation import metrics
from novasr.f0 import METHODS, track
from novasr.f0.tracking import Method, _median_of_votes

every_method = pytest.mark.parametrize("method", METHODS)

# Median and 95 % of the errors in cents on tones. pYIN's grid is 10 cents, CREPE's bins are 20.
TONE_CENTS = {"harvest": (1, 2), "dio": (1, 3), "crepe": (12, 25), "pyin": (6, 12), "praat": (2, 4)}
TONE_CENTS["hybrid"] = (5, 12)
# Share of white noise that may count as voiced; Harvest is known for it, and CREPE's threshold is low.
NOISE_VOICED = {
    "harvest": 0.35,
    "dio": 0.05,
    "crepe": 0.15,
    "pyin": 0.3,
    "praat": 0.05,
    "hybrid": 0.05,
}
# On resynthesised speech: RMS cents, gross and voicing errors in percent, clean.
SPEECH_ERRORS = {
    "harvest": (45, 3, 25),
    "dio": (45, 3, 25),
    "crepe": (60, 6, 25),
    "pyin": (60, 3, 25),
}
SPEECH_ERRORS |= {"praat": (45, 3, 25), "hybrid": (45, 3, 25)}


@every_method
@pytest.mark.parametrize("seed", range(3))
def test_tones_that_glide_are_followed(method: Method, seed: int) -> None:
    voices.require(method)
    rate = (16_000, 44_100, 48_000)[seed]
    hertz = voices.glide(np.random.default_rng(seed), rate)
    found = track(voices.voice(hertz, rate), rate, method=method)
    inner = slice(6, -6)  # without the ends, which some windows hold in part
    assert (found[inner] > 0).all()
    truth = voices.at_times(hertz, rate, len(found))
    off = np.abs(voices.cents(found[inner], truth[inner]))
    median, most = TONE_CENTS[method]
    assert np.median(off) < median
    assert np.quantile(off, 0.95) < most


@every_method
@pytest.mark.parametrize("rate", [8_000, 11_025, 96_000, 192_000])
def test_other_rates_give_the_same_times_and_values(method: Method, rate: int) -> None:
    voices.require(method)
    audio = voices.voice(np.full((rate + 1) // 2, 155.0), rate)
    found = track(audio.astype(np.float32), rate, method=method)
    assert found.shape == (51,)
    assert found.dtype == np.float64
    np.testing.assert_allclose(voices.cents(found[8:-8], 155.0), 0, atol=15)


@every_method
@pytest.mark.parametrize("period_ms", [10.0, 256 / 48])
def test_a_step_is_found_at_its_time_within_a_period(method: Method, period_ms: float) -> None:
    """A fifth up and down; between its last old and its first new value lies the true time."""
    voices.require(method)
    rate, rng = 48_000, np.random.default_rng(3)
    for up in (True, False):
        seconds, low = rng.uniform(0.35, 0.45), rng.uniform(110, 250)
        before, after = (low, 1.5 * low) if up else (1.5 * low, low)
        hertz = np.where(np.arange(0.8 * rate) / rate < seconds, before, after)
        found = track(voices.voice(hertz, rate), rate, method=method, period_ms=period_ms)
        times = np.arange(len(found)) * period_ms
        inner = (found > 0) & (times > 60) & (times < 740)
        beyond = (found > np.sqrt(before * after)) == up
        step_ms = (times[inner & ~beyond].max() + times[inner & beyond].min()) / 2
        assert abs(step_ms - 1000 * seconds) <= 10


@every_method
def test_silence_and_offsets_are_unvoiced_and_noise_mostly(method: Method) -> None:
    voices.require(method)
    for level in (0.0, 0.3, 1e-300):
        assert not track(np.full(8_000, level), 16_000, method=method).any()
    noise = np.random.default_rng(1).standard_normal(24_000)
    for level in (0.1, 1e-4):
        voiced = track(level * noise, 16_000, method=method) > 0
        assert voiced.mean() <= NOISE_VOICED[method]


@every_method
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_the_shortest_recordings_have_a_track(method: Method, rate: int) -> None:
    voices.require(method)
    noise = 0.1 * np.random.default_rng(2).standard_normal(2_000)
    for frames in (0, 1, 2, 159, 160, 441, 1_000, 2_000):
        found = track(noise[:frames], rate, method=method)
        assert found.shape == (1 + frames // (rate // 100),)
        assert ((found == 0) | ((found >= 60) & (found <= 800))).all()


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return voices.benchmark()


@every_method
def test_resynthesised_speech_is_tracked(method: Method, bench: ModuleType, shared: Path) -> None:
    """Two speakers of `eval_speech`, as bench/f0.py makes them; its figures are better, over more speech."""
    voices.require(method)
    speech = bench.read(shared / "data" / "eval_speech", clips=2, seconds=1.5)
    found = [track(item.audio, bench.RATE, method=method) for item in speech]
    assert all(
        map(np.less_equal, bench.errors(found, [x.f0 for x in speech]), SPEECH_ERRORS[method])
    )


def test_control_a_track_that_is_late_or_off_has_errors(bench: ModuleType) -> None:
    truth = np.repeat([0.0, 100.0, 200.0], 10)
    cents, gross, voicing = bench.errors([1.01 * np.roll(truth, 1)], [truth])
    assert cents == pytest.approx(1200 * np.log2(1.01))
    assert (gross, voicing) == pytest.approx((100 / 19, 100 * 2 / 30))


def test_long_recordings_have_no_seams() -> None:
    """Segments end at 60 and 120 s."""
    voices.require("dio")
    rate = 8_000
    time = np.arange(121 * rate) / rate
    hertz = 150 * 2 ** (0.3 * np.sin(2 * np.pi * time / 7))
    found = track(voices.voice(hertz, rate), rate, method="dio")
    truth = voices.at_times(hertz, rate, len(found))
    assert np.abs(voices.cents(found[6:-6], truth[6:-6])).max() < 5


def test_the_range_holds() -> None:
    voices.require("harvest")
    audio = voices.voice(np.full(8_000, 150.0), 16_000)
    for method in ("harvest", "dio"):
        assert np.median(track(audio, 16_000, method=method, ceiling_hz=400)) == pytest.approx(
            150, 0.01
        )
        above = track(audio, 16_000, method=method, floor_hz=200, ceiling_hz=400)
        assert ((above == 0) | (above >= 200)).all()


@every_method
def test_the_ends_of_all_ranges_are_served(method: Method) -> None:
    voices.require(method)
    glide = np.geomspace(150, 190, 3_200)
    fine = track(voices.voice(glide, 16_000), 16_000, method=method, period_ms=1)[40:-40]
    assert np.median(np.abs(voices.cents(fine, np.geomspace(150, 190, 201)[40:-40]))) < 15
    high = voices.voice(np.full(8_000, 1_000.0), 16_000)
    wide = track(high, 16_000, method=method, floor_hz=40, ceiling_hz=1_600, period_ms=50)
    assert np.median(wide) == pytest.approx(1_000, rel=0.01)
    narrow = track(high, 16_000, method=method, floor_hz=800, ceiling_hz=1_600, period_ms=50)
    assert narrow.shape == (11,)


def test_hybrid_is_the_median_of_those_that_vote_for_a_voice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of those that are installed: without the networks' packages, of Harvest and DIO."""
    voices.require("harvest")
    for name in ("torchcrepe", "librosa"):
        monkeypatch.setitem(sys.modules, name, None)
    hertz = voices.glide(np.random.default_rng(5), 16_000)
    audio = np.pad(voices.voice(hertz, 16_000), 8_000) + 1e-3 * np.random.default_rng(
        6
    ).standard_normal(32_000)
    both = np.stack([track(audio, 16_000, method=method) for method in ("harvest", "dio")])
    assert {0, 1, 2} == set(np.count_nonzero(both, axis=0))
    lower = np.where(both > 0, both, np.inf).min(axis=0)
    expected = np.where(np.isfinite(lower), lower, 0)
    np.testing.assert_allclose(track(audio, 16_000, method="hybrid"), expected)


def test_of_two_votes_an_octave_apart_one_counts() -> None:
    """Their mean would be a pitch that nobody found."""
    votes = np.array([[100.0, 100, 0, 0], [200.0, 100, 200, 0], [0.0, 103, 0, 0], [0.0, 0, 0, 0]])
    assert list(_median_of_votes(votes)) == [100, 100, 0, 0]


def test_hybrid_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = np.zeros(16_000)
    for name in ("torchcrepe", "librosa"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'novasr\[f0\]'"):
        track(audio, 16_000, method="hybrid")


def test_hybrid_does_not_do_without_what_is_installed_and_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its result would be another one, and nobody would know."""
    voices.require("harvest")
    (tmp_path / "librosa.py").write_text("import numba_that_is_gone\n")
    monkeypatch.setitem(sys.modules, "torchcrepe", None)
    monkeypatch.delitem(sys.modules, "librosa", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    for method in ("pyin", "hybrid"):
        with pytest.raises(MissingPackageError, match=r"librosa, which does not load .*is_gone"):
            track(np.zeros(16_000), 16_000, method=method)


@pytest.mark.parametrize(
    ("method", "package", "extra"),
    [
        ("harvest", "pyworld", "f0"),
        ("dio", "pyworld", "f0"),
        ("crepe", "torchcrepe", "f0"),
        ("crepe", "torch", "f0"),
        ("pyin", "librosa", "f0"),
        ("praat", "parselmouth", "praat"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    method: Method, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if package == "torch":
        voices.require("crepe")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=rf"{method}.*{package}.*novasr\[{extra}\]"):
        track(np.zeros(1_600), 16_000, method=method)


def test_praat_is_imported_only_where_it_is_asked_for() -> None:
    """It is under the GPL. Hybrid is tried with pyworld alone, which is quicker."""
    voices.require("praat")
    voices.require("harvest")
    code = (
        "import sys, numpy, novasr.f0\n"
        "sys.modules.update(librosa=None, torchcrepe=None)\n"
        "for method in ('hybrid', 'praat'):\n"
        "    novasr.f0.track(numpy.zeros(1600), 16000, method=method)\n"
        "    print('parselmouth' in sys.modules)"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_crepes_network_is_that_of_torchcrepe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose import of torchaudio, to read files, fails beside PyTorch for CPUs."""
    voices.require("crepe")
    monkeypatch.setitem(sys.modules, "torchaudio", ModuleType("torchaudio"))
    torchcrepe = needs.package("torchcrepe", voices.REMEDY)
    import torch

    from novasr.f0.crepe import activations

    audio = voices.voice(voices.glide(np.random.default_rng(1), 16_000), 16_000)
    frames = audio[: 15 * 1024].reshape(-1, 1024)
    scaled = (frames - frames.mean(axis=1, keepdims=True)) / frames.std(
        axis=1, ddof=1, keepdims=True
    )
    with torch.no_grad():
        expected = torchcrepe.infer(torch.from_numpy(scaled.astype(np.float32)), "tiny").numpy()
    assert expected.max() > 0.5
    np.testing.assert_allclose(activations(frames), expected, atol=1e-5)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_evaluations_f0_is_dio_with_stonemask_at_16_khz(rate: int) -> None:
    """The numbers of earlier versions, which called pyworld themselves."""
    soxr, pyworld = needs.package("soxr", voices.REMEDY), needs.package("pyworld", voices.REMEDY)
    rng = np.random.default_rng(rate)
    audio = np.pad(voices.voice(voices.glide(rng, rate), rate), rate // 5)
    audio += 1e-3 * rng.standard_normal(len(audio))
    low = soxr.resample(audio, rate, 16_000, "HQ")
    coarse, seconds = pyworld.dio(low, 16_000, f0_floor=60.0, f0_ceil=800.0, frame_period=10.0)
    expected = pyworld.stonemask(low, coarse, seconds, 16_000)
    assert 50 < np.count_nonzero(expected) < len(expected)
    np.testing.assert_array_equal(metrics.fundamental(audio, rate), expected)


AUDIO = np.zeros(1_600)


@pytest.mark.parametrize(
    ("audio", "rate", "options", "message"),
    [
        (AUDIO, 16_000, {"method": "yin"}, "method must be one of harvest, dio, .*not 'yin'"),
        (AUDIO, 7_999, {}, "rate_hz must be a number from 8000 to 192000, not 7999"),
        (AUDIO, float("nan"), {}, "rate_hz"),
        (AUDIO, 16_000, {"floor_hz": 39}, "floor_hz must be a number from 40 to 1600, not 39"),
        (AUDIO, 16_000, {"ceiling_hz": 2_000}, "ceiling_hz"),
        (AUDIO, 16_000, {"floor_hz": 300, "ceiling_hz": 500}, r"twice floor_hz \(300\)"),
        (AUDIO, 16_000, {"period_ms": 0}, "period_ms must be a number from 1 to 50, not 0"),
        (AUDIO.reshape(-1, 1), 16_000, {}, r"one channel.*\(1600, 1\)"),
        (AUDIO.astype(np.int16), 16_000, {}, "floating-point.*int16"),
        (np.where(np.arange(1_600) == 7, np.nan, 0), 16_000, {}, "sample 7 is nan"),
        (np.where(np.arange(1_600) == 9, np.inf, 0), 16_000, {}, "sample 9 is inf"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(audio, rate, options, message) -> None:
    with pytest.raises(ParameterError, match=message):
        track(audio, rate, **options)
