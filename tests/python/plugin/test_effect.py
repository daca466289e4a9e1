"""novasr.NovaSR in pedalboard: its output, its behaviour, and pedalboard's pitfalls."""

from __future__ import annotations

import copy
import gc
import itertools
import pickle
import statistics
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path

import needs
import numpy as np
import pytest
from plugin_support import noise, require_bundle, run_python

import novasr
from novasr.errors import AudioFormatError, NovasrError, PluginError, WeightsError
from novasr.families import value_count
from novasr.weights.load import load_tensors, load_weights

pedalboard = needs.package("pedalboard", "pip install 'novasr[pedalboard]'")
BUNDLE = require_bundle()

from novasr import NovaSR  # noqa: E402
from novasr.plugin.state import decode, encode, unwrap, wrap  # noqa: E402

RATES = [16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]
SETTINGS = {
    "defaults": {},
    "upstream": {"mode": "full", "front_end": "reference"},
    "turned": {
        "mix": 0.7,
        "crossover_hz": 5000.0,
        "high_band_gain_db": -6.0,
        "output_gain_db": 1.5,
    },
    "bypassed": {"bypass": True},
}

passing = pytest.mark.filterwarnings("ignore::novasr.PassthroughWarning")


def padded(audio: np.ndarray, frames: int) -> np.ndarray:
    return np.pad(audio, ((0, 0), (0, frames)))


def streamed(effect: NovaSR, audio: np.ndarray, rate: float, sizes: list[int]) -> np.ndarray:
    """Play block by block, and flush the rest with zeros."""
    parts, start = [], 0
    for size in itertools.cycle(sizes):
        if start >= audio.shape[1]:
            break
        parts.append(effect.process(audio[:, start : start + size], rate, reset=False))
        start += size
    parts.append(effect.process(padded(audio[:, :0], effect.latency), rate, reset=False))
    return np.concatenate(parts, axis=1)


def below_6_khz(audio: np.ndarray, rate: float) -> np.ndarray:
    """Keep the band that every mode preserves: its correlation has one sharp peak."""
    spectrum = np.fft.rfft(audio)
    spectrum[np.fft.rfftfreq(len(audio), 1 / rate) > 6000] = 0
    return np.fft.irfft(spectrum, len(audio)).astype(np.float32)


def lag(output: np.ndarray, audio: np.ndarray) -> int:
    """Where the cross-correlation is highest, in frames."""
    size = 2 * len(audio)
    product = np.fft.rfft(output, size) * np.conj(np.fft.rfft(audio, size))
    peak = int(np.argmax(np.fft.irfft(product, size)))
    return peak if peak < len(audio) else peak - size


@pytest.fixture
def other_weights(tmp_path: Path) -> Path:
    """Weights that sound different from those of the package."""
    from safetensors.numpy import save_file

    tensors = load_tensors() | {"conv_post.weight": 0.5 * load_tensors()["conv_post.weight"]}
    path = tmp_path / "other.safetensors"
    save_file({f"dec.{name}": value for name, value in tensors.items()}, path)
    return path


@pytest.fixture
def script(tmp_path: Path) -> Path:
    needs.package("torch", "pip install 'novasr[torch]'")
    needs.libtorch()
    return novasr.export_torchscript(tmp_path / "model.ts")


# The sound


@passing
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_output_is_that_of_a_stream(settings, rate, channels):
    audio = noise(channels, 20_000)
    output = NovaSR(**settings)(audio, rate)
    stream = novasr.Stream(rate, channels, output_rate=rate, **settings)
    expected = stream.process(padded(audio, stream.latency).T)[stream.latency :].T
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-6)


@passing
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("mode", ["extend", "full"])
def test_output_is_aligned_with_the_input(mode, rate):
    audio = below_6_khz(noise(1, 30_000)[0], rate)
    assert lag(NovaSR(mode=mode)(audio, rate), audio) == 0


def test_control_a_stream_that_is_not_trimmed_lags():
    audio = below_6_khz(noise(1, 30_000)[0], 48_000)
    stream = novasr.Stream(48_000)
    assert lag(stream.process(audio), audio) == stream.latency == 144


@pytest.mark.parametrize("frames", [0, 1, 5, 143, 144, 145, 8191, 8192, 8193])
def test_any_length_stays(frames):
    assert NovaSR()(noise(1, frames)[0], 48_000).shape == (frames,)


@pytest.mark.parametrize("shape", [(5000,), (1, 5000), (5000, 1), (2, 5000), (5000, 2), (6, 5000)])
def test_shape_stays(shape):
    assert NovaSR()(np.ones(shape, np.float32), 48_000).shape == shape


def test_channels_are_independent():
    audio = noise(6, 9000)
    together = NovaSR()(audio, 48_000)
    for channel, alone in zip(together, audio):
        np.testing.assert_array_equal(channel, NovaSR()(alone, 48_000))


@passing
@pytest.mark.parametrize("rate", [7999, 384_000])
def test_rates_out_of_reach_pass_as_they_are(rate):
    audio, effect = noise(2, 9000), NovaSR()
    np.testing.assert_array_equal(effect(audio, rate), audio)
    assert effect.latency == 0


@pytest.mark.parametrize("rate", [8000, 16_000.0, 384_000])
def test_a_rate_at_which_nothing_is_added_is_said_once(rate):
    audio, effect = noise(1, 900), NovaSR()
    with pytest.warns(novasr.PassthroughWarning, match=f"{rate:g} Hz.*resample to 44100 or 48000"):
        effect(audio, rate)
    effect.process(audio, sample_rate=rate)
    with pytest.warns(novasr.PassthroughWarning) as warned:
        NovaSR().process(audio, rate)
    assert [warning.filename for warning in warned] == [__file__]


def test_a_board_says_it_of_each_effect_in_it():
    audio, effect = noise(1, 900), NovaSR()
    board = pedalboard.Pedalboard([effect, pedalboard.Mix([pedalboard.Gain(0), NovaSR()])])
    board(audio, 48_000)
    with pytest.warns(novasr.PassthroughWarning) as warned:
        board(input_array=audio, sample_rate=16_000)
    assert [warning.filename for warning in warned] == 2 * [__file__]
    board.process(audio, 16_000)
    effect(audio, 16_000)
    pedalboard.Pedalboard([pedalboard.Gain(0)])(audio, 8000)


@pytest.mark.parametrize("size", [1, 17, 512, 20_000, 100_000])
def test_the_size_of_pedalboards_buffer_does_not_matter(size):
    audio = noise(2, 30_000)
    output = NovaSR().process(audio, 48_000, buffer_size=size)
    np.testing.assert_array_equal(output, NovaSR()(audio, 48_000))


def test_no_instance_is_made_anew_on_reset():
    effect = NovaSR()
    assert effect._reload_type == pedalboard.ExternalPluginReloadType.ClearsAudioOnReset
    effect.process(noise(2, 2048), 48_000, reset=False)
    assert not effect.process(np.zeros((2, 2048), np.float32), 48_000, reset=True).any()


def test_a_chain_with_pedalboards_own_effects():
    audio = np.stack([below_6_khz(channel, 48_000) for channel in noise(2, 30_000)])
    board = pedalboard.Pedalboard([pedalboard.Gain(-6), NovaSR(), pedalboard.Gain(6), NovaSR()])
    step = NovaSR()(pedalboard.Gain(-6)(audio, 48_000), 48_000)
    expected = NovaSR()(pedalboard.Gain(6)(step, 48_000), 48_000)
    np.testing.assert_array_equal(board(audio, 48_000)[:, :-300], expected[:, :-300])
    assert lag(board(audio, 48_000)[0], audio[0]) == 0


def test_a_board_gives_back_the_effect_that_was_put_in():
    board = pedalboard.Pedalboard([pedalboard.Gain(-6), NovaSR(mix=0.25)])
    assert repr(board[1]) == "NovaSR(mix=0.25)"
    board[1].mix = 0.5
    assert board[1].mix == 0.5
    board.append(NovaSR(mode="full"))
    board.insert(0, pedalboard.Chain([NovaSR(mix=0.1)]))
    board[1] = NovaSR(bypass=True)
    shown = [repr(board[0][0]), *map(repr, list(board)[1:])]
    assert shown == [
        "NovaSR(mix=0.1)",
        "NovaSR(bypass=True)",
        "NovaSR(mix=0.5)",
        "NovaSR(mode='full')",
    ]


@pytest.mark.parametrize("take_out", ["remove", "__delitem__", "__setitem__", "the board goes"])
def test_an_effect_ends_with_the_board(take_out):
    board = pedalboard.Pedalboard([NovaSR(), pedalboard.Gain(-6)])
    end = weakref.ref(board[0])
    assert end() is not None
    if take_out == "remove":
        board.remove(board[0])
    elif take_out == "__delitem__":
        del board[0]
    elif take_out == "__setitem__":
        board[0] = pedalboard.Gain(0)
    else:
        del board
    assert end() is None


# Streams, block by block


@passing
@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize(
    "sizes",
    [[480], [3], [1000], [8192], [20_000], [16, 64, 256, 1024, 4096], [3, 7000, 5], [30_000, 10]],
    ids=str,
)
def test_blocks_of_any_size_give_the_same_bits(sizes, rate):
    audio = noise(2, 30_000 if sizes != [3] else 6000)
    whole = NovaSR()(audio, rate)
    effect = NovaSR()
    np.testing.assert_array_equal(streamed(effect, audio, rate, sizes), whole)
    effect.reset()
    np.testing.assert_array_equal(streamed(effect, audio, rate, sizes), whole)


def test_the_first_stream_is_trimmed_too():
    audio = noise(2, 3000)
    assert NovaSR().process(audio, 48_000, reset=False).shape == (2, 3000 - 144)


def test_control_pedalboard_itself_does_not_trim_the_first_stream():
    plain = pedalboard.VST3Plugin(str(BUNDLE))
    assert plain.process(noise(2, 3000), 48_000, reset=False).shape == (2, 3000)


@passing
def test_any_sequence_of_rates_and_channels_plays_like_a_fresh_effect():
    effect = NovaSR()
    for rate, channels in [(48_000, 2), (44_100, 2), (192_000, 1), (16_000, 1), (22_050, 3)] * 2:
        audio = noise(channels, 9000)
        np.testing.assert_array_equal(effect(audio, rate), NovaSR()(audio, rate))
        assert effect.latency == novasr.Stream(rate, output_rate=rate).latency


# The attributes


def test_attributes_say_what_was_asked_for():
    effect = NovaSR(mix=0.3, crossover_hz=6500, high_band_gain_db=-3.3, output_gain_db=-0.1)
    effect.mode, effect.front_end, effect.bypass = "full", "reference", True
    assert (effect.mode, effect.front_end, effect.bypass) == ("full", "reference", True)
    assert (effect.mix, effect.crossover_hz) == (0.3, 6500.0)
    assert (effect.high_band_gain_db, effect.output_gain_db) == (-3.3, -0.1)
    assert effect.weights is None


def test_defaults_are_those_of_a_stream():
    effect = NovaSR()
    assert (effect.mode, effect.mix, effect.crossover_hz) == ("extend", 1.0, 7100.0)
    assert (effect.high_band_gain_db, effect.output_gain_db) == (0.0, 0.0)
    assert (effect.front_end, effect.bypass, effect.latency) == ("clean", False, 168)


def test_repr_shows_what_is_not_default(other_weights):
    assert repr(NovaSR()) == "NovaSR()"
    effect = NovaSR(mode="full", mix=0.5, weights=other_weights)
    assert repr(effect) == "NovaSR(mode='full', mix=0.5, weights='other.safetensors')"


@pytest.mark.parametrize("name", ["mode", "mix", "output_gain_db", "bypass"])
def test_a_change_after_use_sounds_like_a_fresh_effect(name):
    value = {"mode": "full", "mix": 0.2, "output_gain_db": -12.0, "bypass": True}[name]
    audio, effect = noise(2, 9000), NovaSR()
    before = effect(audio, 48_000)
    setattr(effect, name, value)
    assert getattr(effect, name) == value
    np.testing.assert_array_equal(effect(audio, 48_000), NovaSR(**{name: value})(audio, 48_000))
    assert not np.array_equal(before, effect(audio, 48_000))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mix": float("nan")}, "mix is nan; choose a value from 0 to 1"),
        ({"mix": 1.01}, "mix is 1.01; choose"),
        ({"mix": -0.0001}, "mix is"),
        ({"mix": "0.5"}, "mix must be a number, not '0.5'"),
        ({"mix": True}, "mix must be a number, not True"),
        ({"mix": None}, "mix must be a number"),
        ({"crossover_hz": 3999}, "crossover_hz is 3999 Hz"),
        ({"high_band_gain_db": 12.5}, "high_band_gain_db is 12.5 dB"),
        ({"output_gain_db": float("-inf")}, "output_gain_db is -inf dB"),
        ({"mode": "Extend"}, "mode must be one of extend, full, not 'Extend'"),
        ({"mode": 1}, "mode must be one of"),
        ({"front_end": ""}, "front_end must be one of clean, reference"),
        ({"bypass": 1}, "bypass must be True or False, not 1"),
        ({"bypass": "no"}, "bypass must be True or False"),
    ],
    ids=str,
)
def test_wrong_values_are_refused_and_change_nothing(change, message):
    ((name, value),) = change.items()
    effect = NovaSR(mode="full", mix=0.5)
    before = repr(effect)
    with pytest.raises(AudioFormatError, match=f"^{message}"):
        setattr(effect, name, value)
    assert repr(effect) == before
    with pytest.raises(AudioFormatError, match=f"^{message}"):
        NovaSR(**change)


def test_unknown_names_are_refused_with_the_known_ones():
    effect = NovaSR()
    known = "there are mode, front_end, crossover_hz, .* bypass, model, weights"
    with pytest.raises(AttributeError, match=f"no parameter 'wet'; {known}") as refusal:
        effect.wet = 0.5
    assert isinstance(refusal.value, NovasrError)
    with pytest.raises(AttributeError, match=f"no parameter 'wet'; {known}"):
        _ = effect.wet
    with pytest.raises(AttributeError):
        effect.latency = 3
    assert not hasattr(effect, "wet")


def test_pedalboards_view_of_the_parameters_works():
    effect = NovaSR(mix=0.25)
    assert effect.parameters["mix"].raw_value == 0.25
    assert list(effect.parameters) == [
        "mode",
        "front_end",
        "crossover_hz",
        "mix",
        "high_band_gain_db",
        "output_gain_db",
        "bypass",
        "model",
    ]


def test_a_host_that_sets_nan_hears_the_default():
    audio, effect = noise(1, 9000), NovaSR()
    effect._get_parameter("Mix").raw_value = float("nan")
    np.testing.assert_array_equal(effect(audio, 48_000), NovaSR()(audio, 48_000))


def test_a_subclass_may_set_attributes_before_the_constructor():
    class Gentle(NovaSR):
        def __init__(self, level: float) -> None:
            self._level = level
            self.high_band_gain_db = level
            super().__init__(mix=0.5)

    effect = Gentle(-6.0)
    assert (effect._level, effect.mix, effect.high_band_gain_db) == (-6.0, 0.5, 0.0)
    assert repr(copy.copy(effect)) == "Gentle(mix=0.5)"


# The model


def telephone(channels: int, rate: int) -> np.ndarray:
    """Noise whose band ends at 3.4 kHz."""
    spectrum = np.fft.rfft(noise(channels, rate))
    spectrum[:, np.fft.rfftfreq(rate, 1 / rate) > 3400] = 0
    return np.fft.irfft(spectrum, rate).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000, 96_000])
def test_the_model_wide_is_that_of_a_stream(rate):
    audio = telephone(2, rate)
    effect = NovaSR(model="wide", high_band_gain_db=-2)
    output = effect(audio, rate)
    stream = novasr.Stream(rate, 2, output_rate=rate, model="wide", high_band_gain_db=-2)
    expected = stream.process(padded(audio, stream.latency).T)[stream.latency :].T
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-6)
    assert effect.latency == stream.latency
    assert not np.array_equal(output, audio)


def test_the_model_is_changed_and_changed_back():
    audio, effect = telephone(1, 48_000), NovaSR(mix=0.8)
    before = effect(audio, 48_000)
    assert (effect.model, effect.latency) == ("base", 144)
    effect.model = "wide"
    wide = effect(audio, 48_000)
    np.testing.assert_array_equal(wide, NovaSR(model="wide", mix=0.8)(audio, 48_000))
    assert not np.array_equal(wide, before)
    assert (effect.model, effect.mix, effect.weights) == ("wide", 0.8, None)
    assert effect.latency == novasr.Stream(48_000, model="wide").latency
    effect.model = "base"
    np.testing.assert_array_equal(effect(audio, 48_000), before)
    assert effect.latency == 144


def test_a_copy_has_the_model():
    effect = NovaSR(model="wide")
    assert repr(effect) == "NovaSR(model='wide')"
    again = pickle.loads(pickle.dumps(effect))
    assert again.model == "wide"
    audio = telephone(1, 48_000)
    np.testing.assert_array_equal(again(audio, 48_000), effect(audio, 48_000))


def test_a_model_that_does_not_exist_or_contradicts_the_weights_is_refused(other_weights):
    with pytest.raises(novasr.ParameterError, match=r"model.*'narrow'"):
        NovaSR(model="narrow")
    with pytest.raises(novasr.ParameterError, match="give one of the two"):
        NovaSR(model="wide", weights=other_weights)
    effect = NovaSR()
    with pytest.raises(novasr.ParameterError):
        effect.model = "narrow"
    assert effect.model == "base"


# Weights


def test_weights_are_those_of_a_stream(other_weights):
    audio = noise(1, 20_000)
    output = NovaSR(weights=other_weights)(audio, 48_000)
    stream = novasr.Stream(48_000, weights=other_weights)
    expected = stream.process(padded(audio, stream.latency).T)[stream.latency :].T
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-6)
    assert not np.array_equal(output, NovaSR()(audio, 48_000))


def test_upstreams_weights_by_name_and_by_file(shared, tmp_path, monkeypatch):
    needs.package("torch", "pip install 'novasr[torch]'")
    from huggingface_hub import constants

    repository = tmp_path / "models--YatharthS--NovaSR"
    (repository / "snapshots" / "1").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("1")
    file = shared / "weights" / "novasr_v1.bin"
    (repository / "snapshots" / "1" / "pytorch_model_v1.bin").write_bytes(file.read_bytes())
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))

    audio, effect = noise(1, 9000), NovaSR()
    effect.weights = "v1"
    assert effect.weights == "v1"
    np.testing.assert_array_equal(effect(audio, 48_000), NovaSR(weights=file)(audio, 48_000))
    effect.weights = None
    assert effect.weights is None
    np.testing.assert_array_equal(effect(audio, 48_000), NovaSR()(audio, 48_000))


@pytest.mark.parametrize("damage", ["missing", "cut", "unknown", "text.ts", "missing.ts"])
def test_weights_that_cannot_be_used_leave_the_present_ones(other_weights, tmp_path, damage):
    path = tmp_path / "wrong.safetensors"
    if damage == "cut":
        path.write_bytes(other_weights.read_bytes()[:9999])
    elif damage == "unknown":
        path = "v3"
    elif damage.endswith(".ts"):
        path = tmp_path / damage
        if damage == "text.ts":
            path.write_text("this is not TorchScript")
    audio, effect = noise(1, 9000), NovaSR(mix=0.9, weights=other_weights)
    before = effect(audio, 48_000)
    with pytest.raises(WeightsError, match=f"weights '{path}': "):
        effect.weights = path
    assert repr(effect) == "NovaSR(mix=0.9, weights='other.safetensors')"
    np.testing.assert_array_equal(effect(audio, 48_000), before)


def test_weights_change_while_audio_runs_and_settings_stay(other_weights):
    audio, effect = noise(1, 9600), NovaSR()
    effect.process(audio, 48_000, reset=False)
    effect.mix = 0.5  # the plugin hears of it with the next block
    effect.weights = other_weights
    assert effect.mix == 0.5
    effect.process(audio, 48_000, reset=False)
    settled = effect.process(audio, 48_000, reset=False)
    steady = NovaSR(mix=0.5, weights=other_weights)
    expected = streamed(steady, np.tile(audio, 3), 48_000, [9600])
    start = 2 * 9600 - 144
    np.testing.assert_allclose(settled, expected[:, start : start + 9600], rtol=0, atol=1e-6)


def test_weights_may_change_on_another_thread(other_weights):
    effect = NovaSR()
    thread = threading.Thread(target=setattr, args=(effect, "weights", other_weights))
    thread.start()
    thread.join()
    assert effect.weights == "other.safetensors"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_plays_and_is_aligned(script):
    audio, effect = noise(2, 30_000), NovaSR(weights=script)
    assert effect.weights == str(script)
    for rate in (48_000, 44_100, 96_000):
        native = NovaSR()(audio, rate)
        np.testing.assert_allclose(effect(audio, rate), native, rtol=0, atol=3e-6)
    effect.reset()
    blocks = streamed(effect, audio, 48_000, [480])
    np.testing.assert_allclose(blocks, NovaSR()(audio, 48_000), rtol=0, atol=3e-6)
    effect.weights = None
    np.testing.assert_array_equal(effect(audio, 48_000), NovaSR()(audio, 48_000))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_counts_as_the_model_that_it_behaves_like(script):
    effect = NovaSR(model="wide")
    assert shown_model(effect) == "wide"
    effect.weights = script  # of base
    assert shown_model(effect) == "base"
    assert decode(unwrap(effect.preset_data)[0]).family == "wide"  # control
    audio = noise(2, 30_000)
    np.testing.assert_allclose(effect(audio, 48_000), NovaSR()(audio, 48_000), rtol=0, atol=3e-6)
    effect.model = "wide"
    assert shown_model(effect) == "wide"


def shown_model(effect: NovaSR) -> object:
    return decode(unwrap(effect.preset_data)[0]).parameters["model"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_copy_of_torchscript_says_that_the_file_is_gone(script):
    pickled = pickle.dumps(NovaSR(weights=script))
    script.unlink()
    with pytest.raises(PluginError, match=r"model\.ts: cannot be read"):
        pickle.loads(pickled)


# Copies and states


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda effect: pickle.loads(pickle.dumps(effect))]
)
@pytest.mark.parametrize(
    "settings",
    [
        {"mode": "full", "mix": 0.3, "output_gain_db": -7.7},
        {"crossover_hz": 5123.0, "high_band_gain_db": -4.2},
        {"front_end": "reference"},
        {"bypass": True},
    ],
)
def test_copies_sound_alike_and_are_their_own(duplicate, settings, other_weights):
    audio = noise(2, 9000)
    effect = NovaSR(weights=other_weights, **settings)
    effect.process(audio, 48_000, reset=False)  # a copy does not take this along
    twin = duplicate(effect)
    assert type(twin) is NovaSR
    assert repr(twin) == repr(effect)
    begun = twin.process(audio, 48_000, reset=False)
    effect.reset()
    np.testing.assert_array_equal(begun, effect.process(audio, 48_000, reset=False))
    twin.mix = 0.9
    assert effect.mix == settings.get("mix", 1.0)


def test_a_fresh_process_without_the_file_gives_the_same_bits(other_weights, tmp_path):
    effect = NovaSR(mix=0.8, weights=other_weights)
    np.save(tmp_path / "output.npy", effect(noise(2, 9000), 44_100))
    (tmp_path / "effect.pickle").write_bytes(pickle.dumps(effect))
    (tmp_path / "effect.vstpreset").write_bytes(effect.preset_data)
    np.save(tmp_path / "input.npy", noise(2, 9000))
    other_weights.unlink()
    code = """if True:
        import pickle, sys
        from pathlib import Path
        import numpy as np
        from novasr import NovaSR

        folder = Path(sys.argv[1])
        loaded = NovaSR()
        loaded.load_preset(folder / "effect.vstpreset")
        for effect in (pickle.loads((folder / "effect.pickle").read_bytes()), loaded):
            output = effect(np.load(folder / "input.npy"), 44_100)
            print(effect, np.array_equal(output, np.load(folder / "output.npy")))
    """
    line = "NovaSR(mix=0.8, weights='other.safetensors') True\n"
    assert run_python(code, tmp_path) == 2 * line


@pytest.mark.parametrize("name", ["preset_data", "raw_state"])
def test_state_makes_the_round_trip(name, other_weights):
    effect, other = NovaSR(mode="full", mix=0.25, weights=other_weights), NovaSR()
    setattr(other, name, getattr(effect, name))
    assert repr(other) == repr(effect)
    np.testing.assert_array_equal(other(noise(1, 5000), 48_000), effect(noise(1, 5000), 48_000))


def test_python_and_plugin_agree_on_the_layout():
    state, class_id = unwrap(NovaSR(mode="full", mix=0.25).preset_data)
    decoded = decode(state)
    assert decoded.parameters["mode"] == "full"
    assert decoded.parameters["mix"] == 0.25
    assert class_id.isalnum()
    flat = load_weights().values()
    assert flat.shape == (value_count("novasr"),)
    np.testing.assert_array_equal(decoded.values, flat)


REFUSALS = r"newer version|damaged|cut off|not a NovaSR state"


def damaged_states() -> dict[str, bytes]:
    good = encode(replace(decode(unwrap(NovaSR(mix=0.1).preset_data)[0]), weights="stranger"))
    newer = bytearray(good)
    newer[4] = 3
    flipped = bytearray(good)
    flipped[50_000] ^= 1
    return {"newer": bytes(newer), "flipped": bytes(flipped), "cut": good[:60_000], "empty": b""}


@pytest.mark.parametrize("damage", ["newer", "flipped", "cut", "empty"])
def test_a_damaged_state_is_refused_and_the_old_one_stays(damage, other_weights, tmp_path):
    audio, effect = noise(1, 5000), NovaSR(mix=0.6, weights=other_weights)
    before, shown = effect(audio, 48_000), repr(effect)
    preset = wrap(damaged_states()[damage], unwrap(effect.preset_data)[1])
    (tmp_path / "damaged.vstpreset").write_bytes(preset)
    with pytest.raises(PluginError, match=REFUSALS):
        effect.preset_data = preset
    with pytest.raises(PluginError, match=REFUSALS):
        effect.load_preset(tmp_path / "damaged.vstpreset")
    assert repr(effect) == shown
    np.testing.assert_array_equal(effect(audio, 48_000), before)


@pytest.mark.parametrize("damage", ["newer", "flipped", "cut"])
def test_the_plugin_itself_refuses_damage_and_says_why(damage):
    audio, plain = noise(1, 5000), pedalboard.VST3Plugin(str(BUNDLE))
    state, class_id = unwrap(plain.preset_data)
    before = plain(audio, 48_000)
    plain.preset_data = wrap(damaged_states()[damage], class_id)
    after = decode(unwrap(plain.preset_data)[0])
    assert replace(after, problem="", values=None) == replace(decode(state), values=None)
    assert any(word in after.problem for word in ("newer", "damaged", "cut off", "not a NovaSR"))
    np.testing.assert_array_equal(plain(audio, 48_000), before)
    plain.preset_data = wrap(state, class_id)
    assert decode(unwrap(plain.preset_data)[0]).problem == ""


# Lives and threads


def test_an_effect_ends_when_the_last_reference_does(other_weights):
    gc.disable()
    try:
        effect = NovaSR(mix=0.5, weights=other_weights)
        effect.mix, _ = 0.7, effect.parameters["mix"].raw_value
        effect(noise(2, 3000), 48_000)
        end = weakref.ref(effect)
        del effect
        assert end() is None
    finally:
        gc.enable()


LIVES = """if True:
    import os, weakref
    import numpy as np, pedalboard
    from novasr.plugin.bundle import find_bundle
    {definition}

    def threads():
        return len(os.listdir("/proc/self/task"))

    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

    audio, ends, megabytes = np.ones((2, 3000), np.float32), [], []
    without_plugins = threads()
    for number in range({count}):
        effect = Effect()
        effect.mix = 0.5
        effect(audio, 48_000)
        ends.append(weakref.ref(effect))
        megabytes.append(resident())
    with_plugins = threads()
    del effect
    alive = sum(end() is not None for end in ends)
    more = with_plugins - without_plugins, threads() - without_plugins
    print(alive, *more, megabytes[-1] - megabytes[{count} // 4])
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux' /proc")
def test_300_effects_leave_nothing_behind():
    code = LIVES.format(definition="from novasr import NovaSR as Effect", count=300)
    alive, before, after, grown = run_python(code).split()
    assert alive == "0"
    assert (before, after) == ("2", "0")  # the threads that all plugins share end with the last
    assert float(grown) < 3


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux' /proc")
def test_control_a_plain_subclass_leaks():
    definition = """
    class Effect(pedalboard.VST3Plugin):
        def __init__(self):
            super().__init__(str(find_bundle()))
    """
    alive, _, after, _ = run_python(LIVES.format(definition=definition, count=8)).split()
    assert (alive, after) == ("8", "2")  # the threads that all plugins share have not ended


@pytest.mark.alone
def test_making_an_effect_is_quicker_than_pedalboards_way():
    def cpu_seconds(make) -> float:
        start = time.process_time()
        make()
        return time.process_time() - start

    keep = NovaSR()
    ours = statistics.median(cpu_seconds(NovaSR) for _ in range(15))
    plain = statistics.median(
        cpu_seconds(lambda: pedalboard.VST3Plugin(str(BUNDLE))) for _ in range(5)
    )
    assert keep.mix == 1.0
    assert ours < 0.060
    assert ours < 0.7 * plain


def test_eight_effects_on_eight_threads():
    audio = noise(2, 30_000)
    effects = [NovaSR(mix=number / 8) for number in range(8)]
    expected = [effect(audio, 48_000) for effect in effects]
    outputs = [[] for _ in effects]

    def play(number: int) -> None:
        for _ in range(3):
            outputs[number].append(effects[number](audio, 48_000))

    threads = [threading.Thread(target=play, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert len(outputs[number]) == 3
        for output in outputs[number]:
            np.testing.assert_array_equal(output, expected[number])


def test_another_thread_is_told_where_to_make_effects():
    keep, refusals = NovaSR(), []

    def make() -> None:
        with pytest.raises(PluginError) as refusal:
            NovaSR()
        refusals.append(str(refusal.value))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert keep.mix == 1.0
    assert refusals == [
        "pedalboard loads plugins on one thread only, that of the first one: create NovaSR there, "
        "and use it on any thread"
    ]


def test_a_forked_process_plays_what_it_has_makes_no_new_one_and_ends():
    code = """if True:
        import os, signal, sys
        import numpy as np
        from novasr import NovaSR, PluginError

        audio, effect = np.ones(3000, np.float32), NovaSR(mix=0.5)
        expected = effect(audio, 48_000)
        if os.fork() == 0:
            signal.alarm(60)
            print(np.array_equal(effect(audio, 48_000), expected))
            try:
                NovaSR()
            except PluginError as error:
                print(error)
            sys.exit(3)
        print("child ended with", os.waitstatus_to_exitcode(os.wait()[1]))
    """
    played, refused, ended = run_python(code).splitlines()
    assert played == "True"
    assert "forked" in refused
    assert "spawn" in refused
    assert ended == "child ended with 3"


def test_spawned_processes_take_effects_along(tmp_path):
    (tmp_path / "spawning.py").write_text("""if True:
        import multiprocessing
        import numpy as np
        from novasr import NovaSR

        def play(effect):
            return effect(np.ones(3000, np.float32), 48_000)

        if __name__ == "__main__":
            effects = [NovaSR(mix=number / 4) for number in range(4)]
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                outputs = pool.map(play, effects)
            print(all(np.array_equal(play(e), out) for e, out in zip(effects, outputs)))
    """)
    run = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"
    assert run_python(run, tmp_path / "spawning.py") == "True\n"


def test_an_audio_stream_plays_and_settings_change_meanwhile(other_weights, tmp_path):
    if not hasattr(pedalboard.io, "AudioStream"):
        needs.missing("this pedalboard has no AudioStream: pip install 'novasr[pedalboard]'")
    configuration = tmp_path / "asound.conf"
    configuration.write_text('pcm.x { type null hint { show on description "Null device" } }')
    code = """if True:
        import sys, time
        import numpy as np
        from novasr import NovaSR
        from pedalboard import Gain, Pedalboard
        from pedalboard.io import AudioStream

        (name,) = AudioStream.output_device_names
        effect = NovaSR()
        with AudioStream(name, name, sample_rate=48_000, buffer_size=512, allow_feedback=True) as stream:
            stream.plugins = Pedalboard([effect, Gain(-3)])
            for number in range(10):
                effect.mix = number / 10
                time.sleep(0.01)
            effect.weights = sys.argv[1]
            until = time.monotonic() + 10
            while effect.latency != 144 and time.monotonic() < until:
                time.sleep(0.01)
            print(stream.running, effect.latency)
        audio = np.random.default_rng(1).standard_normal(9000).astype(np.float32)
        fresh = NovaSR(mix=0.9, weights=sys.argv[1])
        print(effect, np.array_equal(effect(audio, 48_000), fresh(audio, 48_000)))
    """
    running, after = run_python(
        code, other_weights, ALSA_CONFIG_PATH=str(configuration)
    ).splitlines()
    assert running == "True 144"  # at 44.1 kHz, before the stream, it was 168
    assert after == "NovaSR(mix=0.9, weights='other.safetensors') True"


# What is missing


def test_without_pedalboard_the_error_says_what_to_install():
    code = """if True:
        import sys
        sys.modules["pedalboard"] = None
        import novasr
        from novasr import *
        try:
            novasr.NovaSR
        except novasr.NovasrError as error:
            print(isinstance(error, ImportError), error)
    """
    assert run_python(code).startswith(
        "True novasr.NovaSR needs pedalboard: pip install 'novasr[pedalboard]'"
    )


def test_without_the_plugin_the_error_says_how_to_get_it():
    code = """if True:
        import sys
        import novasr
        from novasr import NovaSR
        sys.modules["novasr_plugin"] = None
        try:
            NovaSR()
        except novasr.PluginError as error:
            print(error)
    """
    message = run_python(code)
    install = "pip install 'novasr[plugin]' (in the source tree, add ./python/novasr-plugin)"
    assert message == f"the VST3 plugin is not installed: {install}\n"


def test_a_link_to_the_bundle_plays(tmp_path):
    code = """if True:
        from novasr import NovaSR
        print(NovaSR())
    """
    package = tmp_path / "novasr_plugin"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "NovaSR.vst3").symlink_to(BUNDLE)
    assert run_python(code, PYTHONPATH=str(tmp_path)) == "NovaSR()\n"


@pytest.mark.parametrize(
    "name", ["VST3Plugin._get_parameter", "VST3Plugin._parameters", "PluginContainer.insert"]
)
def test_a_pedalboard_without_what_is_needed_is_named(name):
    code = """if True:
        import sys
        import pedalboard, novasr
        owner, name = sys.argv[1].split(".")
        delattr(getattr(pedalboard, owner), name)
        try:
            novasr.NovaSR
        except novasr.PluginError as error:
            print(isinstance(error, ImportError), error)
    """
    message = run_python(code, name)
    assert message.startswith(f"True pedalboard {pedalboard.__version__} has no {name} any more")
    assert "pip install 'novasr[pedalboard]'" in message
