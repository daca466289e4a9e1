"""The family `studio`: frames, latents, noise and network, each against what it promises."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf
import torch

from novasr.families.studio.architecture import (
    CROSSOVER_START,
    FRAME,
    HIGH_BANDS,
    LATENT,
    LOW_BANDS,
    NOISE_SHARE,
    POWER_FLOOR,
    SCALE,
)
from novasr.families.studio.bands import high_centres_hz
from novasr.families.studio.conditions import situation
from novasr.families.studio.flow import integrate, noise
from novasr.families.studio.frames import Frames, Levels, whole_frames
from novasr.families.studio.local import local_mean
from novasr.families.studio.network import StudioNetwork, silent_f0
from novasr.families.studio.training import initial_network
from novasr.offline.refining import MARGIN_FRAMES

SPEECH = Path(__file__).parents[3] / "docs" / "audio" / "speech-48k.flac"
CUTOFFS_HZ = [2_000.0, 4_000.0, 8_000.0, 16_000.0]
_DB = 10 / np.log(10)


@pytest.fixture(scope="module")
def speech() -> torch.Tensor:
    """(1, samples), a whole number of frames."""
    audio, _ = sf.read(SPEECH, dtype="float32", frames=128 * FRAME)
    return torch.from_numpy(audio)[None]


@pytest.fixture(scope="module")
def network() -> StudioNetwork:
    """Weights with which every layer matters."""
    network = initial_network(SimpleNamespace(seed=3, flow=SimpleNamespace(f0="none"))).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        leave = network.velocity.leave.weight
        leave.copy_(0.05 * torch.randn(leave.shape, generator=generator))
    return network


def course(cutoff_hz: float, frames: int = 128) -> torch.Tensor:
    return torch.full((1, frames), cutoff_hz)


class TestFrames:
    def test_no_change_of_levels_gives_the_same_bits(self, speech):
        same = Frames().shaped(speech, torch.zeros(1, HIGH_BANDS, 128), course(4_000.0))
        assert torch.equal(same, speech)

    @pytest.mark.parametrize("cutoff_hz", CUTOFFS_HZ)
    @pytest.mark.parametrize("change_db", [-12.0, 6.0])
    def test_levels_above_the_cut_off_change_by_what_is_asked(self, speech, cutoff_hz, change_db):
        frames = Frames()
        change = torch.full((1, HIGH_BANDS, 128), change_db / _DB)
        made = frames.shaped(speech, change, course(cutoff_hz))
        before, after = (frames.levels(audio).high[0, :, 4:-4] for audio in (speech, made))
        heard = before > np.log(POWER_FLOOR) + 5
        heard &= torch.from_numpy(high_centres_hz())[:, None] > cutoff_hz + 300
        assert _DB * (after - before)[heard].mean() == pytest.approx(
            change_db, abs=0.2
        )  # smoothed over the edge
        assert _DB * (after - before)[heard].std() < 0.7  # what a window's neighbours leave

    @pytest.mark.parametrize("cutoff_hz", CUTOFFS_HZ[1:])
    def test_what_is_below_the_cut_off_stays(self, speech, cutoff_hz):
        """To 40 dB below 0.9 of it, even for changes that jump from frame to frame."""
        generator = torch.Generator().manual_seed(1)
        change = 2 * torch.randn((1, HIGH_BANDS, 128), generator=generator)
        made = Frames().shaped(speech, change, course(cutoff_hz))
        spectrum, error = (torch.fft.rfft(x) for x in (speech, made - speech))
        below = torch.fft.rfftfreq(speech.shape[-1], 1 / 48_000) < 0.9 * cutoff_hz
        ratio = spectrum[:, below].abs().square().sum() / error[:, below].abs().square().sum()
        assert 10 * torch.log10(ratio) > 40

    def test_levels_of_parts_are_those_of_the_whole(self, speech):
        """But for the frames at the cut, whose windows reach over it."""
        frames = Frames()
        whole, part = (frames.levels(audio) for audio in (speech, speech[:, 64 * FRAME :]))
        for one, other in zip(whole, part, strict=True):
            assert one[..., 66:] == pytest.approx(other[..., 2:], abs=1e-4)

    def test_lengths(self):
        assert [whole_frames(n) for n in (0, 1, 2 * FRAME, 2 * FRAME + 1)] == [
            0,
            2 * FRAME,
            2 * FRAME,
            4 * FRAME,
        ]


class TestSituation:
    def levels(self, seed: int = 0, frames: int = 400) -> Levels:
        random = torch.Generator().manual_seed(seed)
        high, low = (torch.randn((1, n, frames), generator=random) for n in (HIGH_BANDS, LOW_BANDS))
        return Levels(high - 5, low)

    def test_loudness_does_not_matter_to_relative_levels(self):
        levels = self.levels()
        louder = Levels(levels.high + 3, levels.low + 3)
        quiet, loud = (
            situation(each, course(8_000.0, 400), torch.zeros(1, 2, 400))
            for each in (levels, louder)
        )
        assert loud.guess == pytest.approx(quiet.guess, abs=1e-5)
        assert (loud.level - quiet.level).mean() == pytest.approx(3, abs=1e-4)

    @pytest.mark.parametrize("cutoff_hz", CUTOFFS_HZ)
    def test_above_are_the_bands_above_the_cut_off(self, cutoff_hz):
        known = situation(self.levels(), course(cutoff_hz, 400), torch.zeros(1, 2, 400))
        expected = high_centres_hz() > CROSSOVER_START * cutoff_hz
        assert torch.equal(known.above[0, :, 7].bool(), torch.from_numpy(expected))


class TestFlow:
    def test_a_frame_has_its_noise_wherever_a_stretch_begins(self):
        whole = noise(0, 500)
        assert whole.shape == (1, LATENT, 500)
        for first, frames in ((0, 1), (0, 64), (64, 200), (37, 111), (499, 1)):
            assert torch.equal(noise(first, frames), whole[..., first : first + frames])

    def test_noise_is_normal_and_differs_by_seed(self):
        drawn = noise(0, 4_000)
        assert drawn.mean() == pytest.approx(0, abs=0.01)
        assert drawn.std() == pytest.approx(1, abs=0.01)
        correlation = (drawn * noise(0, 4_000, seed=1)).mean()
        assert correlation == pytest.approx(0, abs=0.02)

    @pytest.mark.parametrize("steps", [1, 2, 4, 8])
    def test_a_straight_path_arrives_in_any_number_of_steps(self, steps):
        start, end = noise(0, 16), noise(100, 16)
        made = integrate(lambda place, time: end - start, start, steps)
        assert made == pytest.approx(end, abs=1e-5)

    def test_more_steps_follow_a_bend_more_closely(self):
        """dz/dt = z from 1 leads to e."""
        start = torch.ones(1, LATENT, 2)
        errors = [
            float((integrate(lambda z, time: z, start, steps) - np.e).abs().max())
            for steps in (1, 2, 4, 8)
        ]
        assert errors == sorted(errors, reverse=True)
        assert errors[-1] < 0.16  # (1 + 1/8)^8


class TestNetwork:
    def refined(self, network, audio, cutoff_hz=4_000.0, **settings):
        with torch.inference_mode():
            return network(audio[:, None], torch.full((len(audio),), cutoff_hz), **settings)[:, 0]

    def test_before_training_latents_hold_slow_curves_over_the_bands(self, network):
        ramp = torch.linspace(-1, 1, HIGH_BANDS)[None, :, None].expand(1, -1, 32)
        with torch.inference_mode():
            first = network.autoencoder.inverse(network.autoencoder.transform(ramp))
        assert first == pytest.approx(ramp, abs=0.05)

    def test_averages_over_a_second_stay_the_guess_s(self, network, speech):
        known = situation(network.frames.levels(speech), course(4_000.0), silent_f0(speech, 128))
        drift = torch.ones(1, LATENT, 128).cumsum(-1) / 16
        latents = drift + noise(0, 128)
        with torch.inference_mode():
            made = network.autoencoder.decode(latents, known.above, known.guess) * known.above
            change = network.change(known, latents) / SCALE
        middle = slice(48, -48)
        assert local_mean(made)[..., middle].abs().max() > 0.5
        assert local_mean(change)[..., middle].abs().max() < 0.1
        fast = (made - local_mean(made))[..., middle]
        assert change[..., middle] == pytest.approx(fast, abs=1e-5)

    def test_a_share_of_the_noise_is_used(self, network, speech):
        known = situation(network.frames.levels(speech), course(4_000.0), silent_f0(speech, 128))
        start = noise(0, 128)
        with torch.inference_mode():
            made = network.generate(known, start, 1)
            first = NOISE_SHARE * start
            velocity = network.velocity(first, torch.zeros(1), known.rest)
        assert torch.equal(made, first + velocity)

    def test_bands_below_the_cut_off_do_not_reach_the_latents(self, network):
        levels = torch.randn((1, HIGH_BANDS, 32), generator=torch.Generator().manual_seed(1))
        above = (torch.arange(HIGH_BANDS) >= 30).float()[None, :, None].expand(1, -1, 32)
        changed = levels + 3 * (1 - above)
        with torch.inference_mode():
            one, other = (network.autoencoder.encode(each, above) for each in (levels, changed))
        assert torch.equal(one, other)

    @pytest.mark.parametrize("samples", [1, 511, 5_000, 30_001])
    def test_any_length(self, network, speech, samples):
        assert self.refined(network, speech[:, :samples]).shape == (1, samples)

    def test_recordings_of_a_batch_do_not_meet(self, network, speech):
        both = torch.cat([speech, 0.3 * speech.flip(1)])
        together = self.refined(network, both)
        alone = torch.cat([self.refined(network, one[None]) for one in both])
        assert together == pytest.approx(alone, abs=2e-6)

    def test_louder_in_louder_out(self, network, speech):
        loud, quiet = (self.refined(network, gain * speech) for gain in (1.0, 0.25))
        difference = loud - 4 * quiet
        assert (
            difference.square().mean() < 1e-4 * loud.square().mean()
        )  # floors and the level's own condition

    def test_silence_stays_silent(self, network):
        assert not self.refined(network, torch.zeros(1, 20_000)).any()

    def test_steps_matter(self, network, speech):
        assert not torch.equal(
            self.refined(network, speech), self.refined(network, speech, steps=4)
        )

    def test_a_tile_hears_less_than_its_margin(self, network):
        """What lies further away than the margin cannot change a frame's latents: seams are exact."""
        frames = 2 * MARGIN_FRAMES + 2
        random = torch.Generator().manual_seed(5)
        high = torch.randn((1, HIGH_BANDS, frames), generator=random)
        low = torch.randn((1, LOW_BANDS, frames), generator=random)
        middle = MARGIN_FRAMES
        cutoffs, f0 = course(4_000.0, frames), torch.zeros(1, 2, frames)
        made = []
        for level in (0.0, 3.0):
            changed = low.clone()
            changed[..., 0] += level
            changed[..., -1] += level
            known = situation(Levels(high, changed), cutoffs, f0)
            with torch.inference_mode():
                change = network.change(known, network.generate(known, noise(0, frames), 1))
            made.append(change[..., middle : middle + 2])
        assert made[0] == pytest.approx(made[1], abs=1e-5)
        near = low.clone()
        near[..., middle + 20] += 3.0  # control: what is near is heard
        known = situation(Levels(high, near), cutoffs, f0)
        with torch.inference_mode():
            change = network.change(known, network.generate(known, noise(0, frames), 1))
        assert (change[..., middle : middle + 2] - made[0]).abs().max() > 1e-3
