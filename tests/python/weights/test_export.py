"""novasr export, and TorchScript files from elsewhere."""

from __future__ import annotations

import io
import os
import stat
import warnings

import numpy as np
import pytest
import torch

import novasr
from novasr.errors import AudioFileError, StreamError, WeightsError

warnings.filterwarnings("ignore", category=DeprecationWarning, module="torch")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_exported_file_plays_like_the_weights_it_came_from(tmp_path, rng):
    path = novasr.export_torchscript(tmp_path / "model.ts")
    audio = (0.1 * rng.standard_normal(8000)).astype(np.float32)
    from_file = novasr.enhance(audio, 16_000, engine="torch", weights=path)
    np.testing.assert_array_equal(from_file, novasr.enhance(audio, 16_000, engine="torch"))


def test_exported_file_tells_its_metadata(tmp_path):
    script = torch.jit.load(novasr.export_torchscript(tmp_path / "model.ts"))
    assert script.metadata() == {
        "input_rate": 16_000,
        "output_rate": 48_000,
        "look_ahead": 39,
        "tail": 35,
        "hop": 1,
        "memory": 40,
        "edge": 83,
        "offset": 1,
        "band": 8_000,
    }


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_files_of_weights_can_be_read_by_whom_the_umask_lets(tmp_path):
    from novasr.weights.save import save_weights

    before = os.umask(0o027)
    try:
        save_weights(novasr.load_model(), tmp_path / "saved.safetensors")
        for name in ("model.safetensors", "model.bin"):
            novasr.export_weights(tmp_path / name)
    finally:
        os.umask(before)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o640, path


def test_exported_weights_are_those_they_came_from(tmp_path, rng):
    path = novasr.export_weights(tmp_path / "model.safetensors")
    audio = rng.standard_normal(4000).astype(np.float32) * 0.1
    assert np.array_equal(
        novasr.enhance(audio, 16_000, weights=path), novasr.enhance(audio, 16_000)
    )
    with pytest.raises(novasr.AudioFileError, match="exists"):
        novasr.export_weights(path)


def test_upstreams_file_is_laid_out_as_upstreams(tmp_path, shared):
    """Names, shapes, types and size are those of the published checkpoint, so that its code loads ours."""
    path = novasr.export_weights(tmp_path / "model.bin")
    ours, theirs = (
        torch.load(file, map_location="cpu")
        for file in (path, shared / "weights" / "novasr_v1.bin")
    )
    assert type(ours) is type(theirs)
    assert {k: (v.shape, v.dtype) for k, v in ours.items()} == {
        k: (v.shape, v.dtype) for k, v in theirs.items()
    }
    assert path.stat().st_size <= 53_300
    audio = np.random.default_rng(2).standard_normal(2000).astype(np.float32) * 0.1
    assert np.array_equal(
        novasr.enhance(audio, 16_000, weights=path), novasr.enhance(audio, 16_000)
    )


def test_export_keeps_an_existing_file(tmp_path):
    path = tmp_path / "model.ts"
    path.write_bytes(b"precious")
    with pytest.raises(AudioFileError, match="exists"):
        novasr.export_torchscript(path)
    assert path.read_bytes() == b"precious"
    novasr.export_torchscript(path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["model.ts"]


class Repeat(torch.nn.Module):
    """A foreign model: holds each sample three times, in hops of 160 frames, 7 frames late."""

    def __init__(self, rate: int = 16_000, ratio: int = 3):
        super().__init__()
        self.rate, self.ratio = rate, ratio

    @torch.jit.export
    def metadata(self) -> dict[str, int]:
        return {
            "input_rate": self.rate,
            "output_rate": self.ratio * self.rate,
            "look_ahead": 7,
            "hop": 160,
        }

    @torch.jit.export
    def initial_state(self, batch: int) -> torch.Tensor:
        return torch.zeros(batch, 1, 0)

    def forward(
        self, audio: torch.Tensor, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assert audio.shape[-1] % 160 == 0
        held = torch.cat([state, audio.repeat_interleave(self.ratio, dim=-1)], dim=-1)
        return held[..., : max(0, held.shape[-1] - 7)], held[..., max(0, held.shape[-1] - 7) :]

    @torch.jit.export
    def flush(self, state: torch.Tensor) -> torch.Tensor:
        return state


def save(module, path):
    torch.jit.save(torch.jit.script(module), path)
    return path


@pytest.mark.parametrize("block", [1, 33, 160, 1000])
def test_foreign_model_with_a_hop_keeps_one_latency(tmp_path, rng, block):
    stream = novasr.Stream(
        16_000,
        weights=save(Repeat(), tmp_path / "repeat.ts"),
        mode="full",
        front_end="reference",
        low_latency=True,
    )
    assert stream.latency == 7 + 3 * 159
    audio = rng.standard_normal(1000).astype(np.float32) * 0.1
    parts = [stream.process(audio[i : i + block]) for i in range(0, 1000, block)]
    output = np.concatenate([*parts, stream.flush()])[stream.latency :]
    np.testing.assert_array_equal(output, audio.repeat(3))


class Faulty(Repeat):
    def forward(
        self, audio: torch.Tensor, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assert audio.abs().max() < 0.5, "too loud for me"
        return audio.repeat_interleave(3, dim=-1), state


def test_model_that_fails_while_running_is_reported(tmp_path):
    stream = novasr.Stream(
        16_000,
        weights=save(Faulty(), tmp_path / "faulty.ts"),
        mode="full",
        front_end="reference",
        low_latency=True,
    )
    stream.process(np.full(500, 0.1, np.float32))
    with pytest.raises(StreamError, match="the model failed"):
        stream.process(np.ones(500, np.float32))


class FailsAtTheEnd(Repeat):
    @torch.jit.export
    def flush(self, state: torch.Tensor) -> torch.Tensor:
        assert state.abs().max() < 0.5, "too loud for me"
        return state


@pytest.mark.parametrize("threaded", [False, True])
def test_model_that_fails_at_the_end_is_reported_by_flush(tmp_path, threaded):
    stream = novasr.Stream(
        16_000,
        weights=save(FailsAtTheEnd(), tmp_path / "end.ts"),
        mode="full",
        front_end="reference",
        low_latency=True,
        threaded=threaded,
    )
    stream.process(np.ones(160, np.float32))
    with pytest.raises(StreamError, match="the model failed"):
        stream.flush()


class NeverRuns(Repeat):
    def forward(
        self, audio: torch.Tensor, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assert audio.shape[-1] == 0, "no audio for me"
        return audio, state


def test_model_that_never_runs_is_refused_in_one_line(tmp_path):
    with pytest.raises(StreamError, match=r"does not run: .*no audio for me") as caught:
        novasr.Stream(16_000, weights=save(NeverRuns(), tmp_path / "never.ts"))
    assert "\n" not in str(caught.value)


def test_model_of_other_rates_plays_at_them(tmp_path, rng):
    path = save(Repeat(rate=8_000, ratio=2), tmp_path / "other.ts")
    stream = novasr.Stream(
        8_000, weights=path, mode="full", front_end="reference", low_latency=True
    )
    assert (stream.output_rate, stream.latency) == (16_000, 7 + 2 * 159)
    audio = rng.standard_normal(1000).astype(np.float32) * 0.1
    output = np.concatenate([stream.process(audio), stream.flush()])[stream.latency :]
    np.testing.assert_array_equal(output, audio.repeat(2))


def test_model_whose_rates_have_no_whole_ratio_is_refused(tmp_path):
    class Odd(Repeat):
        @torch.jit.export
        def metadata(self) -> dict[str, int]:
            return {"input_rate": 16_000, "output_rate": 44_100, "look_ahead": 7, "hop": 160}

    with pytest.raises(StreamError, match=r"16000 to 44100 Hz: .*multiple.* 8000 to 192000"):
        novasr.Stream(16_000, weights=save(Odd(), tmp_path / "odd.ts"))


def test_model_of_rates_beyond_all_sound_is_refused(tmp_path):
    with pytest.raises(StreamError, match=r"4000 to 12000 Hz: .* 8000 to 192000"):
        novasr.Stream(16_000, weights=save(Repeat(rate=4_000), tmp_path / "other.ts"))


def test_script_without_the_contract_says_what_is_missing(tmp_path):
    with pytest.raises(StreamError, match=r"no method 'metadata'.*novasr export"):
        novasr.Stream(16_000, weights=save(torch.nn.ReLU(), tmp_path / "relu.ts"))


def test_garbage_is_not_taken_for_torchscript(tmp_path):
    path = tmp_path / "garbage.ts"
    path.write_bytes(b"not a script")
    with pytest.raises(StreamError, match="not a TorchScript file"):
        novasr.Stream(16_000, weights=path)


def test_missing_torchscript_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"absent.ts"):
        novasr.Stream(16_000, weights=tmp_path / "absent.ts")


def test_scripted_stream_equals_the_network(rng):
    script = torch.jit.load(io.BytesIO(novasr.weights.export.torchscript_bytes()))
    audio = torch.from_numpy((0.1 * rng.standard_normal((1, 1, 4000))).astype(np.float32))
    with torch.inference_mode():
        out, state = script(audio, script.initial_state(1))
        whole = torch.cat([out, script.flush(state)], -1)
        torch.testing.assert_close(whole, novasr.load_model()(audio), rtol=0, atol=1e-6)
