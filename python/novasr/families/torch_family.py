"""What loading, export and training ask of a model family in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from novasr.families.task import Task
    from novasr.training.recipe import Recipe

Forward = Callable[[Any, "Tensor", "Tensor"], "Tensor"]


class TorchFamily(Protocol):
    """The names of a module ``novasr.families.NAME``.

    Others are optional. ``training_forward(network, audio, cutoffs_hz)`` is for networks that, in training, draw
    something or are told where the input's band ends; ``fast_forward(network, audio)`` computes what
    ``network(audio)`` does, faster on a CPU (see :func:`forward_of`); ``finish(network)`` corrects a network
    in place whose weights were rounded to float16 (see :func:`finish`); ``uses_per_second(tensor)`` tells how often a
    second of audio is multiplied by each value of a tensor; ``prepare(batch, recipe)`` turns the clips of a step into
    what ``Objective(recipe, device)``, the family's own loss, descends
    (:class:`novasr.training.objective.Objective`); ``description()`` stands for the native engine's, for a family that
    it does not have.

    Attributes
    ----------
    TASK : Task
        Rates and band.
    Network : type of torch.nn.Module
        Maps (batch, 1, frames) at the low rate to at most ``TASK.ratio`` times as many frames at the high
        one, aligned at the start. Its state dict has the family's tensors.
    """

    TASK: Task
    Network: type[Module]

    @staticmethod
    def StreamingNetwork(network: Module) -> Module:
        """Make the streaming form that TorchScript is exported from; docs/torchscript.md states its methods."""

    @staticmethod
    def initial_network(recipe: Recipe) -> Module:
        """Draw the weights of an untrained network; the same for the same seed."""


def forward_of(family: TorchFamily, device: str = "cpu") -> Forward:
    """Give the fastest way to train a family's network on a device: its own, or PyTorch's."""
    own: Forward | None = getattr(family, "training_forward", None)
    if own is not None:
        return own
    fast = getattr(family, "fast_forward", None)
    if device == "cpu" and fast is not None:
        return lambda network, audio, cutoffs_hz: fast(network, audio)
    return plain_forward


def plain_forward(network: Module, audio: Tensor, cutoffs_hz: Tensor) -> Tensor:
    """Run the network as it is."""
    output: Tensor = network(audio)
    return output


def finish(family: TorchFamily, network: Module) -> None:
    """Let a family correct a network whose weights were rounded to float16."""
    hook = getattr(family, "finish", None)
    if hook is not None:
        hook(network)
