"""What training asks of the family: clips as band levels, and a loss in three stages."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from novasr.families.studio.adversary import LevelAdversary
from novasr.families.studio.architecture import FRAME, LATENT, SCALE
from novasr.families.studio.bands import high_centres_hz
from novasr.families.studio.conditions import Situation, situation
from novasr.families.studio.frames import Frames, Levels, whole_frames
from novasr.families.studio.local import deviation
from novasr.families.studio.network import StudioNetwork, silent_f0
from novasr.families.studio.pitch import fundamental
from novasr.families.wide import training_forward as wide_forward
from novasr.weights.load import load_model

if TYPE_CHECKING:
    from novasr.families.wide import WideNetwork
    from novasr.training.clips import Batch
    from novasr.training.recipe import Recipe

_SKIPPED_FRAMES = 48  # half a second, in which the first guess finds its averages
_BAND_MARGIN_HZ = 300.0  # a codec's slope below the measured end of a recording's band
_LOG10 = float(np.log(10))
_PATCH_FRAMES = (1, 8, 32)
_SIZE_WEIGHT = 0.01  # of latents that are larger than noise


class Clips(NamedTuple):
    """The clips of one step as band levels.

    Attributes
    ----------
    target : Tensor, shape (clips, HIGH_BANDS, frames)
        Levels of the recordings.
    high, low : Tensor, shape (clips, bands, frames)
        Levels of the first guess.
    cutoffs, bandwidths : Tensor, shape (clips,)
        Where the inputs' and the recordings' bands end, in Hz.
    f0 : Tensor, shape (clips, 2, frames)
        As for :func:`situation`.
    """

    target: Tensor
    high: Tensor
    low: Tensor
    cutoffs: Tensor
    bandwidths: Tensor
    f0: Tensor


def initial_network(recipe: Recipe) -> StudioNetwork:
    """Draw PyTorch's initial weights; the same for the same seed."""
    state = torch.get_rng_state()
    torch.manual_seed(recipe.seed)
    network = StudioNetwork(recipe.flow.f0)
    torch.set_rng_state(state)
    return network


def training_forward(network: StudioNetwork, audio: Tensor, cutoffs_hz: Tensor) -> Tensor:
    """Run both models on narrow audio, (batch, 1, frames)."""
    with torch.no_grad():
        guess = wide_forward(_wide().to(audio.device), audio, cutoffs_hz)
    frames = whole_frames(guess.shape[-1]) // FRAME
    output: Tensor = network(guess, cutoffs_hz, _tracks(guess[:, 0], frames, network.f0))
    return output


def prepare(batch: Batch, recipe: Recipe) -> Clips:
    """Turn clips into levels, in the process that loads them."""
    with torch.no_grad():
        guess = wide_forward(_wide(), batch.low, batch.cutoffs)[:, 0]
        frames = guess.shape[-1] // (2 * FRAME) * 2
        guess, high = (audio[..., : frames * FRAME] for audio in (guess, batch.high[:, 0]))
        levels, target = _frames().levels(guess), _frames().levels(high)
    f0 = _tracks(guess, frames, recipe.flow.f0)
    kept = slice(_SKIPPED_FRAMES, None)
    return Clips(
        target.high[..., kept],
        levels.high[..., kept],
        levels.low[..., kept],
        batch.cutoffs,
        batch.bandwidths,
        f0[..., kept],
    )


def _tracks(audio: Tensor, frames: int, method: str) -> Tensor:
    """Track F0 of (clips, samples) at so many frames, as for :func:`situation`."""
    if method == "none":
        return silent_f0(audio, frames)
    tracks = [fundamental(clip.cpu().numpy(), frames, method) for clip in audio]
    return torch.from_numpy(np.stack(tracks)).to(audio)


class Objective:
    """The loss: first of the autoencoder, then of the flow, then of a single step of it.

    The stages have the shares of the optimiser's cycles. The second is conditional flow matching with straight paths
    from noise (Y. Lipman et al., ICLR 2023; A. Tong et al., TMLR 2024). A single step of such a flow arrives at the
    mean of what it could have made, which has no texture. The third stage therefore trains the step itself, on half of
    the clips, by the energy score (T. Gneiting, A. Raftery, JASA 102, 2007): the distance of two results from the
    recording, less half their distance from each other, with which the distribution of the recordings scores best; a
    recipe's spread scales that half. The decoder learns with it. On the other clips the flow goes on.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe = recipe
        self.adversary = LevelAdversary(recipe, device) if recipe.loss.adversarial > 0 else None
        self.centres_hz = torch.from_numpy(high_centres_hz()).float().to(device)[:, None]

    def terms(
        self, network: StudioNetwork, clips: Clips, step: int, steps: int
    ) -> dict[str, Tensor]:
        """Give the terms of a step's loss; ``total`` is what to descend.

        Parameters
        ----------
        network : StudioNetwork
            In training.
        clips : Clips
            Of :func:`prepare`.
        step, steps : int
            This one, from 0 on, and how many there will be.
        """
        count = clips.high.shape[-1]
        cutoffs = clips.cutoffs[:, None].expand(-1, count)
        known = situation(Levels(clips.high, clips.low), cutoffs, clips.f0)
        inside = self.centres_hz < clips.bandwidths[:, None, None] - _BAND_MARGIN_HZ
        known = known._replace(above=known.above * inside)
        target = deviation((known.relative(clips.target) - known.guess) * known.above)
        random = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + step)
        first, second = (round(share * steps) for share in self.recipe.optimizer.cycles[:2])
        if step < first:
            return self._reconstruction(network, known, target, random, step / first)
        if step < first + second:
            return self._flow(network, known, target, random)
        return self._one_step(network, known, target, random)

    def _reconstruction(
        self,
        network: StudioNetwork,
        known: Situation,
        target: Tensor,
        random: torch.Generator,
        done: float,
    ) -> dict[str, Tensor]:
        latents = network.autoencoder.encode(target, known.above)
        most = self.recipe.flow.latent_noise * torch.rand((len(latents), 1, 1), generator=random)
        noisy = latents + (most * torch.randn(latents.shape, generator=random)).to(latents)
        departure = network.departure(known, noisy)
        distance = _distance(departure, target, known.above)
        size = F.relu(latents.square().mean() - 1)  # or they would grow to drown the noise
        terms = {"reconstruction": distance, "total": distance + _SIZE_WEIGHT * size}
        if self.adversary is not None and done >= self.recipe.loss.adversarial_from:
            made, real = (known.guess + change for change in (departure, target))
            terms["discriminator"] = self.adversary.learn(made.detach(), real, known)
            terms["adversarial"] = self.adversary.loss(made, real, known)
            terms["total"] = terms["total"] + terms["adversarial"]
        return terms

    def _flow(
        self, network: StudioNetwork, known: Situation, target: Tensor, random: torch.Generator
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            end = network.autoencoder.encode(target, known.above)
        start = torch.randn(end.shape, generator=random).to(end)
        time = torch.rand(len(end), generator=random).to(end)
        velocity = network.velocity(torch.lerp(start, end, time[:, None, None]), time, known.rest)
        loss = (velocity - (end - start)).square().mean()
        return {"flow": loss, "total": loss}

    def _one_step(
        self, network: StudioNetwork, known: Situation, target: Tensor, random: torch.Generator
    ) -> dict[str, Tensor]:
        flow = self._flow(network, known.part(1), target[1::2], random)["flow"]
        jumps, wanted = known.part(0), target[::2]
        shape = (len(wanted), LATENT, wanted.shape[-1])
        now = wanted.new_zeros(len(wanted))
        made = []
        for _ in range(2):
            start = torch.randn(shape, generator=random).to(wanted)
            latents = start + network.velocity(start, now, jumps.rest)
            made.append(network.departure(jumps, latents))
        near = sum((patch_distance(one, wanted, jumps.above) for one in made), flow.new_zeros(()))
        apart = patch_distance(made[0], made[1], jumps.above)
        score = near / 2 - self.recipe.flow.spread * apart / 2
        return {"flow": flow, "one_step": score, "total": flow + score}

    def state(self) -> dict[str, Any]:
        """Return what :meth:`restore` needs."""
        return {"adversary": None if self.adversary is None else self.adversary.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Load a saved state."""
        if self.adversary is not None:
            self.adversary.restore(state["adversary"])


def patch_distance(made: Tensor, target: Tensor, above: Tensor) -> Tensor:
    """Give the mean Euclidean distance of patches of levels, and of their changes from frame to frame.

    Patches hold all bands above, and 1, 8 or 32 frames: each length sees another rate of modulation.
    """
    error = (made - target) * above
    changes = error.diff(dim=-1)
    distances = [_patches(error, above, frames) for frames in _PATCH_FRAMES]
    return torch.stack([*distances, _patches(changes, above, _PATCH_FRAMES[1])]).mean()


def _patches(error: Tensor, above: Tensor, frames: int) -> Tensor:
    """Root mean squares over the bands above and so many frames, in log10 of power, averaged."""
    square = (error * (SCALE / _LOG10)).square().sum(1) / above[..., 0].sum(1, keepdim=True).clamp(
        min=1
    )
    return (F.avg_pool1d(square, frames, max(1, frames // 2)) + 1e-4).sqrt().mean()


def _distance(made: Tensor, target: Tensor, above: Tensor) -> Tensor:
    """Give the log-spectral distance of the levels of the bands above: log10 of power."""
    square = ((made - target) * (SCALE / _LOG10)).square() * above
    return (square.sum(1) / above.sum(1).clamp(min=1) + 1e-4).sqrt().mean()


@lru_cache(maxsize=1)
def _wide() -> WideNetwork:
    return cast("WideNetwork", load_model("wide"))


@lru_cache(maxsize=1)
def _frames() -> Frames:
    return Frames()
