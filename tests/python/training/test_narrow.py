"""Inputs for a family that takes any band: where their bands end, and that they stay aligned."""

import dataclasses

import needs
import numpy as np
import pytest

torch = needs.package("torch", "pip install 'novasr[train]'")

from novasr.families.task import Task  # noqa: E402
from novasr.training.degrade import degrade, margin_frames  # noqa: E402
from novasr.training.losses import SpectralLoss  # noqa: E402
from novasr.training.narrow import draw_cutoff, narrow  # noqa: E402
from novasr.training.recipe import Degradation, Loss  # noqa: E402

RATE_HZ = 48_000
TASK = Task(RATE_HZ, RATE_HZ, 16_000.0, 2_000.0)
NEVER = Degradation(
    **dict.fromkeys(
        (f.name for f in dataclasses.fields(Degradation) if f.name.endswith("_chance")), 0.0
    )
)


def noise(seed: int, frames: int = RATE_HZ):
    return (0.1 * np.random.default_rng(seed).standard_normal(frames)).astype(np.float32)


def levels_db(audio, edges_hz):
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    hertz = np.fft.rfftfreq(len(audio), 1 / RATE_HZ)
    parts = [power[(hertz >= low) & (hertz < high)].mean() for low, high in edges_hz]
    return 10 * np.log10(np.asarray(parts) + 1e-20)


@pytest.mark.parametrize("filter_chance", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(12))
def test_the_band_ends_where_it_is_said_to(filter_chance: float, seed: int) -> None:
    chances = dataclasses.replace(NEVER, filter_chance=filter_chance)
    narrowed, cutoff_hz = narrow(noise(seed), chances, TASK, np.random.default_rng(seed))
    assert 2_000 <= cutoff_hz <= 16_000
    kept, gone = levels_db(narrowed, [(200, 0.5 * cutoff_hz), (1.25 * cutoff_hz, 24_000)])
    assert kept - gone > 30.0


@pytest.mark.parametrize("filter_chance", [0.0, 1.0])
def test_what_is_kept_stays_in_place(filter_chance: float) -> None:
    chances = dataclasses.replace(NEVER, filter_chance=filter_chance, filters=("butterworth",))
    for seed in range(4):
        audio = noise(seed)
        narrowed, cutoff_hz = narrow(audio, chances, TASK, np.random.default_rng(seed))
        keep = np.fft.rfftfreq(len(audio), 1 / RATE_HZ) < 0.2 * cutoff_hz
        low, high = (np.fft.irfft(np.fft.rfft(x) * keep) for x in (narrowed, audio))
        error = (low - high)[4_800:-4_800]
        assert np.sqrt(np.mean(error**2) / np.mean(high**2)) < 0.02


def test_cutoffs_are_near_common_places_or_anywhere() -> None:
    rng = np.random.default_rng(0)
    common = dataclasses.replace(NEVER, common_band_chance=1.0, common_bands_hz=(4_000.0,))
    drawn = [draw_cutoff(common, TASK, rng) for _ in range(100)]
    assert min(drawn) >= 3_600
    assert max(drawn) <= 4_000
    anywhere = np.log2([draw_cutoff(NEVER, TASK, rng) for _ in range(2_000)])
    counts = np.histogram(anywhere, np.log2([2_000, 4_000, 8_000, 16_000]))[0]
    assert counts.min() > 580  # of 667 in each octave


@pytest.mark.parametrize("codec", ["ulaw", "gsm", "opus", "mp3"])
def test_codecs_keep_the_length(codec: str) -> None:
    chances = dataclasses.replace(NEVER, codec_chance=1.0, codecs=(codec,))
    narrowed, cutoff_hz = narrow(noise(1, 30_000), chances, TASK, np.random.default_rng(0))
    assert (narrowed.shape, narrowed.dtype) == ((30_000,), np.float32)
    assert levels_db(narrowed, [(1.3 * cutoff_hz, 24_000)])[0] < -20


def test_input_target_and_cutoff_belong_together() -> None:
    frames = 24_000
    audio = noise(3, frames + 2 * margin_frames(TASK))
    low, high, cutoff_hz = degrade(audio, NEVER, TASK, np.random.default_rng(5))
    assert low.shape == high.shape == (frames,)
    correlation = np.correlate(high, low[4_000:-4_000], "valid")
    assert np.argmax(correlation) == 4_000
    assert levels_db(low, [(1.25 * cutoff_hz, 24_000)])[0] < levels_db(high, [(0, 24_000)])[0] - 30


def test_the_loss_asks_nothing_below_the_cutoff() -> None:
    audio = torch.randn(1, 1, 19_200, generator=torch.Generator().manual_seed(0))
    spectrum, hertz = torch.fft.rfft(audio), torch.fft.rfftfreq(19_200, 1 / RATE_HZ)
    changed = torch.fft.irfft(torch.where(hertz < 6_000, 3 * spectrum, spectrum), 19_200)
    loss = SpectralLoss(Loss(waveform=0.0, convergence=0.0), TASK)
    full = torch.tensor([24_000.0])
    assert loss(changed, audio, full, torch.tensor([8_000.0])).log.item() < 0.01
    assert loss(changed, audio, full, torch.tensor([4_000.0])).log.item() > 0.1
