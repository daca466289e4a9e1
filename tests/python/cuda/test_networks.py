"""The network's two forms for a GPU: upstream's output, whatever else is in the batch."""

from __future__ import annotations

import os
import subprocess
import sys

import needs
import numpy as np
import pytest
import torch
from golden import GOLDEN_SIGNALS, error_against, golden_pairs
from torch.nn import functional as F

import novasr
from novasr.cuda import BatchEngine

needs.package("triton", "pip install triton")

BOUND = 1e-5  # as documented
MEASURED = 2e-6  # at worst 9e-7, of float32 against upstream in float64
TILE = 69


@pytest.fixture(scope="module")
def fused():
    return BatchEngine(batch=8, compute="fused")


@pytest.fixture(scope="module")
def plain():
    return BatchEngine(batch=8, compute="plain")


def noise(rng, frames):
    return (0.3 * rng.standard_normal(frames)).astype(np.float32)


def check(outputs, pairs):
    for output, (audio, golden) in zip(outputs, pairs, strict=True):
        assert len(output) == 3 * len(audio)
        assert not output[len(golden) :].any()
        assert error_against(output[: len(golden)], golden)[0] <= MEASURED


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_layers_equal_upstream(shared, version):
    pairs = [p for name in GOLDEN_SIGNALS for p in golden_pairs(shared, name, version)]
    pairs += golden_pairs(shared, "short_lengths", version)
    engine = BatchEngine(shared / "weights" / f"novasr_{version}.bin", batch=16, compute="plain")
    check(engine.run([audio for audio, _ in pairs]), pairs)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_kernel_equals_upstream(shared, version):
    """Of long recordings the first frames, which what follows does not change."""
    pairs = list(golden_pairs(shared, "short_lengths", version))[::9]
    engine = BatchEngine(shared / "weights" / f"novasr_{version}.bin", batch=4, compute="fused")
    for name in ("impulse", "speech_1", "white_noise_1s"):
        [(audio, golden)] = golden_pairs(shared, name, version)
        pairs.append((audio[: 2 * TILE], golden[: 6 * TILE - 36]))
    outputs = engine.run([audio for audio, _ in pairs])
    outputs[-3:] = [output[: 6 * TILE - 36] for output in outputs[-3:]]
    for output, (_, golden) in zip(outputs, pairs, strict=True):
        assert error_against(output[: len(golden)], golden)[0] <= MEASURED


def test_kernel_equals_layers_around_tile_borders(fused, plain, rng):
    lengths = [n for tiles in (1, 2) for n in range(tiles * TILE - 2, tiles * TILE + 3)]
    recordings = [noise(rng, n) for n in lengths]
    for here, there in zip(fused.run(recordings), plain.run(recordings), strict=True):
        assert np.abs(here - there).max() <= MEASURED


def test_segments_equal_the_whole_network_around_their_borders(plain, rng):
    """A border of segments, in PyTorch: `novasr.load_model` knows of no segments."""
    network = novasr.load_model()
    for frames in (4415, 4416, 4417, 4420, 4429, 8833, 20_000):
        audio = noise(rng, frames)
        whole = network(torch.from_numpy(audio)[None, None])[0, 0].numpy()
        output = plain.run([audio])[0]
        assert np.abs(output[:-4] - whole).max() <= MEASURED


def test_kernel_goes_on_across_a_border_of_segments(fused, plain, rng, monkeypatch):
    """Two tiles each side of the border: the rest of the segments is of no recording."""
    from novasr.cuda.packing import Grid

    monkeypatch.setattr(fused, "_grid", Grid(2 * TILE, 16, 3))
    monkeypatch.setattr(fused, "_slots", [])
    audio = noise(rng, 5 * TILE + 7)
    [output] = fused.run([audio])
    assert np.abs(output - plain.run([audio])[0]).max() <= MEASURED


def test_recordings_have_the_same_bits_in_any_company(fused, rng):
    recordings = [noise(rng, n) for n in (1, 60, 2, 150, 0, 71)]
    together = fused.run(recordings)
    for order in ([3], [5, 0, 3], [4, 3, 2, 1, 1]):
        for index, output in zip(order, fused.run([recordings[i] for i in order]), strict=True):
            np.testing.assert_array_equal(output, together[index])


@pytest.mark.parametrize("form", ["fused", "plain"])
def test_other_recordings_and_nan_in_them_are_not_heard(form, request, rng):
    engine = request.getfixturevalue(form)
    audio = noise(rng, 100)
    broken = np.array([np.nan, np.inf, -np.inf, 1e30] * 20, np.float32)
    alone, [_, beside, zeroed] = (
        engine.run([audio])[0],
        engine.run([broken, audio, np.where(np.isfinite(broken), broken, 0)]),
    )
    np.testing.assert_array_equal(beside, alone)
    assert np.isfinite(zeroed).all()


@pytest.mark.parametrize("form", ["fused", "plain"])
def test_nan_and_infinity_count_as_silence(form, request):
    engine = request.getfixturevalue(form)
    broken = np.tile(np.array([np.nan, np.inf, 0.2, -np.inf], np.float32), 20)
    clean = np.where(np.isfinite(broken), broken, np.float32(0))
    here, there = engine.run([broken, clean])
    np.testing.assert_array_equal(here, there)


def test_silence_is_exact_in_the_kernel(fused):
    [output] = fused.run([np.zeros(400, np.float32)])
    assert fused.silence_output == 0.0
    np.testing.assert_array_equal(output[100:-100], 0.0)


@pytest.mark.parametrize("frames", [0, 1])
@pytest.mark.parametrize("form", ["fused", "plain"])
def test_recordings_too_short_for_the_network_are_silent(form, request, frames):
    engine = request.getfixturevalue(form)
    [output] = engine.run([np.ones(frames, np.float32)])
    np.testing.assert_array_equal(output, np.zeros(3 * frames, np.float32))


def test_no_recordings_give_none(plain):
    assert plain.run([]) == []


def test_many_batches_take_turns(rng):
    engine = BatchEngine(batch=2, compute="plain")
    recordings = [noise(rng, n) for n in (5000, 20_000, 3, 30_000)]
    large = BatchEngine(batch=64, compute="plain").run(recordings)
    for here, there in zip(engine.run(recordings), large, strict=True):
        assert np.abs(here - there).max() <= MEASURED


def test_difference_is_what_a_new_gpu_is_judged_by(fused, monkeypatch):
    assert fused.difference() <= MEASURED
    monkeypatch.setattr(fused._network, "_silence", 1e-3)
    assert fused.difference() > BOUND
    with pytest.raises(novasr.StreamError, match=r"off by .*compute='plain'"):
        fused._refuse_errors()


def as_tf32(x: torch.Tensor) -> torch.Tensor:
    """Round to 10 bits of mantissa, ties away, as tensor cores' inputs are converted."""
    return ((x.view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)


@pytest.mark.parametrize(("products", "holds"), [(3, True), (1, False)])
def test_three_tf32_products_keep_the_bound_and_one_does_not(shared, monkeypatch, products, holds):
    """What the interpreter, which multiplies in float32, does not show."""
    direct = F.conv1d

    def by_tensor_cores(x, weight, bias=None, **options):
        if weight.shape[1] != 32:
            return direct(x, weight, bias, **options)
        pairs = [(as_tf32(x), as_tf32(weight))]
        rest_x, rest_weight = as_tf32(x - pairs[0][0]), as_tf32(weight - pairs[0][1])
        pairs += [(rest_x, pairs[0][1]), (pairs[0][0], rest_weight)]
        return sum(
            direct(a, b, bias if i == 0 else None, **options)
            for i, (a, b) in enumerate(pairs[:products])
        )

    from novasr.families.novasr.cuda import plain

    monkeypatch.setattr(plain.F, "conv1d", by_tensor_cores)
    errors = []
    for name in ("speech_1", "white_noise_1s", "clipped", "sweep_2s"):
        [(audio, golden)] = golden_pairs(shared, name, "v1")
        engine = BatchEngine(shared / "weights" / "novasr_v1.bin", batch=16, compute="plain")
        errors.append(error_against(engine.run([audio])[0][:-4], golden)[0])
    assert (max(errors) <= BOUND) == holds


COMPILE = """
import sys
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile
from novasr.families.novasr.cuda.kernel import _compute_tiles, compile_options

capability, precision = int(sys.argv[1]), sys.argv[2]
types = {"starts": "*i32", "totals": "*i32", "constant": "fp32"}
types |= dict.fromkeys(("tiles", "segment_tiles", "squash"), "i32")
constants = {"CHUNK": 64, "PRECISION": precision}
signature = {
    name: "constexpr" if name in constants else types.get(name, "*fp32")
    for name in _compute_tiles.arg_names
}
source = ASTSource(fn=_compute_tiles, signature=signature, constexprs=constants)
made = compile(source, target=GPUTarget("cuda", capability, 32), options=compile_options())
print(len(made.asm["cubin"]), made.metadata.shared, made.asm["ptx"].count("st.global"))
"""


@pytest.mark.timeout(900)  # a minute of work
@pytest.mark.parametrize(
    ("capability", "precision"), [(80, "tf32x3"), (90, "tf32x3"), (100, "ieee")]
)
def test_kernel_compiles_for_a_gpu(tmp_path, capability, precision):
    """Triton brings NVIDIA's assembler: machine code comes out without a GPU. A trap would have no stores."""
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path)}
    del environment["TRITON_INTERPRET"]
    command = [sys.executable, "-c", COMPILE, str(capability), precision]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    code, shared_memory, stores = map(int, run.stdout.split())
    assert code > 0
    assert shared_memory <= 48 * 1024
    assert stores > 20
