"""Output: rounded to nearest, in pieces that codecs can handle, with the requested gain, rate and width."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import noise, tones, write

import novasr
from novasr.audio.levels import AUTO_PEAK_DB
from novasr.errors import AudioFileError, AudioFormatError, NovasrError
from novasr.offline.enhancement import Settings
from novasr.offline.files import check_file, enhance_file

RATE = 16_000
SUFFIXES = ["wav", "rf64", "w64", "aiff", "caf", "au", "flac"]


def call(folder: Path) -> Path:
    """Make a stereo recording whose second channel is silent."""
    audio = noise(2.0, RATE, 2)
    audio[:, 1] = 0
    return write(folder / "call.wav", audio, RATE, "PCM_16")


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_samples_are_rounded_to_nearest_and_silence_stays_silent(
    tmp_path: Path, suffix: str, bits: int
) -> None:
    source = call(tmp_path)
    audio, _ = sf.read(source, dtype="float32")
    wanted = novasr.enhance(audio, RATE).astype(np.float64)
    made = enhance_file(source, tmp_path / f"a.{suffix}", subtype=str(bits)).destination
    stored, _ = sf.read(made, dtype="int32")
    steps = stored.astype(np.float64) / 2 ** (32 - bits)
    error = steps - wanted * 2 ** (bits - 1)
    assert np.abs(error).max() <= 0.5
    assert abs(error[:, 0].mean()) < 0.02
    assert not stored[:, 1].any()


def test_dither_makes_the_error_noise_of_the_same_bits_each_time(tmp_path: Path) -> None:
    source = call(tmp_path)
    first = enhance_file(source, tmp_path / "a.wav", dither=True).destination
    again = enhance_file(source, tmp_path / "b.wav", dither=True, jobs=1).destination
    assert first.read_bytes() == again.read_bytes()
    silent = sf.read(first, dtype="int16")[0][:, 1]
    assert set(np.unique(silent)) == {-1, 0, 1}
    assert np.var(silent) == pytest.approx(0.25, rel=0.1)  # 1/6 of the noise, 1/12 of rounding


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("suffix", "channels"), [("ogg", 1), ("ogg", 8), ("opus", 2), ("mp3", 1)])
def test_a_codec_is_handed_no_more_than_a_small_stack_bears(
    tmp_path: Path, suffix: str, channels: int, jobs: int
) -> None:
    """A megabyte, as programs have on Windows."""
    source = write(tmp_path / "a.wav", noise(100.0 / channels, RATE, channels), RATE)
    command = f"ulimit -s 1024; exec '{sys.executable}' -m novasr enhance a.wav -o b.{suffix}"
    done = subprocess.run(
        ["bash", "-c", f"{command} --jobs {jobs}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert sf.info(tmp_path / f"b.{suffix}").duration == pytest.approx(100 / channels, abs=0.1)
    assert not source.with_name(".novasr").exists()


def band_db(audio: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Return the power of a band at 48 kHz."""
    spectrum = np.abs(np.fft.rfft(audio[48_000:192_000, 0])) ** 2
    hertz = np.fft.rfftfreq(144_000, 1 / 48_000)
    return float(10 * np.log10(spectrum[(hertz >= low_hz) & (hertz < high_hz)].sum()))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("suffix", ["mp3", "ogg", "opus"])
def test_lossy_results_keep_what_the_model_adds_to_20_khz(
    tmp_path: Path, suffix: str, channels: int
) -> None:
    white = np.fft.rfft(noise(5.0, RATE, channels), axis=0)
    pink = white / np.sqrt(np.maximum(10, np.arange(len(white))))[:, None]
    audio = np.fft.irfft(pink, 5 * RATE, axis=0)
    source = write(tmp_path / "a.wav", 0.5 * audio / np.abs(audio).max(), RATE)
    plain, _ = sf.read(enhance_file(source, tmp_path / "b.wav").destination, always_2d=True)
    made, _ = sf.read(enhance_file(source, tmp_path / f"b.{suffix}").destination, always_2d=True)
    for low in range(12_000, 20_000, 1_000):
        assert band_db(made, low, low + 1_000) > band_db(plain, low, low + 1_000) - 3


def test_a_quality_changes_the_size(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(5.0, RATE), RATE)
    for suffix in ("mp3", "ogg", "opus"):
        small = enhance_file(source, tmp_path / f"small.{suffix}", quality=0).destination
        large = enhance_file(source, tmp_path / f"large.{suffix}", quality=10).destination
        assert small.stat().st_size < 0.7 * large.stat().st_size


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("quality", [0, 3])
def test_an_mp3_of_any_quality_is_aligned_and_of_exact_length(
    tmp_path: Path, rate: int, channels: int, quality: int
) -> None:
    source = write(tmp_path / "a.wav", noise(1.5, RATE, channels, top_hz=3_000), RATE)
    wanted, _ = sf.read(enhance_file(source, tmp_path / "b.wav", rate=rate).destination)
    result = enhance_file(source, tmp_path / "b.mp3", rate=rate, quality=quality)
    made, _ = sf.read(result.destination)
    assert made.shape == wanted.shape
    error = np.sum((made - wanted) ** 2) / np.sum(wanted**2)
    assert error < 0.25  # one frame off would be 1


LOUD = 5 * tones(3.0, RATE, [500.0, 700.0])


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_an_automatic_gain_keeps_the_peak_below_full_scale(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / "a.wav", LOUD, RATE, "FLOAT")
    plain = enhance_file(source, tmp_path / "plain.wav", subtype="float")
    result = enhance_file(source, tmp_path / f"b.{suffix}", gain="auto", subtype="24")
    assert result.clipped == 0
    made, _ = sf.read(result.destination)
    peak_db = 20 * np.log10(np.abs(made).max())
    assert AUTO_PEAK_DB - 0.01 < peak_db < AUTO_PEAK_DB
    wanted, _ = sf.read(plain.destination)
    np.testing.assert_allclose(made, wanted * 10 ** (result.gain_db / 20), atol=2e-7)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_does_not_clip_is_left_alone_by_an_automatic_gain(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(3.0, RATE), RATE)
    plain = enhance_file(source, tmp_path / "a.flac")
    auto = enhance_file(source, tmp_path / "b.flac", gain="auto")
    assert auto.gain_db == 0
    np.testing.assert_array_equal(sf.read(auto.destination)[0], sf.read(plain.destination)[0])


def test_a_gain_in_decibels(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, RATE), RATE, "FLOAT")
    plain, _ = sf.read(enhance_file(source, tmp_path / "a.wav.wav").destination)
    made, _ = sf.read(enhance_file(source, tmp_path / "b.wav", gain=-6).destination)
    np.testing.assert_allclose(made, plain * 10 ** (-6 / 20), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 96_000])
@pytest.mark.parametrize("frames", [999, 40_000])
def test_another_rate_has_the_exact_length_and_place(
    tmp_path: Path, rate: int, frames: int
) -> None:
    source = write(tmp_path / "a.wav", tones(2.5, RATE, [440.0])[:frames], RATE, "FLOAT")
    result = enhance_file(source, tmp_path / "b.wav", rate=rate)
    made, stored_rate = sf.read(result.destination)
    assert (stored_rate, result.output_rate) == (rate, rate)
    assert len(made) == result.output_frames == round(frames * rate / RATE)
    time = np.arange(len(made)) / rate
    wanted = 0.3 * np.sin(2 * np.pi * 440 * time)
    middle = slice(len(made) // 3, 2 * len(made) // 3)
    assert np.abs(made - wanted)[middle].max() < 0.02


def test_the_rate_of_the_source_can_be_kept(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 44_100, top_hz=7_500), 44_100)
    result = enhance_file(source, rate="source")
    assert result.extended
    assert sf.info(result.destination).samplerate == 44_100
    assert sf.info(result.destination).frames == 44_100


@pytest.mark.parametrize("rate", [32_000, 44_100, 48_000, 96_000])
def test_what_has_its_full_band_is_stored_as_it_is(tmp_path: Path, rate: int) -> None:
    audio = noise(2.0, rate, 2, top_hz=min(rate / 2, 20_000) - 1_000)
    source = write(tmp_path / "a.wav", audio, rate, "FLOAT")
    result = enhance_file(source)
    assert not result.extended
    assert len(result.warnings) == 1
    made, _ = sf.read(result.destination, dtype="float32")
    assert len(made) == 96_000
    if rate == 48_000:
        np.testing.assert_array_equal(made, audio)
    forced = enhance_file(source, tmp_path / "b.wav", force=True)
    assert forced.extended
    assert np.abs(sf.read(forced.destination)[0] - made).max() > 0.01


def test_what_a_narrow_source_will_lack_is_said(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(2.0, 8_000), 8_000)
    assert "4.0 kHz to 8 kHz stays empty" in enhance_file(source).warnings[0]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("b.wav", {"rate": 4_000}, "rate must be"),
        ("b.wav", {"gain": 100.0}, "gain must be"),
        ("b.wav", {"subtype": "8"}, "subtype must be"),
        ("b.mp3", {"quality": 11}, "quality must be"),
        ("b.mp3", {"subtype": "24"}, "no sample width"),
        ("b.flac", {"subtype": "float"}, "FLAC cannot hold float"),
        ("b.flac", {"quality": 3}, "quality is for"),
        (
            "b.opus",
            {"rate": 44_100},
            r"b\.opus: Opus cannot hold 44\.1 kHz, only .*: choose another",
        ),
    ],
)
def test_what_a_format_does_not_have_is_refused(
    tmp_path: Path, name: str, settings: dict[str, object], message: str
) -> None:
    source = write(tmp_path / "a.wav", noise(0.5, RATE), RATE)
    with pytest.raises(AudioFormatError, match=message):
        enhance_file(source, tmp_path / name, **settings)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_the_limit_that_is_named_is_the_one_that_was_met(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(0.1, RATE, 6), RATE)
    with pytest.raises(AudioFormatError, match=r"Opus cannot hold 44\.1 kHz"):
        enhance_file(source, tmp_path / "b.opus", rate=44_100)
    with pytest.raises(AudioFormatError, match="MP3 cannot hold 6 channels"):
        enhance_file(source, tmp_path / "b.mp3")


@pytest.mark.parametrize(
    ("rate", "settings", "message"),
    [(4_000, {}, "4000"), (RATE, {"mode": "bogus"}, "bogus")],
)
def test_an_error_of_the_chain_is_not_taken_for_one_of_the_result(
    tmp_path: Path, rate: int, settings: dict[str, object], message: str
) -> None:
    source = write(tmp_path / "a.wav", noise(0.5, rate), rate)
    with pytest.raises(NovasrError, match=message) as caught:
        enhance_file(source, tmp_path / "b.wav", **settings)
    assert "b.wav" not in str(caught.value)
    assert "choose .wav" not in str(caught.value)


def run_with_room_for(size: int, folder: Path, arguments: str, given: Path | None = None) -> str:
    """Enhance under a file size limit, and return the only line on stderr."""
    resource = pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-m", "novasr", "enhance", *arguments.split()],
        cwd=folder,
        input=None if given is None else given.read_bytes(),
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    return done.stderr.decode()


@pytest.mark.parametrize("arguments", ["a.wav -o", "- -o"])
@pytest.mark.parametrize("name", ["b.wav", "b.flac", "b.opus"])
def test_no_room_for_what_waits_for_its_gain_is_one_line(
    tmp_path: Path, arguments: str, name: str
) -> None:
    source = write(tmp_path / "a.wav", noise(3.0, RATE), RATE)
    said = run_with_room_for(
        400_000,
        tmp_path,
        f"{arguments} {name} --gain auto",
        source if "-" in arguments[0] else None,
    )
    assert ".: no room for the samples that wait for their gain (File too large)" in said
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize("name", ["b.wav", "b.flac", "b.mp3", "b.ogg", "b.aiff"])
def test_a_disk_without_room_for_the_first_byte_is_no_limit_of_the_format(
    tmp_path: Path, name: str
) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, RATE), RATE)
    for arguments, given in ((f"a.wav -o {name}", None), (f"- -o {name}", source)):
        said = run_with_room_for(0, tmp_path, arguments, given)
        assert f"{name}: cannot be written: File too large" in said


def test_what_waits_for_its_gain_counts_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, RATE), RATE)
    usage = shutil.disk_usage(tmp_path)._replace(free=200_000)  # the result has 96,000 bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    for name, size in (("b.wav", "288000"), ("b.flac", "192000")):
        enhance_file(source, tmp_path / f"plain-{name}")
        usage = usage._replace(free=int(size) - 1)
        with pytest.raises(AudioFileError, match="are to be written"):
            enhance_file(source, tmp_path / name, gain="auto")
        with pytest.raises(AudioFileError, match="are to be written"):
            check_file(source, tmp_path / name, Settings(gain="auto"))
