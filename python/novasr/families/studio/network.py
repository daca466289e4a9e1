"""The model: a first guess by the model wide, whose levels above the cut-off a flow changes."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from novasr.families.studio.architecture import NOISE_SHARE, RATE_HZ, SCALE
from novasr.families.studio.autoencoder import Autoencoder
from novasr.families.studio.conditions import Situation, situation
from novasr.families.studio.flow import integrate, noise
from novasr.families.studio.frames import Frames, whole_frames
from novasr.families.studio.local import deviation
from novasr.families.studio.velocity import VelocityNetwork


class StudioNetwork(nn.Module):
    """A flow that generates how levels above the cut-off depart from a first guess's, as an autoencoder's latents.

    Parameters
    ----------
    f0 : str
        Method of :func:`novasr.f0.track` whose fundamental it is told, or ``"none"``.
    """

    input_rate = RATE_HZ
    output_rate = RATE_HZ

    def __init__(self, f0: str = "none") -> None:
        super().__init__()
        self.metadata = {"f0": f0}
        self.frames = Frames()
        self.autoencoder = Autoencoder()
        self.velocity = VelocityNetwork()

    def forward(
        self, guess: Tensor, cutoffs_hz: Tensor, f0: Tensor | None = None, steps: int = 1
    ) -> Tensor:
        """Refine whole recordings.

        Parameters
        ----------
        guess : Tensor, shape (batch, 1, frames)
            What the model wide makes of them: 48 kHz, full scale at 1.0.
        cutoffs_hz : Tensor, shape (batch,)
            Where the input's band ends.
        f0 : Tensor, shape (batch, 2, model_frames), optional
            See :func:`situation`; by default nothing is known of it.
        steps : int
            Of the flow.

        Returns
        -------
        Tensor, shape (batch, 1, frames)
            48 kHz: below the cut-off the same.
        """
        frames = guess.shape[-1]
        audio = F.pad(guess[:, 0], (0, whole_frames(frames) - frames))
        levels = self.frames.levels(audio)
        count = levels.high.shape[-1]
        cutoffs = cutoffs_hz[:, None].expand(-1, count)
        known = situation(levels, cutoffs, silent_f0(audio, count) if f0 is None else f0)
        start = noise(0, count).to(audio).expand(len(audio), -1, -1)
        change = self.change(known, self.generate(known, start, steps))
        return self.frames.shaped(audio, change, cutoffs)[:, None, :frames]

    @property
    def f0(self) -> str:
        """Method of the fundamental, which the weights' file names."""
        return self.metadata.get("f0", "none")

    def generate(self, known: Situation, start: Tensor, steps: int) -> Tensor:
        """Turn NOISE_SHARE of noise into latents, both (batch, LATENT, frames), an even number of frames."""
        start = NOISE_SHARE * start
        return integrate(lambda z, time: self.velocity(z, time, known.rest), start, steps)

    def departure(self, known: Situation, latents: Tensor) -> Tensor:
        """Tell how relative levels depart from the first guess's: (batch, HIGH_BANDS, frames)."""
        made = self.autoencoder.decode(latents, known.above, known.guess)
        return deviation(made * known.above) * known.above

    def change(self, known: Situation, latents: Tensor) -> Tensor:
        """Tell by how much levels are to differ from the first guess's: (batch, HIGH_BANDS, frames).

        In natural logarithms of power. Averages over a second stay: nothing tells them better than the guess.
        """
        return SCALE * self.departure(known, latents)


def silent_f0(audio: Tensor, frames: int) -> Tensor:
    """Give what stands for an unknown fundamental: (batch, 2, frames)."""
    return audio.new_zeros((len(audio), 2, frames))
