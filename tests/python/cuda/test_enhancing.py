"""engine="cuda" where people meet it: the native engine's sound, in recordings, files and the command line."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import needs
import numpy as np
import pytest
import soundfile
from command_line import assert_one_error_line, without_package
from command_line import novasr as command

import novasr
from novasr.cuda import BatchEngine
from novasr.errors import AudioFormatError, ParameterError, StreamError
from novasr.live import LiveStream
from novasr.offline import segments
from novasr.offline.arrays import enhance
from novasr.offline.files import enhance_file

needs.package("triton", "pip install triton")

BOUND = 1e-5  # as documented; measured at worst 9e-7


def noise(rng, *shape):
    return (0.2 * rng.standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("mode", ["extend", "full"])
@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_any_rate_and_mode_sounds_like_the_native_engine(plain_layers, rng, rate, mode):
    for frames, channels in ((rate // 5 | 1, 1), (rate // 8, 2)):
        audio = noise(rng, frames, channels)
        made = enhance(audio, rate, mode=mode, engine="cuda", force=True)
        native = enhance(audio, rate, mode=mode, engine="native", force=True)
        assert made.shape == native.shape
        assert np.abs(made - native).max() <= BOUND


@pytest.mark.parametrize("mode", ["extend", "full"])
def test_kernel_in_the_chain_sounds_like_the_native_engine(rng, mode):
    audio = noise(rng, 1500)
    made = enhance(audio, 48_000, mode=mode, engine="cuda", force=True)
    native = enhance(audio, 48_000, mode=mode, engine="native", force=True)
    assert np.abs(made - native).max() <= BOUND
    assert np.abs(made - audio).max() > 100 * BOUND


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_hardly_any_audio(plain_layers, frames):
    audio = np.full(frames, 0.5, np.float32)
    for rate in (8000, 16_000, 48_000):
        made = enhance(audio, rate, engine="cuda")
        native = enhance(audio, rate, engine="native")
        assert made.shape == native.shape
        np.testing.assert_allclose(made, native, atol=BOUND)


def test_silence_stays_silent(rng):
    audio = np.zeros(1200, np.float32)
    np.testing.assert_array_equal(enhance(audio, 48_000, engine="cuda", force=True), 0.0)


def test_nan_is_replaced_as_by_the_native_engine(plain_layers, rng):
    audio = noise(rng, 3000, 2)
    audio[1000:1010, 0] = np.nan
    audio[2000, 1] = np.inf
    made = enhance(audio, 16_000, engine="cuda")
    assert np.abs(made - enhance(audio, 16_000, engine="native")).max() <= BOUND


def test_brightness_and_other_weights_are_heard(plain_layers, shared, rng):
    audio = noise(rng, 3000)
    for options in ({"high_band_gain_db": 6.0}, {"weights": shared / "weights" / "novasr_v2.bin"}):
        made = enhance(audio, 16_000, engine="cuda", **options)
        assert np.abs(made - enhance(audio, 16_000, **options)).max() <= BOUND
        assert np.abs(made - enhance(audio, 16_000)).max() > 1e-3


@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
def test_segments_of_a_long_recording_have_no_seams(plain_layers, monkeypatch, rng, rate):
    audio = noise(rng, int(1.4 * rate), 2)
    whole = enhance(audio, rate, engine="cuda", force=True)
    monkeypatch.setattr(segments, "_SEGMENT_SAMPLES", 48_000)
    parts = enhance(audio, rate, engine="cuda", force=True)
    assert np.abs(parts - whole).max() <= 2e-6


def test_kernel_gives_the_same_bits_for_segments(monkeypatch, rng):
    monkeypatch.setattr(segments, "_WARM_UP_SECONDS", 0.02)
    audio = noise(rng, 1700)
    whole = enhance(audio, 16_000, engine="cuda")
    monkeypatch.setattr(segments, "_SEGMENT_SAMPLES", 1500)
    cut = []
    original = segments.Segment
    monkeypatch.setattr(segments, "Segment", lambda *a: cut.append(a) or original(*a))
    np.testing.assert_array_equal(enhance(audio, 16_000, engine="cuda"), whole)
    assert len(cut) > 2


def test_many_recordings_at_once_equal_each_alone(plain_layers, rng):
    engine = BatchEngine()
    recordings = [noise(rng, 5000), noise(rng, 700, 2), noise(rng, 9001), noise(rng, 0)]
    rates = [16_000, 48_000, 22_050, 8000]
    together = engine.enhance(recordings, rates, jobs=2)
    for audio, rate, made in zip(recordings, rates, together, strict=True):
        native = enhance(audio, rate, engine="native", force=True)
        assert made.shape == native.shape
        assert np.abs(made - native).max(initial=0) <= BOUND
    one_rate = engine.enhance(recordings[:2], 16_000, mode="full")
    assert np.abs(one_rate[1] - enhance(recordings[1], 16_000, mode="full")).max() <= BOUND


def test_many_recordings_have_the_same_bits_in_any_company(rng):
    engine = BatchEngine(batch=4)
    recordings = [noise(rng, 300), noise(rng, 120, 2), noise(rng, 80)]
    together = engine.enhance(recordings, 16_000)
    for audio, made in zip(recordings, together, strict=True):
        np.testing.assert_array_equal(engine.enhance([audio], 16_000)[0], made)


def test_files_are_those_of_the_native_engine(plain_layers, tmp_path, rng):
    soundfile.write(tmp_path / "talk.wav", noise(rng, 40_000, 2), 16_000, subtype="FLOAT")
    made = enhance_file(tmp_path / "talk.wav", tmp_path / "cuda.wav", engine="cuda")
    native = enhance_file(tmp_path / "talk.wav", tmp_path / "native.wav", engine="native")
    assert made.output_frames == native.output_frames == 120_000
    outputs = [soundfile.read(result.destination, dtype="float32")[0] for result in (made, native)]
    assert np.abs(outputs[0] - outputs[1]).max() <= BOUND


def test_command_enhances_files(tmp_path, rng):
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", noise(rng, 600), 16_000, subtype="FLOAT")
    run = command("enhance", tmp_path, "--engine", "cuda")
    assert run.returncode == 0, run.stderr
    for name in ("a", "b"):
        audio, _ = soundfile.read(tmp_path / f"{name}.wav", dtype="float32")
        made, rate = soundfile.read(tmp_path / f"{name}-48k.wav", dtype="float32")
        assert rate == 48_000
        assert np.abs(made - enhance(audio, 16_000)).max() <= BOUND


def test_without_a_gpu_the_command_says_what_is_missing(tmp_path, rng):
    soundfile.write(tmp_path / "talk.wav", noise(rng, 600), 16_000)
    run = command(
        "enhance",
        tmp_path / "talk.wav",
        "--engine",
        "cuda",
        TRITON_INTERPRET="0",
        CUDA_VISIBLE_DEVICES="",
    )
    assert_one_error_line(run, "engine='cuda' cannot run here", "engine='native'")
    assert [path.name for path in tmp_path.iterdir()] == ["talk.wav"]


def test_without_pytorch_the_command_says_how_to_get_it(tmp_path, rng):
    soundfile.write(tmp_path / "talk.wav", noise(rng, 600), 16_000)
    (tmp_path / "site").mkdir()
    path = without_package(tmp_path / "site", "torch")
    run = command("enhance", tmp_path / "talk.wav", "--engine", "cuda", PYTHONPATH=path)
    assert_one_error_line(run, "PyTorch", "pip install 'novasr[cuda]'")


def test_pipes_and_scripts_are_refused(tmp_path):
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "novasr",
            "enhance",
            "-",
            "-o",
            tmp_path / "o.wav",
            "--engine",
            "cuda",
        ],
        input="",
        capture_output=True,
        text=True,
    )
    assert_one_error_line(run, "a pipe is read as it comes", "engine='native'")
    with pytest.raises(ParameterError, match="takes weights, not TorchScript"):
        enhance(np.zeros(100, np.float32), 16_000, engine="cuda", weights="model.ts")


@pytest.mark.parametrize("refusing", [novasr.Stream, LiveStream])
def test_streams_refuse_and_name_what_takes_it(refusing):
    needed = [16_000] if "sample_rate" in inspect.signature(refusing).parameters else []
    with pytest.raises(ParameterError, match=re.escape("novasr.cuda.BatchEngine")):
        refusing(*needed, engine="cuda")


def test_the_model_wide_is_refused():
    with pytest.raises(ParameterError, match=r"'wide' has no form for GPUs: use engine='native'"):
        enhance(np.zeros(100, np.float32), 16_000, engine="cuda", model="wide")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 3}, "batch must be a power of two, not 3"),
        ({"batch": 0}, "batch must be a positive whole number"),
        ({"batch": 1 << 17}, "batch must be 65536 at most"),
        ({"compute": "fast"}, "compute must be one of auto, fused, plain, compiled"),
        ({"precision": "bf16"}, "precision must be one of tf32x3, ieee"),
        ({"compute": "plain", "precision": "ieee"}, "precision is of the fused kernel"),
        ({"model": "huge"}, "model must be one of base, wide"),
    ],
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(ParameterError, match=message):
        BatchEngine(**options)


def test_wrong_recordings_are_named(plain_layers):
    engine = BatchEngine()
    good = np.zeros(100, np.float32)
    with pytest.raises(AudioFormatError, match=r"recordings\[1\]: expected floating-point samples"):
        engine.enhance([good, np.zeros(100, np.int16)], 16_000)
    with pytest.raises(ParameterError, match="2 rates for 1 recordings"):
        engine.enhance([good], [16_000, 48_000])
    for rate in ("16000", [[16_000]], [16_000.5]):
        with pytest.raises(ParameterError, match="sample_rate must be a positive whole number"):
            engine.enhance([good], rate)
    with pytest.raises(AudioFormatError, match=r"recordings\[0\].*8000"):
        engine.enhance([good], 4000)
    with pytest.raises(AudioFormatError, match="expected 1 channel"):
        engine.run([np.zeros((100, 2), np.float32)])


def test_without_a_gpu_the_reason_is_given(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET")
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(StreamError, match=r"built without CUDA|no NVIDIA GPU"):
        BatchEngine()
