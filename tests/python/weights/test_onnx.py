"""novasr export model.onnx, in ONNX Runtime: upstream's outputs, any partition, any batch, and what can go wrong."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
import soxr
import torch
from command_line import assert_one_error_line, without_package
from command_line import novasr as command
from golden import GOLDEN_SIGNALS, error_against, golden_pairs

import novasr
from novasr.errors import AudioFileError, ParameterError, WeightsError
from novasr.families import in_onnx

onnx = needs.package("onnx", "pip install onnx")
onnxruntime = needs.package("onnxruntime", "pip install onnxruntime")

BOUND = 3e-6  # measured at worst: 1.2e-6 against upstream's outputs, 2e-6 against the native engine with wide
PACKAGE = Path(novasr.__path__[0])
SPEECH = Path(__file__).parents[3] / "docs" / "audio" / "speech-48k.flac"


class Model:
    """An exported model, and the whole of what docs/onnx.md asks of a host."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options)
        self.metadata = self.session.get_modelmeta().custom_metadata_map
        for name in ("look_ahead", "flush_frames", "hop", "input_rate", "output_rate"):
            setattr(self, name, int(self.metadata[name]))
        self.state_size = self.session.get_inputs()[1].shape[1]

    def __call__(
        self, audio: np.ndarray, cuts: list[int] = (), cutoff_hz: float = 0.0
    ) -> np.ndarray:
        """Run (batch, frames) in the parts between the cuts, and to its end; aligned with the input."""
        state = np.zeros((len(audio), self.state_size), np.float32)
        state[:, 0] = cutoff_hz
        parts = []
        padded = np.pad(audio, ((0, 0), (0, -audio.shape[1] % self.hop)))
        for part in np.split(padded, cuts, axis=1):
            if part.shape[1]:
                made, state = self.step(part, state)
                parts.append(made)
        behind = np.full((len(audio), self.flush_frames), 0.7, np.float32)  # is ignored
        parts.append(self.step(behind, state, flush=True)[0])
        ratio = self.output_rate // self.input_rate
        return np.concatenate(parts, 1)[:, self.look_ahead :][:, : ratio * audio.shape[1]]

    def step(self, audio: np.ndarray, state: np.ndarray, *, flush: bool = False):
        return self.session.run(None, {"audio": audio, "state": state, "flush": np.array(flush)})


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Model:
    return Model(novasr.export_onnx(tmp_path_factory.mktemp("onnx") / "base.onnx"))


@pytest.fixture(scope="module", params=["v1", "v2"])
def upstream(request, shared, tmp_path_factory) -> tuple[str, Model]:
    weights = shared / "weights" / f"novasr_{request.param}.bin"
    path = tmp_path_factory.mktemp("upstream") / "model.onnx"
    return request.param, Model(novasr.export_onnx(path, weights))


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> Model:
    return Model(novasr.export_onnx(tmp_path_factory.mktemp("onnx") / "wide.onnx", "wide"))


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    audio, _ = sf.read(SPEECH, dtype="float32", frames=3 * 48_000 + 77)
    return audio


def narrowed(audio: np.ndarray, rate: int) -> np.ndarray:
    low = soxr.resample(audio, 48_000, rate)
    return soxr.resample(low, rate, 48_000)[: len(audio)].astype(np.float32)


def native(audio: np.ndarray) -> np.ndarray:
    """What the native engine gives without knowing the source, (frames,) or (frames, channels)."""
    stream = novasr.Stream(48_000, audio[0].size, model="wide")
    return np.concatenate([stream.process(audio), stream.flush()])[stream.latency :][: len(audio)]


def noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (0.1 * rng.standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("signal", [*GOLDEN_SIGNALS, "short_lengths"])
def test_it_gives_upstreams_outputs(upstream, shared, signal):
    version, model = upstream
    for audio, golden in golden_pairs(shared, signal, version):
        made = model(audio[None])[0]
        assert error_against(made[: len(golden)], golden)[0] < BOUND
        assert not made[len(golden) :].any()


@pytest.mark.parametrize("parts", [2, 17, 400])
def test_any_partition_gives_the_whole(base, rng, parts):
    audio = noise(rng, 1, 4_000)
    cuts = sorted(rng.integers(0, audio.shape[1], parts))
    assert np.abs(base(audio, cuts) - base(audio)).max() < BOUND


def test_the_flush_may_come_in_parts(base, rng):
    audio = noise(rng, 1, 500)
    made, state = base.step(audio, np.zeros((1, base.state_size), np.float32))
    parts = [made]
    for _ in range(base.flush_frames):
        made, state = base.step(np.zeros((1, 1), np.float32), state, flush=True)
        parts.append(made)
    streamed = np.concatenate(parts, 1)[:, base.look_ahead :]
    assert np.abs(streamed - base(audio)).max() < BOUND


def test_the_channels_of_a_batch_are_independent(base, rng):
    audio = noise(rng, 3, 2_000)
    together = base(audio, [100, 777])
    for one, made in zip(audio, together):
        assert np.abs(base(one[None])[0] - made).max() < BOUND


def test_every_chunk_gives_its_share_from_the_first_on(base, rng):
    state = np.zeros((1, base.state_size), np.float32)
    for frames in (1, 2, 5, 13, 480):
        made, state = base.step(noise(rng, 1, frames), state)
        assert made.shape == (1, 3 * frames)
        assert state.shape == (1, base.state_size)


def test_the_first_frames_are_silent_and_then_in_time(base):
    impulse = np.zeros((1, 200), np.float32)
    impulse[0, 100] = 0.5
    made, _ = base.step(impulse, np.zeros((1, base.state_size), np.float32))
    assert not made[0, : base.look_ahead].any()
    peak = np.abs(made[0]).argmax()
    assert abs(peak - base.look_ahead - int(base.metadata["offset"]) - 300) <= 1


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000])
def test_wide_finds_the_band_as_the_native_engine_does(wide, speech, rate):
    audio = narrowed(speech, rate)
    expected = native(audio)
    assert np.abs(expected - audio).max() > 0.01
    assert np.abs(wide(audio[None])[0] - expected).max() < BOUND


def test_wide_gives_the_networks_output_from_an_assumed_band_on(wide, speech):
    """Before the estimator has heard enough, what the state says holds."""
    audio = narrowed(speech[:24_000], 16_000)
    network = novasr.load_model("wide")
    with torch.inference_mode():
        expected = network(torch.from_numpy(audio)[None, None], torch.tensor([7_700.0]))
    expected = expected[0, 0].numpy()
    assert np.abs(expected - audio).max() > 0.01
    assert np.abs(wide(audio[None], cutoff_hz=7_700.0)[0] - expected)[:10_000].max() < BOUND
    assert np.abs(wide(audio[None])[0] - audio)[:10_000].max() == 0


@pytest.mark.parametrize("parts", [2, 20, 300])
def test_wide_gives_the_whole_for_any_partition(wide, speech, rng, parts):
    audio = narrowed(speech, 8_000)[None]
    cuts = wide.hop * np.sort(rng.integers(0, audio.shape[1] // wide.hop, parts))
    whole = wide(audio)
    assert np.abs(whole - audio).max() > 0.01
    assert np.abs(wide(audio, cuts) - whole).max() < BOUND


def test_wide_links_the_channels_as_the_native_engine_does(wide, speech):
    low = narrowed(speech, 8_000)
    gated = low.copy()
    gated[20_000:60_000] = 0.0
    audio = np.stack([0.2 * low, np.roll(low, 30_000), gated])
    expected = native(audio.T).T
    assert np.abs(wide(audio) - expected).max() < BOUND


def test_wide_tells_the_band_that_it_found_in_its_state(wide, speech):
    padded = np.pad(narrowed(speech, 8_000), (0, -len(speech) % wide.hop))
    _, state = wide.step(padded[None], np.zeros((1, wide.state_size), np.float32))
    assert 3_500 < state[0, 0] < 4_200


def test_wide_leaves_silence_and_noise_of_the_full_band_as_they_are(wide, rng):
    silence = np.zeros((1, 5_000), np.float32)
    assert not wide(silence, cutoff_hz=4_000.0).any()
    full = noise(rng, 1, 48_000)
    np.testing.assert_array_equal(wide(full), full)


def test_the_noise_of_wide_goes_on_behind_its_period(wide, speech):
    """It repeats after 512 hops, but a stream does not start again."""
    audio = narrowed(np.tile(speech, 3), 8_000)
    expected = native(audio)
    cuts = wide.hop * np.arange(1, len(audio) // wide.hop, 150)
    assert len(audio) > 2 * 512 * wide.hop
    assert np.abs(wide(audio[None], cuts)[0] - expected).max() < BOUND


def test_wide_tells_what_a_host_must_know(wide):
    expected = {"family": "wide", "input_rate": "48000", "output_rate": "48000", "hop": "256"}
    expected |= {"look_ahead": "256", "flush_frames": "256", "linked_channels": "1"}
    assert expected.items() <= wide.metadata.items()


@pytest.mark.parametrize("model", ["base", "wide"])
def test_a_runtime_has_nothing_to_say_about_it(tmp_path, model):
    """It warns on stderr about what is unused or unknown."""
    path = novasr.export_onnx(tmp_path / "model.onnx", model)
    code = f"import onnxruntime; onnxruntime.InferenceSession({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_metadata_tells_what_a_host_must_know(base):
    weights = (PACKAGE / "weights" / "novasr.safetensors").read_bytes()
    assert base.metadata == {
        "family": "novasr",
        "version": novasr.__version__,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "license": "Apache-2.0",
        "input_rate": "16000",
        "output_rate": "48000",
        "look_ahead": "39",
        "flush_frames": "13",
        "hop": "1",
        "memory": "40",
        "edge": "83",
        "offset": "1",
        "band": "8000",
        "linked_channels": "0",
    }


def test_a_licence_is_stated_for_published_weights_alone(tmp_path):
    own = novasr.export_weights(tmp_path / "own.safetensors")
    assert "license" not in Model(novasr.export_onnx(tmp_path / "own.onnx", own)).metadata


def test_the_file_is_for_old_runtimes_and_the_same_each_time(base, tmp_path):
    first, second = (novasr.export_onnx(tmp_path / f"{name}.onnx") for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    model = onnx.load(first)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert model.ir_version == 8


def test_neither_export_nor_run_needs_pytorch(tmp_path):
    done = command("export", tmp_path / "model.onnx", PYTHONPATH=without_package(tmp_path, "torch"))
    assert done.returncode == 0, done.stderr
    assert "model.onnx: " in done.stdout


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"model\.pb: the name must end in \.onnx"):
        novasr.export_onnx(tmp_path / "model.pb")
    assert_one_error_line(command("export", tmp_path / "model.pb"), "must end in .onnx, .ts")


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"precious")
    with pytest.raises(AudioFileError, match="exists"):
        novasr.export_onnx(path)
    assert path.read_bytes() == b"precious"
    novasr.export_onnx(path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    for folder in ("absent", "file"):
        run = command("export", tmp_path / folder / "model.onnx")
        assert_one_error_line(run, str(tmp_path / folder / "model.onnx"))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_script_is_no_weights(tmp_path):
    script = tmp_path / "model.ts"
    script.write_bytes(b"")
    run = command("export", tmp_path / "model.onnx", "--weights", script)
    assert_one_error_line(run, "model.ts", ".safetensors or .bin")
    with pytest.raises(WeightsError, match=r"model\.ts"):
        novasr.export_onnx(tmp_path / "model.onnx", script)
    assert not (tmp_path / "model.onnx").exists()


def test_a_family_without_an_onnx_form_is_named():
    with pytest.raises(WeightsError, match="'other' has no ONNX form"):
        in_onnx("other")


def test_without_the_package_the_remedy_is_named(tmp_path):
    run = command("export", tmp_path / "model.onnx", PYTHONPATH=without_package(tmp_path, "onnx"))
    assert_one_error_line(run, "pip install 'novasr[onnx]'")
    assert not (tmp_path / "model.onnx").exists()


def test_nan_is_forgotten_after_the_memory_of_base(base, rng):
    audio = noise(rng, 1, 1_000)
    spoiled = audio.copy()
    spoiled[0, 300] = np.nan
    made, clean = base(spoiled, [310, 500]), base(audio)
    forgotten = 3 * (300 + int(base.metadata["memory"]))
    assert np.isnan(made).any()
    assert np.abs(made - clean)[:, forgotten:].max() < BOUND
