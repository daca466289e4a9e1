"""The examples, run as their first lines say."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
import torch
from command_line import without_package

import novasr

EXAMPLES = Path(__file__).parents[1] / "examples"
SPEECH = Path(__file__).parents[1] / "docs" / "audio" / "speech-48k.flac"
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


SENTENCES = "Good morning. How are you today? I am reading this aloud, as it comes!"


@pytest.mark.alone
def test_tts_stream_is_one_stream_of_all_sentences(tmp_path: Path) -> None:
    needs.programs("espeak-ng", packages="espeak-ng")
    spoken = []
    for sentence in SENTENCES.replace("? ", "?|").replace(". ", ".|").split("|"):
        said = subprocess.run(["espeak-ng", "--stdout", sentence], capture_output=True, check=True)
        spoken.append(np.frombuffer(said.stdout[44:], "<i2").astype(np.float32) / 32_768)
    assert len(spoken) == 3
    stream = novasr.Stream(22_050, output_rate=48_000)
    wanted = np.concatenate([stream.process(np.concatenate(spoken)), stream.flush()])
    command = [sys.executable, EXAMPLES / "tts_stream.py"]
    waits = []
    for words in (
        [],
        [tmp_path / "out.raw"],
        [],
    ):  # the best of three: a busy machine may stall one
        done = subprocess.run(
            [*command, *words], input=SENTENCES.encode(), capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        data = (tmp_path / "out.raw").read_bytes() if words else done.stdout
        made = np.frombuffer(data, "<i2") / 32_767
        assert len(made) == len(wanted)
        assert np.abs(made - wanted.clip(-1, 1)).max() < 1e-4
        told = re.search(rb"latency (\S+) ms, first chunk out after (\S+) ms", done.stderr)
        assert float(told[1]) == pytest.approx(stream.latency / 48, abs=0.06)
        waits.append(float(told[2]))
    assert min(waits) < float(told[1]) + 10


@pytest.mark.parametrize("kind", ["espeak-ng", "WORLD"])
def test_refine_generated_takes_the_upper_band_from_the_bank(tmp_path: Path, kind: str) -> None:
    """The speech is brighter with a bright voice's bank than with a dull one's."""
    needs.package("faiss", "pip install 'novasr[studio]'")
    needs.package("pyworld", "pip install 'novasr[f0]'")
    if kind == "espeak-ng":
        needs.programs("espeak-ng", packages="espeak-ng")
    audio, rate = sf.read(SPEECH)
    spectrum = np.fft.rfft(np.tile(audio, 2))
    above = np.fft.rfftfreq(2 * len(audio), 1 / rate) > 8_000
    levels = []
    for name, gain in (("dull", 0.3), ("bright", 3.0)):
        folder, bank, out = (tmp_path / part for part in (name, f"{name}.novabank", f"{name}.wav"))
        folder.mkdir()
        sf.write(folder / "talk.wav", np.fft.irfft(np.where(above, gain, 1) * spectrum) / 4, rate)
        subprocess.run(["novasr", "bank", "build", folder, "-o", bank], check=True)
        command = [sys.executable, EXAMPLES / "refine_generated.py", bank, out]
        command += [folder / "talk.wav"] if kind == "WORLD" else []
        subprocess.run(command, input=SENTENCES, text=True, check=True, timeout=120)
        made, made_rate = sf.read(out)
        assert made_rate == 48_000
        power = np.abs(np.fft.rfft(made)) ** 2
        upper = power[np.fft.rfftfreq(len(made), 1 / 48_000) > 12_000].sum()
        levels.append(10 * np.log10(upper / power.sum()))
    assert levels[1] - levels[0] > 3


def test_tts_stream_names_the_missing_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "tts_stream.py"],
        input="Hello.",
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": str(tmp_path)},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "needs espeak-ng: apt-get install espeak-ng\n"


def narrow_noise(rng: np.random.Generator, frames: int, rate: int) -> np.ndarray:
    """Noise below 5 kHz, or what the rate has."""
    spectrum = np.fft.rfft(0.2 * rng.standard_normal(frames))
    spectrum[np.fft.rfftfreq(frames, 1 / rate) > 5_000] = 0
    return np.fft.irfft(spectrum, frames)


@pytest.mark.alone
@pytest.mark.parametrize(("rate", "layout"), [(48_000, "stereo"), (8_000, "mono")])
def test_aiortc_track_is_a_stream_in_frames_of_20_ms(
    rng: np.random.Generator, rate: int, layout: str
) -> None:
    """Such tracks come from calls: Opus, and the telephone."""
    needs.package("aiortc", "pip install aiortc")
    from aiortc.mediastreams import MediaStreamError

    channels = 2 if layout == "stereo" else 1
    audio = narrow_noise(rng, 3 * rate // 2, rate)
    samples = np.tile((32_768 * audio).astype(np.int16)[:, np.newaxis], channels)
    spec = importlib.util.spec_from_file_location("aiortc_track", EXAMPLES / "aiortc_track.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    class Call(module.MediaStreamTrack):
        kind = "audio"
        given = 0

        async def recv(self) -> module.AudioFrame:
            block = samples[self.given : self.given + rate // 50].reshape(1, -1)
            if block.size == 0:
                raise MediaStreamError
            frame = module.AudioFrame.from_ndarray(np.ascontiguousarray(block), "s16", layout)
            frame.sample_rate, frame.pts = rate, self.given
            self.given += rate // 50
            return frame

    async def frames() -> tuple[list[np.ndarray], float]:
        track, made, pts, first = module.EnhancedTrack(Call()), [], 0, None
        began = time.perf_counter()
        try:
            while True:
                frame = await track.recv()
                first = first or time.perf_counter() - began
                assert (frame.sample_rate, frame.pts) == (48_000, pts)
                pts += frame.samples
                made.append(frame.to_ndarray().reshape(-1, 2) / 32_767)
        except MediaStreamError:
            return made, first

    runs = [asyncio.run(frames()) for _ in range(3)]
    output = np.concatenate(runs[0][0])
    stream = novasr.Stream(48_000, 2, output_rate=48_000, model="wide")
    assert min(first for _, first in runs) < 0.010 + stream.latency / 48_000
    if rate == 48_000:
        wanted = stream.process((samples / 32_768).astype(np.float32))
        assert output.shape == wanted.shape
        assert np.abs(output - wanted.clip(-1, 1)).max() < 1e-4
    else:
        assert len(output) == pytest.approx(72_000, abs=300)  # what is left in the resampler
    levels = np.abs(
        np.fft.rfft(output[len(output) // 2 :, 0] * np.hanning(len(output[len(output) // 2 :])))
    )
    at = np.fft.rfftfreq(len(output) - len(output) // 2, 1 / 48_000)
    assert levels[(at > 6_000) & (at < 12_000)].mean() > 0.01 * levels[at < 3_000].mean()


def test_aiortc_track_records_a_file(tmp_path: Path, rng: np.random.Generator) -> None:
    needs.package("aiortc", "pip install aiortc")
    sf.write(tmp_path / "talk.wav", narrow_noise(rng, 22_050, 22_050), 22_050)
    run("aiortc_track.py", tmp_path / "talk.wav", tmp_path / "out.wav")
    result, rate = sf.read(tmp_path / "out.wav", always_2d=True)
    assert rate == 48_000
    assert len(result) == pytest.approx(48_000, abs=2_000)


def test_livekit_processor_gives_what_a_stream_gives(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    needs.package("livekit.rtc", "pip install livekit")
    audio = narrow_noise(rng, 48_000, 24_000)
    sf.write(tmp_path / "talk.wav", audio, 24_000, "PCM_16")
    source = sf.read(tmp_path / "talk.wav", dtype="float32")[0]
    run("livekit_processor.py", tmp_path / "talk.wav", tmp_path / "out.wav")
    result, rate = sf.read(tmp_path / "out.wav")
    wanted = novasr.Stream(24_000, output_rate=24_000, model="wide").process(source)
    assert rate == 24_000
    assert np.abs(result - wanted).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "package", "message"),
    [
        ("aiortc_track.py", "aiortc", "needs aiortc: pip install aiortc"),
        ("livekit_processor.py", "livekit", "needs livekit: pip install livekit"),
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
