"""measure_bandwidth and file_info: where a band ends, and the verdict on it."""

from __future__ import annotations

from pathlib import Path

import needs
import numpy as np
import pytest
from audio_files import damaged_files, noise, tones, write

from novasr.audio.analysis import file_info, measure_bandwidth
from novasr.errors import AudioFileError


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("top_hz", [3_400.0, 8_000.0, 15_800.0, 20_000.0])
def test_the_end_of_band_limited_noise_is_found_within_200_hz(rate: int, top_hz: float) -> None:
    audio = noise(3.0, rate, top_hz=top_hz)
    assert measure_bandwidth([audio], sample_rate=rate) == pytest.approx(top_hz, abs=200)


def test_white_noise_fills_the_whole_band() -> None:
    assert measure_bandwidth([noise(2.0, 16_000)], sample_rate=16_000) == 8_000


def test_the_quiet_top_of_speech_counts_and_16_bit_dither_does_not() -> None:
    loud_low = noise(3.0, 48_000, top_hz=1_000)
    quiet_top = 1e-3 * noise(3.0, 48_000, top_hz=7_800)
    dither = np.random.default_rng(3).triangular(-1, 0, 1, loud_low.shape) / 2**15
    audio = (loud_low + quiet_top + dither).astype(np.float32)
    assert measure_bandwidth([audio], sample_rate=48_000) == pytest.approx(7_800, abs=200)


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_silence_and_a_constant_have_no_band(level: float) -> None:
    audio = np.full((48_000, 2), level, np.float32)
    assert measure_bandwidth([audio], sample_rate=48_000) == 0


def test_nan_samples_count_as_zero() -> None:
    audio = tones(2.0, 16_000, [1_000.0])
    audio[5_000] = np.nan
    assert np.isfinite(measure_bandwidth([audio], sample_rate=16_000))


def test_the_band_of_one_channel_is_enough() -> None:
    audio = np.hstack([noise(2.0, 48_000, top_hz=4_000), noise(2.0, 48_000, top_hz=12_000)])
    assert measure_bandwidth([audio], sample_rate=48_000) == pytest.approx(12_000, abs=200)


@pytest.mark.parametrize("frames", [1, 700, 5_000, 100_000])
def test_the_size_of_the_blocks_does_not_matter(frames: int) -> None:
    audio = noise(0.5, 48_000, top_hz=9_000)
    blocks = [audio[start : start + frames] for start in range(0, len(audio), frames)]
    whole = measure_bandwidth([audio], sample_rate=48_000)
    assert measure_bandwidth(blocks, sample_rate=48_000) == whole


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000, 96_000])
def test_a_shallow_low_pass_ends_the_band_where_it_attenuates_by_20_db(rate: int) -> None:
    signal = needs.package("scipy.signal", "pip install scipy")
    rng = np.random.default_rng(rate)
    for design in ("elliptic", "butterworth"):
        edge_hz = rng.uniform(2_000, 0.3 * min(rate, 48_000))
        if design == "elliptic":  # its stop band is 60 dB down: the spectrum never ends
            sections, end_hz = signal.ellip(7, 0.5, 60, edge_hz, fs=rate, output="sos"), edge_hz
        else:
            sections = signal.butter(12, edge_hz, fs=rate, output="sos")
            end_hz = edge_hz * 10 ** (20 / 20 / 12)
        audio = signal.sosfilt(sections, noise(3.0, rate), axis=0).astype(np.float32)
        assert measure_bandwidth([audio], sample_rate=rate) == pytest.approx(end_hz, rel=0.12)


@pytest.mark.parametrize("before", [0.0, 3.0, 10.3, 13.1, 17.7])
def test_the_widest_part_of_a_recording_counts(before: float) -> None:
    narrow, wide = noise(3.0, 48_000, top_hz=3_400), noise(3.5, 48_000, top_hz=12_000)
    parts = (noise(20.0, 48_000, top_hz=3_400)[: round(before * 48_000)], wide, narrow)
    assert measure_bandwidth(parts, sample_rate=48_000) == pytest.approx(12_000, abs=200)


@pytest.mark.parametrize("rate", [8_000, 44_100, 50_000, 88_200, 96_000, 192_000])
def test_a_full_band_ends_at_half_of_any_rate(rate: int) -> None:
    assert measure_bandwidth([noise(1.0, rate)], sample_rate=rate) == rate / 2


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sample", [1e20, 1e300, -1e300, np.inf])
def test_samples_of_any_size_are_measured(sample: float) -> None:
    audio = noise(1.0, 48_000, top_hz=4_000).astype(np.float64)
    audio[20_000] = sample
    assert 0 < measure_bandwidth([audio], sample_rate=48_000) <= 24_000


def test_full_band_recordings_are_not_judged_narrower(shared: Path) -> None:
    folder = shared / "data" / "eval_speech"
    if not folder.is_dir():
        needs.missing(f"{folder} is not there (NOVASR_SHARED)")
    for path in sorted(folder.glob("*.flac"))[::4]:
        assert file_info(path).bandwidth_hz > 15_000, path.name


def test_a_file_shorter_than_one_window_is_measured() -> None:
    assert measure_bandwidth([noise(0.01, 16_000)], sample_rate=16_000) > 6_000


@pytest.mark.parametrize(
    ("rate", "top_hz", "extendable", "verdict"),
    [
        (16_000, None, True, "sound to 8.0 kHz: extend it"),
        (48_000, 7_800.0, True, "sound to 7.9 kHz: extend it"),
        (48_000, 3_400.0, False, "sound to 3.5 kHz only: 3.5 kHz to 8 kHz stays empty"),
        (44_100, 15_700.0, False, "band ends at 15.8 kHz although the file runs at 44.1 kHz"),
        (32_000, None, False, "sound to 16.0 kHz: leave it"),
        (48_000, 20_000.0, False, "already full band to 20.1 kHz: nothing to extend"),
    ],
)
def test_the_verdict_names_the_band_and_the_advice(
    tmp_path: Path, rate: int, top_hz: float | None, extendable: bool, verdict: str
) -> None:
    path = write(tmp_path / "a.wav", noise(3.0, rate, top_hz=top_hz), rate, "FLOAT")
    found = file_info(path)
    assert found.verdict.startswith(verdict)
    assert found.extendable is extendable


def test_file_info_describes_the_file(tmp_path: Path) -> None:
    found = file_info(write(tmp_path / "a.flac", noise(1.5, 16_000, 2), 16_000, "PCM_24"))
    assert (found.format, found.subtype, found.sample_rate) == ("FLAC", "PCM_24", 16_000)
    assert (found.channels, found.frames, found.seconds) == (2, 24_000, 1.5)


def test_silence_is_nothing_to_extend(tmp_path: Path) -> None:
    found = file_info(write(tmp_path / "a.wav", np.zeros((16_000, 1), np.float32), 16_000))
    assert found.verdict == "silence: nothing to extend"
    assert not found.extendable


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="truncated"):
        file_info(damaged_files(tmp_path)["cut FLAC"])
