"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from novasr.errors import WeightsError
from novasr.families import in_torch
from novasr.training import checkpoint
from novasr.training.card import write_card
from novasr.training.clips import TrainingClips, fingerprint, prepared
from novasr.training.datasets import LeftOut, Recording, Tell
from novasr.training.objective import objective_of
from novasr.training.recipe import Recipe
from novasr.training.run_log import RunLog
from novasr.training.validate import Validation
from novasr.weights.save import rounded, save_weights

WEIGHTS_FILE = "weights.safetensors"
_TIMED_STEPS = 12
_TIMED_RECORDINGS = 64


@dataclass(frozen=True)
class Progress:
    """Progress of a run, passed to the caller after every step."""

    step: int
    steps: int
    loss: float
    validation_lsd: float | None  # the latest


def train(
    recordings: Sequence[Recording],
    validation: Sequence[Recording],
    output: Path,
    recipe: Recipe,
    *,
    steps: int | None = None,
    device: str = "cpu",
    save_every_seconds: float = 60.0,
    report: Callable[[Progress], None] = lambda progress: None,
    left_out: Tell | None = None,
) -> Path:
    """Train a network from scratch, or resume the run in `output`.

    Step n uses the same clips in every run with the same seed, and nothing else is random. On a CPU the same
    recipe and number of threads therefore give the same weights, interrupted or not.

    Parameters
    ----------
    recordings, validation : sequence of Recording
        From :func:`novasr.training.clips.gather`.
    output : path
        Folder of the run; made if it is missing.
    recipe : Recipe
        Family, data, degradation, loss and optimiser.
    steps : int, optional
        Instead of the recipe's.
    device : str
        ``"cpu"`` or ``"cuda"``, where the network is compiled by PyTorch.
    save_every_seconds : float
        Between checkpoints.
    report : callable
        Called after each step.
    left_out : callable, optional
        Called with the reason for each unreadable recording; without it the first one is raised.

    Returns
    -------
    Path
        The averaged weights, float16 safetensors.

    Raises
    ------
    WeightsError
        If `output` holds a run with another recipe or other recordings, or a damaged checkpoint.
    AudioFileError
        If too many recordings are unreadable.
    """
    unusable = LeftOut(len(recordings) + len(validation), left_out)
    clips = TrainingClips(recordings, recipe, unusable)
    used = fingerprint(clips.recordings, validation)
    run = _Run(recipe, steps or recipe.optimizer.steps, device, used)
    run.resume(output)
    batches = _batches(clips, run.step, run.steps, device)
    validator = Validation(validation, recipe, device, unusable)
    output.mkdir(parents=True, exist_ok=True)
    validate_every = max(1, min(500, run.steps // 10))
    lsd = validator.lsd(run.average) if run.step == run.steps else None
    saved = time.monotonic()
    with RunLog(output, run.step, clips.task.high_hz) as log:
        try:
            for batch in batches:
                rate = run.learning_rate
                terms = run.advance(batch)
                log.step(run.step, rate, terms, last=run.step == run.steps)
                if run.step % validate_every == 0 or run.step == run.steps:
                    lsd = validator.lsd(run.average)
                    log.validation(run.step, lsd, partial(validator.examples, run.average))
                    save_weights(run.average, output / WEIGHTS_FILE, recipe.family)
                if time.monotonic() - saved > save_every_seconds:
                    checkpoint.save(output, run.state())
                    saved = time.monotonic()
                report(Progress(run.step, run.steps, terms["total"], lsd))
        finally:
            if run.between_steps:  # else the last checkpoint is what can be repeated
                checkpoint.save(output, run.state())
    save_weights(run.average, output / WEIGHTS_FILE, recipe.family)
    write_card(output, clips.recordings, recipe, steps=run.steps, validation_lsd=lsd, device=device)
    return output / WEIGHTS_FILE


def score(
    output: Path,
    recordings: Sequence[Recording],
    recipe: Recipe,
    left_out: Tell | None = None,
) -> tuple[float | None, int]:
    """Measure the weights of the run in `output` on the first 4 s of other recordings.

    Returns
    -------
    float or None
        Mean log-spectral distance, over the common bands of a family that takes any; None if all are too short.
    int
        How many recordings that is.

    Raises
    ------
    WeightsError
        If there is no run in `output`.
    AudioFileError
        If too many recordings are unreadable.
    """
    state = checkpoint.load(output)
    if state is None:
        raise WeightsError(f"{output}: holds no run")
    network = in_torch(recipe.family).initial_network(recipe)
    network.load_state_dict(state["average"])
    unusable = LeftOut(len(recordings), left_out)
    every_one = Validation(recordings, recipe, "cpu", unusable, most=max(1, len(recordings)))
    return every_one.lsd(rounded(network, recipe.family)), every_one.recordings


def steps_in(
    minutes: float,
    recordings: Sequence[Recording],
    output: Path,
    recipe: Recipe,
    device: str = "cpu",
) -> int:
    """Estimate how many steps fit in `minutes` on this machine.

    The pace of a few timed steps is rounded down to a power of two per minute so that repeated runs agree.
    A run in `output` keeps its number of steps.
    """
    state = checkpoint.load(output)
    if state is not None:
        return int(state["steps"])
    run = _Run(recipe, _TIMED_STEPS, device, "")
    ends = []
    timed = recordings[:_TIMED_RECORDINGS]
    unusable = LeftOut(len(timed), lambda reason: None)  # train reports them
    clips = TrainingClips(timed, recipe, unusable)
    for batch in _batches(clips, 0, _TIMED_STEPS, device):
        run.advance(batch)
        ends.append(time.monotonic())
    seconds = sorted(end - start for start, end in pairwise(ends))
    pace = 60.0 / seconds[len(seconds) // 2]
    return max(1, int(minutes * 2.0 ** math.floor(math.log2(pace))))


def _batches(clips: TrainingClips, start: int, end: int, device: str) -> DataLoader[Any]:
    return DataLoader(
        prepared(clips),
        batch_size=None,
        sampler=range(start, end),
        num_workers=1,
        prefetch_factor=4,
        pin_memory=device != "cpu",
    )


class _Run:
    """The state of a run: networks, optimisers and the number of steps done."""

    def __init__(self, recipe: Recipe, steps: int, device: str, fingerprint: str) -> None:
        self.recipe, self.steps, self.device, self.fingerprint = recipe, steps, device, fingerprint
        self.step = 0
        self.between_steps = True
        family = in_torch(recipe.family)
        self.network = family.initial_network(recipe).to(device)
        self.average = family.initial_network(recipe).to(device)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), recipe.optimizer.learning_rate, recipe.optimizer.betas
        )
        self.objective = objective_of(recipe, device)

    @property
    def learning_rate(self) -> float:
        """Warm-up, then one or more half cosines (I. Loshchilov, F. Hutter, SGDR, ICLR 2017)."""
        o = self.recipe.optimizer
        warm = min(1.0, (self.step + 1) / o.warm_up)
        cycle, done, length = 0, self.step, round(o.cycles[0] * self.steps)
        while done >= length and cycle < len(o.cycles) - 1:
            cycle, done = cycle + 1, done - length
            length = round(o.cycles[cycle] * self.steps)
        cosine = 0.5 + 0.5 * math.cos(math.pi * min(done / length, 1.0))
        peak = o.learning_rate * o.later_rates**cycle
        return peak * warm * (o.final_share + (1 - o.final_share) * cosine)

    def advance(self, batch: Any) -> dict[str, float]:
        """Do one step and return the terms of the loss."""
        self.between_steps = False
        on_device = type(batch)(*(part.to(self.device) for part in batch))
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        terms = self.objective.terms(self.network, on_device, self.step, self.steps)
        logged = {name: float(value.detach()) for name, value in terms.items()}
        self.optimizer.zero_grad(set_to_none=True)
        terms["total"].backward()  # type: ignore[no-untyped-call]
        parameters = list(self.network.parameters())
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.recipe.optimizer.clip_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
        self.step += 1
        self._move_average()
        self.between_steps = True
        return logged

    @torch.no_grad()
    def _move_average(self) -> None:
        decay = min(self.recipe.optimizer.average, self.step / (self.step + 10.0))
        pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
        for mean, value in pairs:
            mean.lerp_(value, 1.0 - decay)

    def state(self) -> dict[str, Any]:
        """Return what :meth:`resume` needs."""
        return {
            "recipe": checkpoint.plain(self.recipe),
            "steps": self.steps,
            "recordings": self.fingerprint,
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "objective": self.objective.state(),
        }

    def resume(self, folder: Path) -> None:
        """Resume the run in `folder`, if there is one."""
        state = checkpoint.load(folder)
        if state is None:
            return
        if state["recipe"] != checkpoint.plain(self.recipe) or state["steps"] != self.steps:
            msg = (
                f"{folder}: holds a run with another recipe or number of steps "
                f"({state['steps']}); choose another --output or remove it"
            )
            raise WeightsError(msg)
        if state["recordings"] != self.fingerprint:
            msg = (
                f"{folder}: holds a run on other recordings; give the same folders, choose another "
                "--output, or remove it"
            )
            raise WeightsError(msg)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.objective.restore(state["objective"])
