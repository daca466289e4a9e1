"""novasr export model.onnx, in ONNX Runtime: upstream's outputs, any partition, any batch, and what can go wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path

import needs
import numpy as np
import pytest
from command_line import assert_one_error_line, without_package
from command_line import novasr as command
from golden import GOLDEN_SIGNALS, error_against, golden_pairs

import novasr
from novasr.errors import AudioFileError, ParameterError, WeightsError

onnx = needs.package("onnx", "pip install onnx")
onnxruntime = needs.package("onnxruntime", "pip install onnxruntime")

BOUND = 3e-6  # measured at worst: 7e-7 against upstream's outputs
PACKAGE = Path(novasr.__path__[0])


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

    def __call__(self, audio: np.ndarray, cuts: list[int] = ()) -> np.ndarray:
        """Run (batch, frames) in the parts between the cuts, and to its end; aligned with the input."""
        state = np.zeros((len(audio), self.state_size), np.float32)
        parts = []
        for part in np.split(audio, cuts, axis=1):
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


def test_without_the_package_the_remedy_is_named(tmp_path):
    run = command("export", tmp_path / "model.onnx", PYTHONPATH=without_package(tmp_path, "onnx"))
    assert_one_error_line(run, "pip install 'novasr[onnx]'")
    assert not (tmp_path / "model.onnx").exists()
