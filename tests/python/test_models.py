"""The models of this package by name, in every function and command that takes one."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import soundfile as sf
import soxr
from command_line import novasr as command
from scipy import signal

import novasr
from novasr.errors import ParameterError
from novasr.families import default_family
from novasr.models import MODELS, chosen_weights
from novasr.weights.load import PACKAGED_WEIGHTS, load_weights
from novasr.weights.save import save_weights

LARGEST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def call() -> tuple[np.ndarray, int]:
    """A second of noise that ends at 3.4 kHz, as a telephone gives it."""
    noise = 0.05 * np.random.default_rng(5).standard_normal(48_000)
    return soxr.resample(noise, 48_000, 8_000).astype(np.float32), 8_000


@pytest.fixture(scope="module")
def own_weights(tmp_path_factory):
    """A copy of each model's weights under a name of the user's."""
    folder = tmp_path_factory.mktemp("weights")
    for name in MODELS:
        save_weights(
            novasr.load_model(name),
            folder / f"{name}-copy.safetensors",
            PACKAGED_WEIGHTS[name].family,
        )
    return folder


def test_each_model_has_its_weights_in_the_package():
    assert {name: load_weights(name).family for name in MODELS} == {
        "base": "novasr",
        "wide": "wide",
    }
    assert PACKAGED_WEIGHTS["base"].family == default_family()


def test_packaged_weights_are_small():
    from importlib.resources import files

    for packaged in PACKAGED_WEIGHTS.values():
        size = len((files("novasr.weights") / packaged.filename).read_bytes())
        assert size <= LARGEST_BYTES, packaged.filename


def test_without_a_name_the_base_extends(call):
    audio, rate = call
    assert np.array_equal(novasr.enhance(audio, rate), novasr.enhance(audio, rate, model="base"))


def test_arrays_streams_and_files_agree_on_a_model(call, tmp_path):
    audio, rate = call
    array = novasr.enhance(audio, rate, model="wide")
    assert not np.array_equal(array, novasr.enhance(audio, rate, model="base"))

    band_hz = novasr.measure_bandwidth([audio], sample_rate=rate)
    stream = novasr.Stream(rate, model="wide", source_band_hz=band_hz)
    blocks = [stream.process(block) for block in np.array_split(audio, 37)]
    streamed = np.concatenate([*blocks, stream.flush()])
    assert np.array_equal(streamed[stream.latency :][: len(array)], array)

    sf.write(tmp_path / "call.wav", audio, rate, "FLOAT")
    novasr.enhance_file(tmp_path / "call.wav", tmp_path / "out.wav", model="wide", subtype="float")
    assert np.array_equal(sf.read(tmp_path / "out.wav", dtype="float32")[0], array)


@pytest.mark.parametrize("edge_hz", [2_500, 5_000, 9_000, 13_000])
@pytest.mark.parametrize("slope", ["soft", "steep"])
def test_a_recording_is_extended_from_its_first_sample(slope, edge_hz, tmp_path):
    """Its band is measured beforehand, which a stream cannot do."""
    rate, start = 48_000, 12_000
    noise = 0.1 * np.random.default_rng(edge_hz).standard_normal(2 * rate)
    filters = {
        "soft": signal.butter(8, edge_hz, fs=rate, output="sos"),
        "steep": signal.ellip(8, 0.1, 80, edge_hz, fs=rate, output="sos"),
    }
    audio = signal.sosfilt(filters[slope], noise).astype(np.float32)
    array = novasr.enhance(audio, rate, model="wide")
    high = signal.sosfilt(signal.butter(8, 1.5 * edge_hz, "high", fs=rate, output="sos"), array)
    assert 10 * np.log10(np.mean(high[rate:] ** 2) / np.mean(high[:start] ** 2)) < 6

    sf.write(tmp_path / "call.wav", audio, rate, "FLOAT")
    novasr.enhance_file(tmp_path / "call.wav", tmp_path / "out.wav", model="wide", subtype="float")
    assert np.array_equal(sf.read(tmp_path / "out.wav", dtype="float32")[0], array)


@pytest.mark.parametrize("hz", [0, -1, 999, 24_001, float("nan"), float("inf"), "8 kHz", True])
def test_a_band_that_no_source_has(hz):
    with pytest.raises(ParameterError, match="source_band_hz"):
        novasr.Stream(48_000, model="wide", source_band_hz=hz)


def test_copies_of_a_stream_know_the_band(call):
    audio, rate = call
    stream = novasr.Stream(rate, model="wide", source_band_hz=3_000)
    copied = pickle.loads(pickle.dumps(stream))
    assert np.array_equal(copied.process(audio), stream.process(audio))


@pytest.mark.parametrize("name", MODELS)
def test_weights_decide_the_model(own_weights, call, name):
    audio, rate = call
    weights = own_weights / f"{name}-copy.safetensors"
    expected = novasr.enhance(audio, rate, model=name)
    assert np.array_equal(novasr.enhance(audio, rate, weights=weights), expected)
    assert np.array_equal(novasr.enhance(audio, rate, weights=weights, model=name), expected)


@pytest.mark.parametrize(("name", "other"), [("base", "wide"), ("wide", "base")])
def test_a_model_and_weights_that_contradict_each_other(own_weights, call, name, other, tmp_path):
    audio, rate = call
    weights = own_weights / f"{other}-copy.safetensors"
    message = rf"model='{name}' is of the family .*{other}-copy.*give one of the two"
    with pytest.raises(ParameterError, match=message):
        novasr.enhance(audio, rate, weights=weights, model=name)
    with pytest.raises(ParameterError, match=message):
        novasr.Stream(rate, weights=weights, model=name)
    sf.write(tmp_path / "call.wav", audio, rate)
    with pytest.raises(ParameterError, match=message):
        novasr.enhance_file(tmp_path / "call.wav", weights=weights, model=name)
    assert [path.name for path in tmp_path.iterdir()] == ["call.wav"]


@pytest.mark.parametrize("name", MODELS)
def test_a_script_goes_without_a_model(tmp_path, name):
    assert chosen_weights(None, tmp_path / "model.ts") == tmp_path / "model.ts"
    with pytest.raises(ParameterError, match=f"'{name}' and the script .*: give one of the two"):
        chosen_weights(name, tmp_path / "model.ts")


def test_brightness_is_a_gain_on_what_is_added(call):
    """Twice the gain in decibels is the square of the factor; the input's own band stays."""
    audio, rate = call
    gains = (0.0, -6.0, -12.0)
    plain, softer, softest = (
        novasr.enhance(audio, rate, model="wide", high_band_gain_db=gain) for gain in gains
    )
    first, second = plain - softer, softer - softest
    assert np.abs(second - first * 10 ** (-6 / 20)).max() < 1e-5
    assert np.abs(first).max() > 1e-3


def test_brightness_needs_a_band_that_is_added(call, tmp_path):
    audio, rate = call
    sf.write(tmp_path / "call.wav", audio, rate)
    done = command(
        "enhance", tmp_path / "call.wav", "--mode", "full", "--high-band-gain", "3", cwd=tmp_path
    )
    assert done.returncode == 2
    assert "acts in mode='extend' alone" in done.stderr
    assert command("enhance", "call.wav", "--high-band-gain", 13, cwd=tmp_path).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["call.wav"]


def test_an_unknown_model_names_those_there_are():
    with pytest.raises(ParameterError, match="model must be one of base, wide, not 'wider'"):
        novasr.Stream(48_000, model="wider")


def test_the_command_line_takes_a_model(call, tmp_path):
    audio, rate = call
    sf.write(tmp_path / "call.wav", audio, rate, "FLOAT")
    done = command("enhance", tmp_path / "call.wav", "--model", "wide", "--bits", "float")
    assert done.returncode == 0, done.stderr
    made = sf.read(tmp_path / "call-48k.wav", dtype="float32")[0]
    assert np.array_equal(made, novasr.enhance(audio, rate, model="wide"))


def test_info_judges_for_a_model(call, tmp_path):
    audio, rate = call
    sf.write(tmp_path / "call.wav", audio, rate)
    told = {name: command("info", tmp_path / "call.wav", "--model", name).stdout for name in MODELS}
    assert "kHz to 8 kHz stays empty" in told["base"]
    assert "extend it" in told["wide"]
