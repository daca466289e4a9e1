"""The family `wide`: PyTorch, TorchScript and the native engine, against each other and against themselves."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf
import soxr
import torch
from scipy import signal
from torch import nn

import novasr
from novasr import _native
from novasr.errors import WeightsError
from novasr.families import in_torch
from novasr.families.torch_family import TorchFamily
from novasr.families.wide import StreamingWide, WideNetwork, initial_network
from novasr.families.wide.architecture import HOP, LOOK_AHEAD, RATE_HZ, TAIL
from novasr.weights.save import save_weights

SPEECH = Path(__file__).parents[3] / "docs" / "audio" / "speech-48k.flac"
LATENCY = 2 * HOP - 1
CUTOFFS_HZ = [4_000.0, 8_000.0, 16_000.0]
# All round to float32; the rounding of loud lines moves the logarithms of faint bands beside them. Measured at worst:
# TorchScript 3e-7, native 2.2e-6, where the network itself is 2.0e-6 from its result in float64.
TORCH_BOUND, NATIVE_BOUND = 1e-6, 3e-6


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The layers are small: further threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    audio, rate = sf.read(SPEECH, dtype="float32", frames=2 * 48_000 + 77)
    assert rate == 48_000
    return audio if audio.ndim == 1 else audio[:, 0]


@pytest.fixture(scope="module")
def network() -> WideNetwork:
    """Weights with which every layer matters, and an upper band that is audible."""
    network = initial_network(SimpleNamespace(seed=3, cell="conv")).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        network.leave.weight.copy_(
            0.05 * torch.randn(network.leave.weight.shape, generator=generator)
        )
        for block in network.blocks:
            block.scale.fill_(0.5)
            block.norm.weight.add_(0.1 * torch.randn(block.norm.weight.shape, generator=generator))
            block.norm.bias.add_(0.1 * torch.randn(block.norm.bias.shape, generator=generator))
    return network


def narrowed(audio: np.ndarray, rate: int) -> np.ndarray:
    return soxr.resample(soxr.resample(audio, 48_000, rate), rate, 48_000)[: len(audio)]


def whole(network, audio, cutoff_hz) -> np.ndarray:
    with torch.inference_mode():
        output = network(torch.from_numpy(audio)[None, None], torch.tensor([cutoff_hz]))
    return output[0, 0].numpy()


def streamed(stream, audio, block) -> np.ndarray:
    """Run a streaming form in blocks of whole hops, and to its end; add the audio, (frames,) or (frames, channels)."""
    channels = np.atleast_2d(audio.T)
    padded = np.pad(channels, ((0, 0), (0, -len(audio) % HOP)))[:, None]
    with torch.inference_mode():
        state, parts = stream.initial_state(len(channels)), []
        for start in range(0, padded.shape[-1], block):
            part, state = stream(torch.from_numpy(padded[..., start : start + block]), state)
            parts.append(part)
        parts.append(stream.flush(state))
    assert parts[-1].shape[-1] == TAIL
    added = torch.cat(parts, -1)[:, 0].numpy()[:, : len(audio)]
    return audio + added.T.reshape(audio.shape)


def scripted(network, cutoff_hz):
    """Export as novasr does, and read it back."""
    stream = StreamingWide(network, cutoff_hz).eval()
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        methods = ["metadata", "initial_state", "flush"]
        torch.jit.save(torch.jit.freeze(torch.jit.script(stream), preserved_attrs=methods), file)
        file.seek(0)
        return torch.jit.load(file)


def native(network, audio, cutoff_hz, *, isa=None, block=None) -> np.ndarray:
    """Run the engine in a chain, which adds the input, (frames,) or (frames, channels); the latency stays."""
    frames = audio.reshape(len(audio), -1)
    tensors = network.state_dict()
    names = next(f["tensors"] for f in _native.families() if f["name"] == "wide")
    values = np.concatenate([tensors[name].numpy().ravel() for name in names])
    model = _native.NativeModel(values, family="wide")
    engine = model.engine(offline=False, isa=isa, cutoff_hz=cutoff_hz)
    stream = _native.Stream(
        engine,
        sample_rate=48_000,
        output_rate=48_000,
        channels=frames.shape[1],
        low_latency=False,
    )
    assert stream.latency == LATENCY
    step = block or len(audio)
    parts = [stream.process(frames[start : start + step]) for start in range(0, len(audio), step)]
    return np.concatenate([*parts, stream.flush()]).reshape(-1, *audio.shape[1:])


@pytest.mark.parametrize("cell", ["conv", "gru"])
def test_the_past_alone_is_heard(speech, cell):
    """Frames change nothing that is put out more than the latency before them."""
    network = initial_network(SimpleNamespace(seed=3, cell=cell)).eval()
    nn.init.normal_(network.leave.weight, std=0.05, generator=torch.Generator().manual_seed(1))
    changed = speech.copy()
    changed[40_000:] = 0.0
    before, after = (whole(network, audio, 8_000.0) for audio in (speech, changed))
    difference = np.abs(before - after)
    assert difference[: 40_000 - LATENCY].max() < 1e-5  # the averages round with the whole
    assert difference[40_000:].max() > 1e-2


def test_recurrent_weights_are_for_no_engine(tmp_path):
    network = initial_network(SimpleNamespace(seed=3, cell="gru"))
    save_weights(network, tmp_path / "gru.safetensors", "wide")
    with pytest.raises(WeightsError, match="needs the model family 'wide-gru'"):
        novasr.load_model(tmp_path / "gru.safetensors")


def test_it_is_a_torch_family(network):
    family: TorchFamily = in_torch("wide")
    names = next(f["tensors"] for f in _native.families() if f["name"] == "wide")
    assert {k: tuple(v.shape) for k, v in family.Network().state_dict().items()} == names
    assert list(network.state_dict()) == list(names)


def test_an_untrained_network_is_the_same_for_the_same_seed_and_quiet(speech):
    first, second, other = (
        initial_network(SimpleNamespace(seed=seed, cell="conv")) for seed in (1, 1, 2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))
    assert not torch.equal(first.enter.weight, other.enter.weight)
    added = whole(first.eval(), speech, 8_000.0) - speech
    assert 1e-4 < np.sqrt(np.mean(added**2)) < 0.05


@pytest.mark.parametrize("cutoff_hz", CUTOFFS_HZ)
def test_all_forms_agree_on_speech(network, speech, cutoff_hz):
    expected = whole(network, speech, cutoff_hz)
    assert np.abs(expected - speech).max() > 0.01
    script = scripted(network, cutoff_hz)
    assert np.abs(streamed(script, speech, 7 * HOP) - expected).max() < TORCH_BOUND
    for isa in _native.available_isas():
        output = native(network, speech, cutoff_hz, isa=isa)
        assert not output[:LATENCY].any()
        assert np.abs(output[LATENCY:] - expected).max() < NATIVE_BOUND, isa


@pytest.mark.parametrize("block", [1, 100, 256, 480, 4_096])
def test_the_native_output_does_not_depend_on_the_blocks(network, speech, block):
    audio = speech[:20_000]
    np.testing.assert_array_equal(
        native(network, audio, 8_000.0, block=block), native(network, audio, 8_000.0)
    )


def test_the_stream_agrees_for_any_number_of_hops(network, speech):
    for cutoff_hz in (8_000.0, None):
        stream = StreamingWide(network, cutoff_hz).eval()
        audio = narrowed(speech, 8_000)[: 260 * HOP]
        one = streamed(stream, audio, HOP)
        assert np.abs(one - audio).max() > 0.01
        assert np.abs(one - streamed(stream, audio, len(audio))).max() < TORCH_BOUND


def test_the_future_beyond_the_latency_has_no_effect(network, speech):
    audio, cut = speech[:12_000], 8_000
    changed = audio.copy()
    changed[cut:] = 0.1
    one, other = native(network, audio, 8_000.0), native(network, changed, 8_000.0)
    np.testing.assert_array_equal(one[:cut], other[:cut])
    known = cut // HOP * HOP - HOP  # whole hops, of which the last is not known
    one, other = (whole(network, x, 8_000.0) for x in (audio, changed))
    assert np.abs(one - other)[:known].max() < 1e-6  # the averages' FFT rounds differently
    assert np.abs(one - other)[cut:].max() > 0.01


def test_linked_channels_agree_with_the_native_engine(network, speech):
    """One channel is quieter, one is another sound, one is silent at times."""
    other = np.roll(speech, 30_000)
    gated = speech.copy()
    gated[20_000:40_000] = 0.0
    audio = np.stack([0.2 * speech, other, gated], 1)[:60_000].copy()
    stream = StreamingWide(network, 8_000.0).eval()
    made = native(network, audio, 8_000.0)[LATENCY:][: len(audio)]
    assert np.abs(streamed(stream, audio, 4 * HOP) - made).max() < 3e-6


@pytest.mark.parametrize("pan_db", [-3.0, -6.0, -12.0, -20.0])
def test_a_panned_source_stays_where_it_is(speech, pan_db):
    """Level and phase of what is added differ between the channels as those of the source do."""
    low = soxr.resample(0.5 * speech[: 3 * 48_000], 48_000, 8_000)
    gain = 10 ** (pan_db / 20)
    made = novasr.enhance(np.stack([low, gain * low], 1).astype(np.float32), 8_000, model="wide")
    window = np.hanning(2_048)
    frames = np.lib.stride_tricks.sliding_window_view(made, 2_048, axis=0)[::512]
    left, right = (np.fft.rfft(frames[:, channel] * window) for channel in (0, 1))
    hertz = np.fft.rfftfreq(2_048, 1 / 48_000)
    loud = (np.abs(left) ** 2).mean(1) > 1e-6 * (np.abs(left) ** 2).mean(1).max()
    for low_hz in (5_000, 8_000, 12_000):
        band = (hertz >= low_hz) & (hertz < 1.5 * low_hz)
        one, two = left[loud][:, band], right[loud][:, band]
        level_db = 10 * np.log10((np.abs(two) ** 2).mean(1) / (np.abs(one) ** 2).mean(1)) - pan_db
        assert np.abs(level_db).max() < 0.5
        assert np.abs(np.rad2deg(np.angle((two * one.conj()).sum(1)))).max() < 5.0


def test_metadata_states_hop_and_latency(network):
    metadata = scripted(network, 8_000.0).metadata()
    assert (metadata["hop"], metadata["look_ahead"]) == (HOP, LOOK_AHEAD)
    assert metadata["look_ahead"] + metadata["hop"] - 1 == LATENCY
    assert metadata["linked_channels"] == metadata["adds_to_input"] == 1


def test_silence_and_a_full_band_change_nothing(network, speech):
    stream = StreamingWide(network, 8_000.0).eval()
    silence = np.zeros(4_000, np.float32)
    assert not streamed(stream, silence, HOP).any()
    assert not native(network, silence, 8_000.0).any()
    audio = speech[:20_000]
    stream = StreamingWide(network, 24_000.0).eval()
    np.testing.assert_array_equal(streamed(stream, audio, HOP), audio)
    np.testing.assert_array_equal(native(network, audio, 24_000.0)[LATENCY:], audio)


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("wide") / "wide.safetensors"
    save_weights(network, path, "wide")
    return path


@pytest.mark.filterwarnings("error")
def test_weights_are_stored_without_a_warning(network, tmp_path):
    save_weights(network, tmp_path / "wide.safetensors", "wide")


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("rate", [8_000, 12_000, 16_000, 24_000])
def test_the_band_of_the_source_is_known_from_its_first_frame(weights, rate, engine):
    """The estimator has seen nothing yet: the engine is told half the rate of the source."""
    low = (0.1 * np.random.default_rng(0).standard_normal(rate // 5)).astype(np.float32)
    made = novasr.enhance(low, rate, weights=weights, engine=engine)[: 48_000 // 10]
    power = np.abs(np.fft.rfft(made * np.hanning(len(made)))) ** 2
    hertz = np.fft.rfftfreq(len(made), 1 / 48_000)
    above = (hertz > 0.55 * rate) & (hertz < 20_000)
    assert power[above].mean() > 1e-6 * power[hertz < 0.45 * rate].mean()


def test_with_an_estimated_cutoff_blocks_of_any_size_give_the_same_bits(weights, speech):
    low = soxr.resample(speech, 48_000, 16_000)
    stream = novasr.Stream(16_000, 1, output_rate=48_000, weights=weights)
    whole = np.concatenate([stream.process(low), stream.flush()])
    stream.reset()
    cuts = np.sort(np.random.default_rng(1).integers(0, len(low), 99))
    parts = [stream.process(part) for part in np.split(low, cuts)]
    assert np.array_equal(np.concatenate([*parts, stream.flush()]), whole)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_torchscript_finds_the_band_as_the_native_engine_does(speech, rate):
    """The channels differ: the cut-off is that of both together."""
    one = narrowed(speech, rate)
    audio = np.stack([one, 0.2 * one[::-1]], 1)
    expected = novasr.enhance(audio, 48_000, model="wide", force=True)
    assert np.abs(expected - audio).max() > 0.01
    made = novasr.enhance(audio, 48_000, model="wide", engine="torch", force=True)
    assert np.abs(made - expected).max() < NATIVE_BOUND


@pytest.mark.parametrize(
    ("first_hz", "second_hz"),
    [
        (8_000, 4_000),
        (4_000, 8_000),
        (12_000, 3_000),
        (6_000, 4_000),
        (24_000, 5_000),
        (5_000, 24_000),
    ],
)
def test_a_change_of_the_band_gives_no_burst(first_hz, second_hz):
    """Noise with the slope and the syllables of speech; above both narrow bands, in pieces of 2 ms."""
    length, settling, piece = 3 * RATE_HZ, RATE_HZ // 2, RATE_HZ // 500
    noise = np.random.default_rng(first_hz).standard_normal(2 * length)
    voice = signal.sosfilt(signal.butter(1, 500, fs=RATE_HZ, output="sos"), noise)
    voice *= 1.1 + np.sin(2 * np.pi * 3 * np.arange(len(voice)) / RATE_HZ)
    halves = voice[:length], voice[length:]
    narrowed = [
        half
        if 2 * hz == RATE_HZ
        else soxr.resample(soxr.resample(half, RATE_HZ, 2 * hz), 2 * hz, RATE_HZ)
        for half, hz in zip(halves, (first_hz, second_hz), strict=True)
    ]
    audio = (0.3 * np.concatenate(narrowed)).astype(np.float32)
    stream = novasr.Stream(RATE_HZ, model="wide")
    output = np.concatenate([stream.process(audio), stream.flush()])[stream.latency :]
    start_hz = 1.3 * max(hz for hz in (first_hz, second_hz) if 2 * hz < RATE_HZ)
    high = signal.sosfilt(signal.butter(6, start_hz, "high", fs=RATE_HZ, output="sos"), output)
    bursts = np.mean(high.reshape(-1, piece) ** 2, axis=1)
    steady = [bursts[i + settling // piece : i + length // piece] for i in (0, length // piece)]
    assert bursts.max() <= 2 * np.concatenate(steady).max()
