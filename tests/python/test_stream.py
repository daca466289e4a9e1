"""Stream and enhance: what Python callers rely on."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import re
import subprocess
import sys
import threading
import time

import needs
import numpy as np
import pytest
from safetensors.numpy import save_file

import novasr
from novasr.errors import AudioFormatError, StreamError, WeightsError
from novasr.weights.load import load_tensors

REFERENCE = {"mode": "full", "front_end": "reference"}
BLOCKS = [1, 7, 32, 63, 64, 441, 480, 512, 1023, 4096, "random"]


def speech_like(rng, frames, rate):
    """Noise below 6 kHz: the model passes it, and its correlation has one sharp peak."""
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    spectrum[np.fft.rfftfreq(frames, 1 / rate) > 6000] = 0
    noise = np.fft.irfft(spectrum, frames)
    return (0.1 * noise / noise.std()).astype(np.float32)


def run(stream, audio, block, rng):
    parts, start = [], 0
    while start < len(audio):
        size = int(rng.integers(1, 3000)) if block == "random" else block
        parts.append(stream.process(audio[start : start + size]))
        assert len(parts[-1]) == len(audio[start : start + size])
        start += size
    return np.concatenate([*parts, stream.flush()])


def measured_delay(output, audio):
    """Delay with the highest cross-correlation, in frames."""
    size = 1 << (len(output) + len(audio)).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(output, size) * np.conj(np.fft.rfft(audio, size)))
    return int(np.argmax(correlation))


@pytest.mark.parametrize("low_latency", [False, True])
@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("block", BLOCKS)
def test_latency_is_the_measured_delay(rng, block, engine, low_latency):
    if engine == "torch":
        needs.libtorch()
    stream = novasr.Stream(48_000, low_latency=low_latency, engine=engine, **REFERENCE)
    tiny = block in (1, 7) and engine == "torch"  # a LibTorch call for each
    audio = speech_like(rng, 3000 if tiny else 24_000, 48_000)
    output = run(stream, audio, block, rng)
    assert len(output) == len(audio) + stream.latency
    assert measured_delay(output, audio) == stream.latency


def test_control_a_delay_of_one_frame_more_is_measured(rng):
    stream = novasr.Stream(48_000, low_latency=True, **REFERENCE)
    audio = speech_like(rng, 24_000, 48_000)
    output = run(stream, audio, 480, rng)
    assert measured_delay(np.concatenate([[0], output]), audio) == stream.latency + 1


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels_are_independent(rng, channels):
    audio = np.stack([speech_like(rng, 9000, 48_000) for _ in range(channels)], axis=1)
    together = novasr.enhance(audio, 48_000, force=True)
    assert together.shape == audio.shape
    for c in range(channels):
        alone = novasr.enhance(audio[:, c], 48_000, force=True)
        np.testing.assert_allclose(together[:, c], alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("frames", [0, 1, 2, 3, 5, 100, 12_345])
def test_enhance_gives_exactly_the_frames_it_promises(rng, rate, frames):
    audio = (0.1 * rng.standard_normal(frames)).astype(np.float32)
    output = novasr.enhance(audio, rate, force=True)
    assert output.shape == (round(frames * 48_000 / rate),)
    assert output.dtype == np.float32
    assert np.isfinite(output).all()


@pytest.mark.alone
def test_threaded_engine_gives_the_same_audio_later(rng):
    """Nothing waits for the worker here, so feed it in real time: 10 ms blocks every 10 ms."""
    audio = speech_like(rng, 24_000, 48_000)
    stream = novasr.Stream(48_000, threaded=True)
    parts = []
    for start in range(0, len(audio), 480):
        parts.append(stream.process(audio[start : start + 480]))
        time.sleep(0.01)
    output = np.concatenate([*parts, stream.flush()])[stream.latency :]
    direct = run(novasr.Stream(48_000), audio, 480, rng)[novasr.Stream(48_000).latency :]
    assert stream.latency > novasr.Stream(48_000).latency
    if stream.stats.underrun_frames == 0:  # a loaded machine may be late; alignment holds anyway
        np.testing.assert_allclose(output, direct, rtol=0, atol=1e-6)
    assert measured_delay(output, direct) == 0


@pytest.mark.parametrize("change", [{"mix": 0.0}, {"bypass": True}])
def test_dry_output_is_the_input_bit_for_bit(rng, change):
    audio = speech_like(rng, 9000, 48_000)
    stream = novasr.Stream(48_000)
    stream.set(**change)
    output = run(stream, audio, 480, rng)[stream.latency :]
    np.testing.assert_array_equal(output, audio)


def test_parameters_change_the_sound_and_not_the_latency(rng):
    audio = speech_like(rng, 48_000, 48_000)
    stream = novasr.Stream(48_000, crossover_hz=6500, output_gain_db=-6)
    latency = stream.latency
    loud = run(novasr.Stream(48_000, crossover_hz=6500), audio, 480, rng)
    np.testing.assert_allclose(run(stream, audio, 480, rng), loud * 10 ** (-6 / 20), atol=1e-6)
    stream.reset()
    stream.set(mode="full", front_end="reference", mix=0.5, high_band_gain_db=-3)
    assert stream.latency == latency
    assert measured_delay(run(stream, audio, 480, rng), audio) == latency


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mix": 1.5}, "mix.*1.5"),
        ({"mix": float("nan")}, "mix"),
        ({"mix": "much"}, "mix must be a number, not 'much'"),
        ({"crossover_hz": 9000}, "crossover.*9000"),
        ({"mode": "loud"}, "mode must be one of"),
        ({"volume": 1}, "no parameter 'volume'; there are mode,"),
    ],
)
def test_wrong_changes_are_refused_and_change_nothing(rng, change, message):
    audio = speech_like(rng, 4800, 48_000)
    stream = novasr.Stream(48_000)
    with pytest.raises(AudioFormatError, match=message):
        stream.set(**change)
    np.testing.assert_array_equal(
        run(stream, audio, 480, rng), run(novasr.Stream(48_000), audio, 480, rng)
    )


@pytest.mark.parametrize(
    "rate",
    [
        8000,
        11_025,
        16_000,
        22_050,
        24_000,
        32_000,
        44_100,
        48_000,
        88_200,
        96_000,
        176_400,
        192_000,
    ],
)
def test_any_rate_is_enhanced_to_48_khz_aligned(rng, rate):
    frames = rate // 2 + 1

    def chirp(time):  # 0.5 s from 300 to 1500 Hz, faded in and out
        return 0.3 * np.sin(2 * np.pi * (300 + 1200 * time) * time) * np.sin(2 * np.pi * time) ** 2

    audio = chirp(np.arange(frames) / rate).astype(np.float32)
    output = novasr.enhance(audio, rate, force=True)
    assert len(output) == round(frames * 48_000 / rate)
    expected = chirp(np.arange(len(output)) / 48_000)
    assert measured_delay(output, expected) == 0
    assert np.abs(output - expected)[100:-100].max() < 0.02  # the model adds some overtones


def test_rates_up_to_16_khz_pass_through(rng):
    audio = speech_like(rng, 16_000, 16_000)
    with pytest.warns(
        novasr.PassthroughWarning, match="output_rate=16000.*choose output_rate=48000"
    ):
        stream = novasr.Stream(16_000, output_rate=16_000)
    output = run(stream, audio, 160, rng)[stream.latency :]
    assert stream.stats.passthrough
    np.testing.assert_array_equal(output, audio)
    copy.copy(stream)  # has been said


def test_reset_begins_a_fresh_stream(rng):
    audio = speech_like(rng, 5000, 48_000)
    stream = novasr.Stream(48_000)
    first = run(stream, audio, 480, rng)
    stream.reset()
    second = run(stream, audio, 480, rng)
    np.testing.assert_array_equal(first, second)


def pickled(stream):
    return pickle.loads(pickle.dumps(stream))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
@pytest.mark.parametrize(
    "settings",
    [
        {"sample_rate": 16_000, "channels": 2},
        {"sample_rate": 44_100, "output_rate": 48_000, "offline": True},
        {"sample_rate": 48_000, "low_latency": True, **REFERENCE},
        {"sample_rate": 48_000, "crossover_hz": 5000, "mix": 0.3, "high_band_gain_db": -3},
        {"sample_rate": 48_000, "output_gain_db": 1.1, "bypass": True},
        {"sample_rate": 48_000, "threaded": True, "mix": 0.0},
        {"sample_rate": 48_000, "engine": "torch", "threads": 2},
    ],
)
def test_a_copy_has_the_settings_and_begins_afresh(rng, duplicate, settings):
    if settings.get("engine") == "torch":
        needs.libtorch()
    stream = novasr.Stream(**settings)
    audio = (0.1 * rng.standard_normal((4000, stream.channels))).astype(np.float32)
    stream.process(audio[:300])
    stream.set(output_gain_db=-6.3)
    twin = duplicate(stream)
    for name in ("sample_rate", "output_rate", "channels", "latency"):
        assert getattr(twin, name) == getattr(stream, name)
    assert twin.stats.input_frames == 0
    assert stream.stats.input_frames == 300
    stream.reset()
    once, again = ([s.process(audio[:400]), s.process(audio[400:800])] for s in (stream, twin))
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(once))
    twin.set(bypass=False, output_gain_db=0.0)
    assert not np.array_equal(twin.process(audio), stream.process(audio))


def test_a_copy_needs_no_weights_file(rng, tmp_path):
    weights = tmp_path / "mine.safetensors"
    tensors = load_tensors()
    tensors["conv_post.weight"] = 0.5 * tensors["conv_post.weight"]
    save_file(tensors, weights)
    stream = novasr.Stream(48_000, weights=weights)
    audio = rng.standard_normal(4000).astype(np.float32)
    expected = stream.process(audio)
    content = pickle.dumps(stream)
    weights.unlink()
    np.testing.assert_array_equal(pickle.loads(content).process(audio), expected)
    assert not np.array_equal(novasr.Stream(48_000).process(audio), expected)


def test_a_copy_of_torchscript_needs_no_file_either(rng, tmp_path):
    needs.libtorch()
    script = novasr.export_torchscript(tmp_path / "mine.ts")
    stream = novasr.Stream(48_000, weights=script)
    audio = rng.standard_normal(1000).astype(np.float32)
    expected = stream.process(audio)
    script.unlink()
    np.testing.assert_array_equal(pickled(stream).process(audio), expected)


def test_a_copy_of_an_ended_stream_is_a_fresh_one():
    stream = novasr.Stream(48_000)
    stream.flush()
    assert copy.deepcopy(stream).process(np.zeros(480, np.float32)).shape == (480,)


def test_spawned_processes_take_streams_along(rng):
    streams = [novasr.Stream(48_000, mix=mix) for mix in (0.2, 0.9)]
    audio = speech_like(rng, 3000, 48_000)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        outputs = pool.starmap(novasr.Stream.process, [(stream, audio) for stream in streams])
    for stream, output in zip(streams, outputs):
        np.testing.assert_array_equal(output, stream.process(audio))


def test_stream_refuses_audio_after_its_end(rng):
    stream = novasr.Stream(48_000)
    stream.flush()
    with pytest.raises(StreamError, match=r"reset\(\)"):
        stream.process(np.zeros(10, np.float32))
    with pytest.raises(StreamError, match=r"reset\(\)"):
        stream.flush()


def test_nan_and_infinity_are_counted_and_forgotten(rng):
    audio = speech_like(rng, 20_000, 48_000)
    broken = audio.copy()
    broken[[1000, 1001, 2000]] = [np.nan, np.inf, -np.inf]
    stream = novasr.Stream(48_000)
    output = run(stream, broken, 512, rng)
    assert stream.stats.nonfinite_samples == 3
    assert np.isfinite(output).all()
    clean = run(novasr.Stream(48_000), audio, 512, rng)
    np.testing.assert_allclose(output[4000:], clean[4000:], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample_rate": 0}, "sample_rate must be a positive whole number, not 0"),
        ({"sample_rate": 48_000.5}, "sample_rate"),
        ({"sample_rate": 400_000}, "400000"),
        ({"sample_rate": 48_000, "channels": 0}, "channels"),
        ({"sample_rate": 48_000, "mode": "loud"}, "mode must be one of extend, full, not 'loud'"),
        ({"sample_rate": 48_000, "engine": "gpu"}, "engine must be one of auto, native, torch"),
        ({"sample_rate": 48_000, "front_end": "soft"}, "front_end must be one of"),
        ({"sample_rate": 48_000, "output_rate": 22_050}, "22050"),
        (
            {"sample_rate": 48_000, "low_latency": True},
            "use mode 'full' with front_end 'reference', or no low latency",
        ),
        (
            {"sample_rate": 48_000, "low_latency": True, "mode": "full"},
            "use front_end 'reference' with mode 'full', or no low latency",
        ),
    ],
)
def test_wrong_parameters_are_named(arguments, message):
    with pytest.raises(AudioFormatError, match=message):
        novasr.Stream(**arguments)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros(10, np.int16), "int16; divide integers by their full scale"),
        (np.zeros((2, 10), np.float32), r"\(2, 10\); transpose it \(audio\.T\)"),
        (np.zeros((1, 10), np.float32), r"\(1, 10\); transpose it \(audio\.T\)"),
        (np.zeros((10, 3), np.float32), r"2 channel\(s\)"),
        (np.zeros((1, 10, 2), np.float32), r"\(1, 10, 2\)"),
        (np.zeros(10, np.complex64), "complex64"),
    ],
)
def test_wrong_arrays_are_refused(audio, message):
    with pytest.raises(AudioFormatError, match=message):
        novasr.Stream(48_000, 2).process(audio)


@pytest.mark.parametrize("shape", [(1, 16_000), (2, 16_000), (2, 256), (1, 2)])
def test_channels_first_is_refused_with_the_remedy(shape):
    """As in librosa, torchaudio and pedalboard; no audio has more channels than frames."""
    with pytest.raises(
        AudioFormatError, match=rf"{re.escape(str(shape))}; transpose it \(audio\.T\)"
    ):
        novasr.enhance(np.zeros(shape, np.float32), 16_000)


def test_a_block_may_be_shorter_than_the_stream_is_wide():
    assert novasr.Stream(48_000, 6).process(np.zeros((2, 6), np.float32)).shape == (2, 6)


@pytest.mark.parametrize("shape", [(0, 2), (2, 2), (256, 256)])
def test_any_plausible_shape_is_taken(shape):
    assert novasr.enhance(np.zeros(shape, np.float32), 48_000).shape == shape


def test_one_dimension_in_is_one_dimension_out(rng):
    audio = (0.1 * rng.standard_normal(1000)).astype(np.float32)
    stream, columns = novasr.Stream(48_000), novasr.Stream(48_000)
    output = stream.process(audio[:480])
    assert (output - audio[:480]).shape == (480,)
    flat = np.concatenate([output, stream.process(list(audio[480:])), stream.flush()])
    expected = np.concatenate([columns.process(audio[:, None]), columns.flush()])
    assert expected.shape == (1000 + columns.latency, 1)
    np.testing.assert_array_equal(flat, expected[:, 0])
    stream.reset()
    assert stream.flush().ndim == 2  # of a stream that was given nothing
    stream.reset()
    pieces = list(stream.aligned([audio[:100], audio[100:]]))
    np.testing.assert_array_equal(np.concatenate(pieces), flat[stream.latency :])


def test_more_channels_than_256_are_refused_before_memory_is_taken():
    with pytest.raises(AudioFormatError, match="channels must be 256 at most, not 16000"):
        novasr.Stream(48_000, 16_000)
    with pytest.raises(AudioFormatError, match=r"1 to 256 channel\(s\), got .*\(900, 300\)$"):
        novasr.enhance(np.zeros((900, 300), np.float32), 48_000)


def test_offline_and_threaded_exclude_each_other():
    with pytest.raises(AudioFormatError, match="choose one"):
        novasr.Stream(48_000, offline=True, threaded=True)


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_weights_that_cannot_be_folded_are_a_weights_error(tmp_path, engine):
    """An asymmetric filter is valid in PyTorch; the native engine must reject it with a reason."""
    tensors = load_tensors()
    name = "resblocks.0.activations.0.downsample.lowpass.filter"
    tensors[name] = np.linspace(0, 1, 12, dtype=np.float32).reshape(1, 1, 12)
    save_file(tensors, tmp_path / "skew.safetensors")
    if engine == "torch":
        needs.libtorch()
        novasr.Stream(48_000, engine=engine, weights=tmp_path / "skew.safetensors")
        return
    with pytest.raises(WeightsError, match="skew"):
        novasr.Stream(48_000, engine=engine, weights=tmp_path / "skew.safetensors")


def test_missing_weights_are_named():
    with pytest.raises(WeightsError, match=r"nowhere.bin"):
        novasr.Stream(48_000, weights="nowhere.bin")


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_users_torch_keeps_its_thread_count(engine, rng):
    torch = needs.package("torch", "pip install 'novasr[torch]'")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        novasr.enhance(speech_like(rng, 4800, 48_000), 48_000, engine=engine)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.alone
def test_other_python_threads_run_while_a_stream_works(rng):
    needs.libtorch()
    audio = speech_like(rng, 48_000, 48_000)
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(1)

    ticker = threading.Thread(target=tick)
    stream = novasr.Stream(48_000, engine="torch")
    ticker.start()
    stream.process(audio)
    count = len(ticks)
    done.set()
    ticker.join()
    assert count > 10


def import_seconds(name: str) -> float:
    """Best of three, in fresh processes."""
    script = (
        f"import sys, time; t = time.perf_counter(); import {name}; t = time.perf_counter() - t;"
        "print(t, *(name in sys.modules for name in ('torch', 'numpy')))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    if name == "novasr":
        assert all(run.stdout.split()[1:] == ["False", "False"] for run in runs)
    return min(float(run.stdout.split()[0]) for run in runs)


@pytest.mark.alone
def test_import_is_quick_and_brings_neither_torch_nor_numpy():
    assert import_seconds("novasr") < import_seconds("numpy") + 0.05


def test_wrong_torch_version_is_said_plainly(monkeypatch):
    torch = needs.package("torch", "pip install 'novasr[torch]'")
    needs.libtorch()
    monkeypatch.setattr(torch, "__version__", "2.9.1+cpu")
    with pytest.raises(
        StreamError,
        match=r"built for torch 2\.13\.0, but torch 2\.9\.1 .*pip install torch==2\.13\.0",
    ):
        novasr.Stream(48_000, engine="torch")


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_an_array_of_full_band_is_only_brought_to_48_khz(rate: int) -> None:
    audio = 0.1 * np.random.default_rng(1).standard_normal((rate, 2)).astype(np.float32)
    with pytest.warns(novasr.FullBandWarning, match="already full band"):
        output = novasr.enhance(audio, rate)
    assert output.shape == (48_000, 2)
    if rate == 48_000:
        np.testing.assert_array_equal(output, audio)
    assert np.abs(novasr.enhance(audio, rate, force=True) - output).max() > 0.01


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_aligned_is_all_of_it_without_the_latency(rng, rate):
    audio = (0.1 * rng.standard_normal((rate // 2, 2))).astype(np.float32)
    stream = novasr.Stream(rate, 2)
    whole = np.concatenate([stream.process(audio), stream.flush()])[stream.latency :]
    stream.reset()
    blocks = np.array_split(audio, [1, 40, 41, 3000])
    np.testing.assert_array_equal(np.concatenate(list(stream.aligned(blocks))), whole)
