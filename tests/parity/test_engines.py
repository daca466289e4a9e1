"""Every engine, whole and streamed, against upstream's float64 outputs."""

from __future__ import annotations

import numpy as np
import pytest
from golden import GOLDEN_SIGNALS, error_against, golden_pairs

from novasr import Stream

# Upstream in float64, rounded to float32, against float32 arithmetic in another order.
MAX_ERROR = {"native": 1.5e-6, "torch": 3e-6}
MIN_SNR_DB = {"native": 120, "torch": 110}
QUIET = ("impulse", "silence")  # hardly any signal to relate an error to
LONG = ("speech_1", "speech_2", "speech_3", "sweep_2s", "white_noise_1s")
BLOCKS = ["whole", 1, 7, 32, 160, 333, "random"]
CASES = [
    (name, engine, block)
    for name in GOLDEN_SIGNALS
    for engine in MAX_ERROR
    for block in BLOCKS
    if not (
        engine == "torch" and block in (1, 7) and name in LONG
    )  # a minute of LibTorch calls each
]


def stream_for(shared, engine, version):
    return Stream(
        16_000,
        mode="full",
        front_end="reference",
        low_latency=True,
        engine=engine,
        weights=shared / "weights" / f"novasr_{version}.bin",
    )


def run(stream, audio, block, rng):
    """Stream `audio` in blocks; give the aligned output, cut to the model's 3 N - 4 frames."""
    stream.reset()
    parts, start = [], 0
    while start < len(audio):
        size = len(audio) if block == "whole" else block
        if block == "random":
            size = int(rng.integers(0, 900))
        parts.append(stream.process(audio[start : start + size]))
        start += size
    output = np.concatenate([*parts, stream.flush()])[stream.latency :]
    assert len(output) == 3 * len(audio)
    np.testing.assert_array_equal(output[-4:], 0)
    return output[:-4]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(("name", "engine", "block"), CASES)
def test_engine_equals_upstream(shared, rng, name, engine, version, block):
    [(audio, golden)] = golden_pairs(shared, name, version)
    error, snr = error_against(run(stream_for(shared, engine, version), audio, block, rng), golden)
    assert error <= MAX_ERROR[engine]
    if name not in QUIET:
        assert snr >= MIN_SNR_DB[engine]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("engine", MAX_ERROR)
def test_engine_equals_upstream_for_short_recordings(shared, rng, engine, version):
    stream = stream_for(shared, engine, version)
    for audio, golden in golden_pairs(shared, "short_lengths", version):
        for block in ("whole", 1, 7):
            error, _ = error_against(run(stream, audio, block, rng), golden)
            assert error <= MAX_ERROR[engine]


@pytest.mark.parametrize("engine", MAX_ERROR)
def test_a_wrong_weight_is_noticed(shared, rng, engine):
    """The control: v2's weights must not pass for v1."""
    [(audio, golden)] = golden_pairs(shared, "speech_1", "v1")
    output = run(stream_for(shared, engine, "v2"), audio, "whole", rng)
    assert error_against(output, golden)[0] > 1e-3
