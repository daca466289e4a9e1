"""The examples, run as their first lines say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
from command_line import without_package

import novasr

EXAMPLES = Path(__file__).parents[1] / "examples"
LONGEST = 60  # lines


def run(name: str, *words: object) -> str:
    command = [sys.executable, EXAMPLES / name, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.[cp]*")), ids=lambda path: path.name)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST


def test_enhance_file_writes_48_khz_aligned_with_the_recording(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    spectrum = np.fft.rfft(0.1 * rng.standard_normal(32_000))
    spectrum[10_000:] = 0  # 5 kHz: stays as it is
    narrow = np.fft.irfft(spectrum)
    sf.write(tmp_path / "talk.wav", narrow, 16_000, "FLOAT")
    assert "2.0 s" in run("enhance_file.py", tmp_path / "talk.wav", tmp_path / "out.wav")
    result, rate = sf.read(tmp_path / "out.wav")
    assert (len(result), rate) == (96_000, 48_000)
    below = np.fft.irfft(np.fft.rfft(result)[:10_000], 32_000) / 3
    assert np.abs(below - narrow)[2_000:-2_000].max() < 1e-3


def test_onnx_stream_gives_what_the_network_gives(tmp_path: Path, rng: np.random.Generator) -> None:
    audio = (0.1 * rng.standard_normal((9_999, 2))).astype(np.float32)
    sf.write(tmp_path / "talk.wav", audio, 16_000, "FLOAT")
    model = novasr.export_onnx(tmp_path / "model.onnx")
    assert "0.6 s" in run("onnx_stream.py", model, tmp_path / "talk.wav", tmp_path / "out.wav")
    result, rate = sf.read(tmp_path / "out.wav")
    assert (result.shape, rate) == ((3 * 9_999, 2), 48_000)
    for made, channel in zip(result.T, audio.T):
        expected = novasr.load_model()(torch.from_numpy(channel)[None, None])[0, 0].numpy()
        assert np.abs(made[: len(expected)] - expected).max() < 1e-6


def test_onnx_stream_runs_the_model_for_any_band(tmp_path: Path, rng: np.random.Generator) -> None:
    """One with a hop, whose last chunk is not whole."""
    spectrum = np.fft.rfft(0.1 * rng.standard_normal(70_001))
    spectrum[12_000:] = 0  # 8.2 kHz
    audio = np.fft.irfft(spectrum, 70_001).astype(np.float32)
    sf.write(tmp_path / "talk.wav", audio, 48_000, "FLOAT")
    model = novasr.export_onnx(tmp_path / "model.onnx", "wide")
    run("onnx_stream.py", model, tmp_path / "talk.wav", tmp_path / "out.wav")
    result, rate = sf.read(tmp_path / "out.wav")
    stream = novasr.Stream(48_000, model="wide")
    expected = np.concatenate([stream.process(audio), stream.flush()])[stream.latency :]
    expected = expected[: len(audio)]
    assert np.abs(expected - audio).max() > 0.01
    assert rate == 48_000
    assert np.abs(result - expected).max() < 3e-6


def test_onnx_stream_refuses_another_rate(tmp_path: Path) -> None:
    sf.write(tmp_path / "talk.wav", np.zeros(100), 44_100)
    model = novasr.export_onnx(tmp_path / "model.onnx")
    words = [EXAMPLES / "onnx_stream.py", model, tmp_path / "talk.wav", tmp_path / "out.wav"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path / 'talk.wav'}: has 44100 Hz; the model takes 16000 Hz\n"
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize(
    ("name", "package", "message"),
    [
        ("onnx_stream.py", "onnxruntime", "needs onnxruntime: pip install onnxruntime"),
        ("live_monitor.py", "sounddevice", "needs sounddevice: pip install 'novasr[live]'"),
        ("pedalboard_live.py", "pedalboard", "needs pedalboard: pip install 'novasr[pedalboard]'"),
    ],
)
def test_a_missing_package_is_one_line_with_the_remedy(
    tmp_path: Path, name: str, package: str, message: str
) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": without_package(tmp_path, package)},
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
