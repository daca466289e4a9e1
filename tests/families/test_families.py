"""Model families that the package does not ship, in every way that Python plays a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import novasr
from novasr import _native
from novasr.engines import engine_format
from novasr.families import families
from novasr.plugin.state import PluginState, decode, encode
from novasr.weights.load import load_weights

HERE = Path(__file__).parent
TOYS = sorted(folder.name for folder in HERE.glob("toy_*"))

pytestmark = pytest.mark.skipif(
    not set(TOYS) <= set(families()), reason="this build has only the families of the package"
)


@pytest.fixture(params=TOYS)
def toy(request) -> Path:
    return HERE / request.param / "neutral.safetensors"


@pytest.fixture
def chirp(rng) -> np.ndarray:
    """Half a second below 2 kHz at 48 kHz: noise, so that any wrong delay shows."""
    spectrum = np.fft.rfft(rng.standard_normal(24_000))
    spectrum[1_000:] = 0
    return np.fft.irfft(spectrum).astype(np.float32)


def lag(before: np.ndarray, after: np.ndarray) -> int:
    """Frames by which `after` follows `before`."""
    size = 2 * len(before)
    product = np.fft.rfft(after, size) * np.conj(np.fft.rfft(before, size))
    return int(np.argmax(np.fft.irfft(product)[: len(before)]))


def test_the_file_names_its_family(toy):
    assert load_weights(toy).family == toy.parent.name


@pytest.mark.parametrize("mode", ["extend", "full"])
def test_a_stream_is_late_by_what_it_reports(toy, chirp, mode):
    stream = novasr.Stream(48_000, weights=toy, mode=mode)
    assert stream.format == engine_format("native", toy)
    made = np.concatenate([stream.process(chirp), stream.flush()])
    assert len(made) == len(chirp) + stream.latency
    assert lag(chirp, made[: len(chirp)]) == stream.latency


def test_a_stream_gives_the_same_bits_for_any_blocks(toy, chirp, rng):
    stream = novasr.Stream(44_100, weights=toy)
    whole = np.concatenate([stream.process(chirp), stream.flush()])
    stream.reset()
    parts, first = [], 0
    while first < len(chirp):
        last = first + int(rng.integers(1, 900))
        parts.append(stream.process(chirp[first:last]))
        first = last
    np.testing.assert_array_equal(np.concatenate([*parts, stream.flush()]), whole)


def test_without_an_output_rate_the_model_says_it(toy):
    stream = novasr.Stream(8_000, weights=toy)
    assert stream.output_rate == stream.format.output_rate


def test_a_threaded_stream_is_later_but_the_same(toy, chirp):
    plain = novasr.Stream(48_000, weights=toy)
    threaded = novasr.Stream(48_000, weights=toy, threaded=True)
    assert threaded.latency > plain.latency


def test_an_array_comes_back_aligned_at_48_khz(toy, chirp):
    made = novasr.enhance(chirp, 48_000, weights=toy, force=True)
    assert len(made) == len(chirp)
    assert lag(chirp, made) == 0


def test_segments_on_several_cores_give_the_bits_of_one(toy, tmp_path, rng):
    source = tmp_path / "in.wav"
    sf.write(source, 0.1 * rng.standard_normal((50 * 16_000, 2)), 16_000)
    made = []
    for jobs in (1, 3):
        result = novasr.enhance_file(
            source, tmp_path / f"{jobs}.wav", weights=toy, jobs=jobs, subtype="float"
        )
        made.append(sf.read(result.destination, dtype="float32")[0])
    np.testing.assert_array_equal(*made)


def test_the_command_line_takes_the_file(toy, tmp_path, chirp):
    source, made = tmp_path / "in.wav", tmp_path / "out.wav"
    sf.write(source, chirp[::3], 16_000)
    command = [sys.executable, "-m", "novasr", "enhance", source, "-o", made, "--weights", toy]
    subprocess.run(command, check=True, capture_output=True)
    audio, rate = sf.read(made)
    assert (rate, len(audio)) == (48_000, len(chirp))


def test_a_plugin_state_holds_it(toy):
    weights = load_weights(toy)
    state = PluginState({}, weights.values(), family=weights.family)
    back = decode(encode(state))
    assert back.family == weights.family
    np.testing.assert_array_equal(back.values, weights.values())


def test_the_live_bridge_plays_it(toy, chirp):
    weights = load_weights(toy)
    engine = _native.NativeModel(weights.values(), family=weights.family).engine(offline=False)
    bridge = _native.LiveBridge(
        engine, input_rate=48_000, output_rate=48_000, input_channels=1, output_channels=1,
        block_frames=128, two_clocks=False, low_latency=False, record=False,
    )  # fmt: skip
    stream = novasr.Stream(48_000, weights=toy)
    assert bridge.latency_frames == stream.latency


def test_another_family_is_refused_by_name(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "later.safetensors"
    save_file({"a": np.zeros(1, np.float32)}, path, metadata={"family": "later"})
    with pytest.raises(novasr.WeightsError, match=r"'later'.*it has novasr"):
        novasr.Stream(48_000, weights=path)
