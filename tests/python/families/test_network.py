"""The PyTorch network against upstream's outputs, and its stream against itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden import GOLDEN_SIGNALS, error_against, golden_pairs

import novasr
from novasr.families.novasr import StreamingNovaSR
from novasr.families.novasr.layers import interpolate_x3
from novasr.families.novasr.streaming import LOOK_AHEAD, TAIL

# float64: what storing the golden outputs as float32 costs. float32: measured 9.7e-7 and 118 dB at worst.
BOUNDS = {torch.float64: (6e-8, 140), torch.float32: (3e-6, 110)}


def run(network, audio):
    parameters = next(network.parameters())
    with torch.inference_mode():
        return network(torch.from_numpy(audio).to(parameters)[None, None])[0, 0].numpy()


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", [*GOLDEN_SIGNALS, "short_lengths"])
def test_network_equals_upstream(shared, name, version, dtype):
    network = novasr.load_model(shared / "weights" / f"novasr_{version}.bin").to(dtype)
    max_error, min_snr = BOUNDS[dtype]
    for audio, golden in golden_pairs(shared, name, version):
        error, snr = error_against(run(network, audio), golden)
        assert error <= max_error
        if name not in ("impulse", "silence") or dtype == torch.float64:
            assert snr >= min_snr


def test_float32_does_not_degrade_with_length(rng):
    """Upstream's float32 is 60 dB down after a second: its interpolation loses bits with position."""
    audio = (0.1 * rng.standard_normal(64_000)).astype(np.float32)
    network = novasr.load_model()
    late = run(network, audio)[-30_000:]
    exact = run(network.double(), audio)[-30_000:]
    error, snr = error_against(late, exact)
    assert error < 2e-6
    assert snr > 115


def test_interpolation_holds_its_edges_and_meets_every_third_sample():
    audio = torch.tensor([[[0.0, 3.0, 9.0]]])
    expected = torch.tensor([[[0.0, 0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 9.0]]])
    torch.testing.assert_close(interpolate_x3(audio), expected)


@pytest.mark.parametrize("frames", [2, 3, 5, 12, 13, 14, 37, 100])
@pytest.mark.parametrize("block", [1, 3, 7, 16, 1000])
def test_stream_plus_flush_equals_the_whole_signal(rng, frames, block):
    network = novasr.load_model().double()
    stream = StreamingNovaSR(network)
    audio = torch.from_numpy(0.3 * rng.standard_normal((2, 1, frames)))
    with torch.inference_mode():
        state, parts, given = stream.initial_state(2), [], 0
        for start in range(0, frames, block):
            part, state = stream(audio[..., start : start + block], state)
            parts.append(part)
            given = min(start + block, frames)
            assert sum(p.shape[-1] for p in parts) == max(0, 3 * given - LOOK_AHEAD)
        parts.append(stream.flush(state))
        torch.testing.assert_close(torch.cat(parts, -1), network(audio), rtol=0, atol=1e-12)
    assert parts[-1].shape[-1] == TAIL or 3 * frames < LOOK_AHEAD


def test_feeding_silence_first_is_not_the_same_as_starting():
    """The control of the test above: biases are not zero, so the edges do matter."""
    network = novasr.load_model().double()
    with torch.inference_mode():
        start = network(torch.zeros(1, 1, 100, dtype=torch.float64))
        later = network(torch.zeros(1, 1, 200, dtype=torch.float64))[..., 300:]
    assert (start[..., :30] - later[..., :30]).abs().max() > 1e-6
