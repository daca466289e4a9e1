"""The running cut-off estimator, on real speech through real degradations."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
from audio_files import FloatAudio, noise

from novasr._native import CutoffEstimator
from novasr.audio.cutoff import cutoffs
from novasr.errors import AudioFormatError, ParameterError

RATE = 48_000
SETTLED = round(1.5 * RATE / CutoffEstimator.hop)
VOICES = (
    "vctk_p257_035.flac",
    "vctk_p360_001.flac",
    "vctk_p361_056.flac",
    "vctk_p362_158.flac",
    "vctk_p376_030.flac",
)


@pytest.fixture(scope="module", params=VOICES)
def speech(request: pytest.FixtureRequest, shared: Path) -> FloatAudio:
    """Full-band speech of at least 1.5 s, at a peak of -6 dBFS."""
    path = shared / "data" / "eval_speech" / str(request.param)
    if not path.is_file():
        needs.missing(f"{path} is not there (NOVASR_SHARED)")
    audio, rate = sf.read(path, dtype="float32")
    assert rate == RATE
    return 0.5 * audio / np.max(np.abs(audio))


def test_the_voices_are_full_band(shared: Path) -> None:
    manifest = shared / "data" / "eval_speech" / "manifest.csv"
    if not manifest.is_file():
        needs.missing(f"{manifest} is not there (NOVASR_SHARED)")
    with manifest.open(encoding="utf-8") as text:
        bands = {row["file"]: float(row["bandwidth_khz"]) for row in csv.DictReader(text)}
    assert min(bands[name] for name in VOICES) >= 20


def resampled(audio: FloatAudio, rate: int) -> FloatAudio:
    soxr = needs.package("soxr", "pip install soxr")
    return soxr.resample(soxr.resample(audio, RATE, rate), rate, RATE)[: len(audio)]


def coded(audio: FloatAudio, rate: int, kind: str, subtype: str) -> FloatAudio:
    soxr = needs.package("soxr", "pip install soxr")
    with io.BytesIO() as file:
        low = np.clip(soxr.resample(audio, RATE, rate), -1, 1)
        sf.write(file, low, rate, subtype, format=kind)
        file.seek(0)
        decoded, found_rate = sf.read(file, dtype="float32")
    return soxr.resample(decoded, found_rate, RATE)[: len(audio)]


def with_hiss(audio: FloatAudio, rms_db: float) -> FloatAudio:
    rng = np.random.default_rng(5)
    return (audio + 10 ** (rms_db / 20) * rng.standard_normal(len(audio))).astype(np.float32)


def elliptic(audio: FloatAudio, edge_hz: float) -> FloatAudio:
    signal = needs.package("scipy.signal", "pip install scipy")
    sections = signal.ellip(7, 0.5, 60, edge_hz, fs=RATE, output="sos")
    return signal.sosfilt(sections, audio).astype(np.float32)


# True edge: of a resampler 0.95 of half the rate, in the middle of soxr's transition; of the filter where
# it attenuates by 20 dB.
DEGRADATIONS: dict[str, tuple[float, Callable[[FloatAudio], FloatAudio]]] = {
    "telephone, GSM": (3_800, lambda audio: coded(audio, 8_000, "WAV", "GSM610")),
    "telephone, A-law": (3_800, lambda audio: coded(audio, 8_000, "WAV", "ALAW")),
    "telephone under hiss": (3_800, lambda audio: with_hiss(resampled(audio, 8_000), -60)),
    "wideband, 16 bit": (7_600, lambda audio: coded(audio, 16_000, "WAV", "PCM_16")),
    "wideband, hiss before": (7_600, lambda audio: resampled(with_hiss(audio, -55), 16_000)),
    "24 kHz": (11_400, lambda audio: coded(audio, 24_000, "WAV", "PCM_16")),
    "elliptic filter at 5 kHz": (5_370, lambda audio: elliptic(audio, 5_000)),
}


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_the_edge_of_degraded_speech_is_found_within_5_percent(
    speech: FloatAudio, name: str
) -> None:
    edge_hz, degrade = DEGRADATIONS[name]
    found = cutoffs(degrade(speech))[-1]
    assert found[0] == pytest.approx(edge_hz, rel=0.05)
    assert found[1] > 0.3  # a cliff of at least 12 dB


def test_full_band_speech_is_full_band(speech: FloatAudio) -> None:
    assert np.all(cutoffs(speech)[:, 0] == 24_000)


def test_it_follows_a_change_of_band_and_does_not_flutter(speech: FloatAudio) -> None:
    narrow = resampled(speech, 8_000)
    hz = cutoffs(np.concatenate([speech, narrow, speech]))[:, 0]
    hops = len(speech) // CutoffEstimator.hop
    first, second, third = hz[:hops], hz[hops : 2 * hops], hz[2 * hops :]
    assert np.all(first == 24_000)
    assert second[-1] == pytest.approx(3_800, rel=0.05)
    assert third[-1] == 24_000
    settled = second[SETTLED:]
    assert np.all(np.abs(np.diff(settled)) < 0.02 * settled[1:])


def test_a_whole_signal_equals_the_frames_one_by_one() -> None:
    audio = noise(1.0, RATE, top_hz=5_000)
    whole = cutoffs(audio)
    padded = np.pad(audio[:, 0], (CutoffEstimator.hop, 0))
    window = np.sin(np.pi * np.arange(512) / 512).astype(np.float32)
    estimator = CutoffEstimator()
    for hop, expected in enumerate(whole):
        frame = padded[hop * CutoffEstimator.hop :][: CutoffEstimator.frame_length]
        power = np.abs(np.fft.rfft(frame * window)) ** 2
        estimator.push(power.astype(np.float32)[np.newaxis])
        assert estimator.cutoff_hz == pytest.approx(expected[0], rel=1e-4)
        assert estimator.confidence == pytest.approx(expected[1], abs=1e-4)


def test_the_prior_holds_until_there_is_evidence() -> None:
    silence = np.zeros(RATE, np.float32)
    assert np.all(cutoffs(silence, prior_hz=4_000) == (4_000, 0))
    assert cutoffs(noise(1.0, RATE), prior_hz=4_000)[-1, 0] == 24_000
    assert cutoffs(silence[:100]).shape == (0, 2)


def test_input_of_another_shape_is_refused() -> None:
    with pytest.raises(AudioFormatError, match="1 channel"):
        cutoffs(np.zeros((RATE, 2), np.float32))
    with pytest.raises(ValueError, match=r"\(frames, 257\)"):
        CutoffEstimator().push(np.zeros((3, 256), np.float32))


@pytest.mark.parametrize("prior_hz", [float("nan"), 0.0, -1e4, 24_001.0, float("inf")])
def test_a_prior_that_is_no_frequency_is_refused(prior_hz):
    with pytest.raises(ParameterError, match="prior_hz must be above 0"):
        cutoffs(np.zeros(4_800, np.float32), prior_hz=prior_hz)
