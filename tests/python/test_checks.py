"""Arguments that cannot be used are errors of this package, whatever their type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import noise, write

import novasr
from novasr.audio.analysis import measure_bandwidth
from novasr.errors import AudioFileError, AudioFormatError, NovasrError, ParameterError
from novasr.offline.files import enhance_file


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write(tmp_path / "a.wav", noise(0.5, 16_000), 16_000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quality": "5"}, "quality must be 0 .. 10, not '5'"),
        ({"quality": float("nan")}, "quality"),
        ({"quality": True}, "quality"),
        ({"subtype": 32}, "subtype must be one of 16, 24, float, not 32"),
        ({"subtype": True}, "subtype"),
        ({"rate": 44_100.0}, "rate must be 8000 .. 192000 Hz or 'source', not 44100.0"),
        ({"rate": True}, "rate"),
        ({"rate": np.zeros(2)}, "rate"),
        ({"gain": "3"}, "gain must be -60 .. 60 dB or 'auto', not '3'"),
        ({"gain": float("nan")}, "gain"),
        ({"gain": np.float32(99)}, "gain"),
        ({"mode": "bogus"}, "mode must be one of extend, full, not 'bogus'"),
        ({"mode": None}, "mode"),
        ({"engine": 3}, "engine must be one of auto, native, torch, cuda, not 3"),
        ({"jobs": 1.5}, "jobs must be a positive whole number, not 1.5"),
    ],
)
@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_wrong_values_are_named_and_leave_nothing(
    tmp_path: Path, rate: int, options: dict[str, object], message: str
) -> None:
    source = write(tmp_path / "a.wav", noise(0.5, rate), rate)
    with pytest.raises(ParameterError, match=message):
        enhance_file(source, tmp_path / "b.mp3", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_numbers_of_numpy_are_numbers(speech: Path) -> None:
    made = enhance_file(
        speech,
        speech.with_name("b.wav"),
        rate=np.int64(44_100),
        gain=np.float32(-3),
        subtype=24,
        jobs=np.int32(1),
    )
    info = sf.info(made.destination)
    assert (info.samplerate, info.subtype, made.gain_db) == (44_100, "PCM_24", -3.0)
    named = enhance_file(speech, speech.with_name("c.wav"), rate=44_100, gain=-3.0, subtype="24")
    assert made.destination.read_bytes() == named.destination.read_bytes()
    enhance_file(speech, speech.with_name("b.ogg"), quality=np.float64(4))


@pytest.mark.parametrize(
    "call",
    [
        lambda name: enhance_file(name),
        lambda name: novasr.file_info(name),
        lambda name: novasr.Stream(16_000, weights=name),
        lambda name: novasr.Stream(16_000, weights=f"{name}.ts"),
    ],
)
def test_a_name_that_no_file_can_have(call: Callable[[str], object]) -> None:
    with pytest.raises(NovasrError):
        call("a\0.wav")


def test_a_result_that_no_file_can_be(speech: Path) -> None:
    with pytest.raises(AudioFileError, match=r"'b\\x00.wav': no file name holds a NUL"):
        enhance_file(speech, "b\0.wav")


def test_rows_of_unequal_length_are_no_audio() -> None:
    ragged = [[0.0, 0.1], [0.2]]
    for call in (
        lambda: novasr.enhance(ragged, 16_000),
        lambda: measure_bandwidth([ragged], sample_rate=16_000),
    ):
        with pytest.raises(AudioFormatError, match="unequal length"):
            call()


def test_the_bandwidth_of_mono_may_be_measured_in_one_dimension() -> None:
    audio = noise(1.0, 48_000, top_hz=7_000)
    assert measure_bandwidth([audio[:, 0]], sample_rate=48_000) == measure_bandwidth(
        [audio], sample_rate=48_000
    )
    for wrong in (np.zeros((1, 2, 3), np.float32), np.zeros(10, np.int16), np.float32(0)):
        with pytest.raises(AudioFormatError):
            measure_bandwidth([wrong], sample_rate=48_000)
    with pytest.raises(ParameterError, match="sample_rate"):
        measure_bandwidth([audio], sample_rate=0)


@pytest.mark.parametrize(
    "suffix", ["wav", "flac", "mp3", "ogg", "opus", "aiff", "caf", "au", "w64"]
)
def test_a_result_without_a_frame_is_said_in_every_format(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 192_000)[:1], 192_000)
    made = tmp_path / f"b.{suffix}"
    if suffix in ("flac", "mp3", "opus"):
        with pytest.raises(AudioFileError, match="cannot hold a recording of 0 frames"):
            enhance_file(source, made)
        assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
        return
    result = enhance_file(source, made)
    assert (result.output_frames, sf.info(made).frames) == (0, 0)
    assert "too short: less than a frame at 48000 Hz" in result.warnings
