"""Steadiness of a track, and templates of its harmonics."""

from __future__ import annotations

import numpy as np
import pytest
import voices

from novasr import ParameterError
from novasr.f0 import harmonic_template, stability, track

BINS = np.fft.rfftfreq(1024, 1 / 48_000)


def test_voices_that_glide_or_sing_are_steady_and_tracks_that_jump_are_not() -> None:
    rng = np.random.default_rng(1)
    time = np.arange(200) / 100
    vibrato = 220 * 2 ** (np.sin(2 * np.pi * 6 * time) / 12)  # 6 Hz, a semitone to either side
    glide = 100 * 2 ** (2 * time / 2)
    jumps = rng.uniform(60, 800, 200)
    specks = np.where(np.arange(200) % 5 < 2, 150.0, 0.0)
    for steady in (np.full(200, 150.0), glide, vibrato):
        assert stability(steady)[15:-15].min() > 0.75
    for loose in (jumps, specks, np.zeros(200)):
        assert stability(loose).max() < 0.25
    assert stability(np.full(200, 150.0)).dtype == np.float32
    for count in (1, 2, 3):
        assert stability(np.full(count, 150.0)).shape == (count,)


def test_only_the_neighbourhood_of_a_jump_and_of_silence_is_unsteady() -> None:
    f0 = np.concatenate([np.zeros(50), np.full(50, 120.0), np.full(50, 300.0)])
    steady = stability(f0)
    assert not steady[:50].any()
    assert (steady[[75, 125]] > 0.99).all()
    assert 0.3 < steady[50] < 0.6
    assert steady[100] < 0.9


def test_the_window_is_in_time_whatever_the_period() -> None:
    f0 = np.concatenate([np.zeros(200), np.full(600, 120.0)])
    fine, coarse = stability(f0, period_ms=5), stability(f0[::2], period_ms=10)
    np.testing.assert_allclose(fine[::2], coarse, atol=0.1)


def test_a_voice_is_steadier_than_chords_and_noise() -> None:
    """As DIO tracks them; triads from two octaves that change five times a second."""
    voices.require("dio")
    rate, rng = 16_000, np.random.default_rng(4)
    spoken = [voices.voice(voices.glide(rng, rate), rate) for _ in range(4)]
    chords = []
    for _ in range(20):
        notes = 110 * 2 ** (rng.choice(25, 3, replace=False) / 12)
        chords.append(sum(voices.voice(np.full(rate // 5, note), rate) for note in notes))
    noise = 0.1 * rng.standard_normal(4 * rate)
    means = [
        stability(track(audio, rate, method="dio")).mean()
        for audio in (np.concatenate(spoken), np.concatenate(chords), noise)
    ]
    assert means[0] > 0.7
    assert max(means[1:]) < 0.4


def test_a_template_is_1_at_harmonics_and_low_between_them() -> None:
    f0 = np.full(40, 250.0)
    harmonics = 250.0 * np.arange(1, 17)
    tight = harmonic_template(f0, harmonics, stability=np.ones(40))
    assert tight.shape == (40, 16)
    assert tight.dtype == np.float32
    np.testing.assert_allclose(tight, 1, atol=1e-5)
    between = harmonic_template(f0, harmonics[:-1] + 125, stability=np.ones(40))
    assert between.max() < 0.01
    assert harmonic_template(f0, [0.0], stability=np.ones(40)).max() < 0.01  # no harmonic at 0 Hz
    at_a_width = harmonic_template(f0, [270.0], stability=np.ones(40), width_hz=20)
    np.testing.assert_allclose(at_a_width, np.exp(-0.5), rtol=1e-3)


def test_the_template_loosens_with_instability_until_all_is_as_good() -> None:
    f0 = np.full(5, 250.0)
    contrast = [
        np.ptp(harmonic_template(f0, BINS[6:], stability=np.full(5, s))) for s in (1, 0.5, 0.2, 0.1)
    ]
    assert contrast == sorted(contrast, reverse=True)
    assert contrast[0] > 0.95
    assert (harmonic_template(f0, BINS, stability=np.zeros(5)) == 1).all()
    unvoiced = harmonic_template(np.zeros(5), BINS, stability=np.ones(5))
    assert (unvoiced == 1).all()


def test_high_harmonics_are_wider_since_f0_may_be_off() -> None:
    off = 2 ** (5 / 1200)
    for number in (40, 80):
        found = harmonic_template([200.0], [200.0 * number * off], stability=[1.0])
        assert found[0, 0] > 0.6


def test_by_default_the_track_itself_decides() -> None:
    f0 = np.random.default_rng(3).uniform(60, 800, 50)
    f0[20:] = 200
    expected = harmonic_template(f0, BINS, stability=stability(f0))
    np.testing.assert_array_equal(harmonic_template(f0, BINS), expected)
    assert np.ptp(expected[35]) > np.ptp(expected[5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stability([[1.0]]), r"f0 must be numbers.*\(1, 1\)"),
        (lambda: stability([]), "f0 must be numbers"),
        (lambda: stability([np.nan]), "0 stands for unvoiced"),
        (lambda: stability([-1.0]), "not negative"),
        (lambda: stability([100.0], period_ms=0), "period_ms must be a number from 1 to 50, not 0"),
        (
            lambda: harmonic_template([100.0], [-1.0]),
            "frequencies_hz must be finite and not negative",
        ),
        (
            lambda: harmonic_template([100.0], 5.0),
            "frequencies_hz must be numbers of one dimension",
        ),
        (
            lambda: harmonic_template([100.0], [1.0], width_hz=0),
            "width_hz must be a number from 0.1",
        ),
        (lambda: harmonic_template([100.0], [1.0], stability=[1.0, 1.0]), r"as f0 \(1\), not 2"),
        (lambda: harmonic_template([100.0], [1.0], stability=[1.5]), "stability .* from 0 to 1"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(call, message) -> None:
    with pytest.raises(ParameterError, match=message):
        call()
