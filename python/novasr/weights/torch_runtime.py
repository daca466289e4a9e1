"""PyTorch and the LibTorch engine of the package novasr-torch, imported only when something needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from novasr.errors import MissingPackageError, StreamError, install_command


def require_torch(extra: str = "torch") -> Any:
    """Import PyTorch, or say how to get it.

    Parameters
    ----------
    extra : str
        The optional dependency of novasr that brings it.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        msg = f"this needs PyTorch: {install_command(extra)}"
        raise MissingPackageError(msg) from error
    return torch


def find_torch_engine() -> Path | None:
    """Give the library of the LibTorch engine, if novasr-torch is installed."""
    try:
        import novasr_torch
    except ImportError:
        return None
    return novasr_torch.LIBRARY


def require_torch_engine() -> Path:
    """Import the PyTorch that the LibTorch engine was built against, and give the engine's library.

    Raises
    ------
    MissingPackageError
        If novasr-torch or PyTorch is not installed.
    StreamError
        If PyTorch is of another version: its C++ interface changes with every release, and loading the
        wrong one ends in a missing symbol.
    """
    library = find_torch_engine()
    if library is None:
        msg = f"the LibTorch engine is not installed: {install_command('torch')}"
        raise MissingPackageError(msg)
    import novasr_torch

    running = require_torch().__version__.partition("+")[0]
    if running != novasr_torch.TORCH_VERSION:
        built = novasr_torch.TORCH_VERSION
        msg = (
            f"the LibTorch engine was built for torch {built}, but torch {running} is installed: "
            f"pip install torch=={built}, or use engine='native'"
        )
        raise StreamError(msg)
    return library
