"""The device that computes: a CUDA GPU, or, to check the kernel without one, the CPU with Triton's interpreter."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from novasr.errors import StreamError
from novasr.weights.torch_runtime import require_torch

if TYPE_CHECKING:
    import torch


def find_device() -> torch.device:
    """Choose the current CUDA device, or the CPU if ``TRITON_INTERPRET=1`` is set.

    Raises
    ------
    MissingPackageError
        If PyTorch is not installed.
    StreamError
        If there is no device that PyTorch can use; the message says why.
    """
    require_torch("cuda")
    import torch

    if interprets():
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    if torch.version.cuda is None:
        reason = f"torch {torch.__version__} is built without CUDA: install a CUDA build of it (pytorch.org)"
    else:
        reason = "no NVIDIA GPU or driver is found: see nvidia-smi"
    raise StreamError(f"engine='cuda' cannot run here: {reason}; or use engine='native'")


def interprets() -> bool:
    """Tell whether Triton's kernels are interpreted, on the CPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def has_triton() -> bool:
    """Tell whether the fused kernel can run."""
    return find_spec("triton") is not None
