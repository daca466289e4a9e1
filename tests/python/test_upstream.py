"""FastSR: upstream's class by another import."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from golden import error_against

from novasr import FastSR


@pytest.fixture
def fast(shared):
    return FastSR(shared / "weights" / "novasr_v1.bin")


def test_infer_has_upstreams_shapes_and_values(fast, shared):
    with np.load(shared / "golden" / "speech_1.npz") as golden:
        output = fast.infer(torch.from_numpy(golden["input_16k"])[None, None])
        assert output.shape == (1, 3 * 48_000 - 4)
        error, snr = error_against(output[0].numpy(), golden["out_v1"])
    assert error <= 3e-6
    assert snr >= 110


def test_load_audio_gives_the_first_channel_at_16_khz(fast, tmp_path):
    time = np.arange(48_000) / 48_000
    stereo = np.stack([0.5 * np.sin(2 * np.pi * 1000 * time), np.zeros_like(time)], axis=1)
    soundfile.write(tmp_path / "tone.wav", stereo, 48_000, subtype="FLOAT")
    audio = fast.load_audio(tmp_path / "tone.wav")
    assert audio.shape == (1, 1, 16_000)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(audio[0, 0, 50:-50].numpy(), expected[50:-50], atol=2e-3)


def test_half_precision_stays_close(shared):
    half = FastSR(shared / "weights" / "novasr_v1.bin", half=True)
    full = FastSR(shared / "weights" / "novasr_v1.bin")
    audio = 0.1 * torch.randn(1, 1, 2000, generator=torch.Generator().manual_seed(1))
    difference = half.infer(audio.half()).float() - full.infer(audio)
    assert difference.abs().max() < 0.02
