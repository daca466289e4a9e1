"""PyTorch, imported only when something needs it and checked against what the extension was built for."""

from __future__ import annotations

from typing import Any

from novasr import _native
from novasr.errors import MissingPackageError, StreamError, install_command


def require_torch() -> Any:
    """Import PyTorch, or say how to get it.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        msg = f"this needs PyTorch: {install_command('torch')}"
        raise MissingPackageError(msg) from error
    return torch


def require_matching_torch() -> Any:
    """Import the PyTorch that the LibTorch engine was built against.

    Raises
    ------
    StreamError
        If the engine was not built, or PyTorch is missing (MissingPackageError) or of another version: its C++
        interface changes with every release, and loading the wrong one ends in a missing symbol.
    """
    built = _native.torch_version
    if built is None:
        msg = "this build of novasr has no LibTorch engine; use engine='native'"
        raise StreamError(msg)
    torch = require_torch()
    running = torch.__version__.partition("+")[0]
    if running != built:
        msg = (
            f"the LibTorch engine was built for torch {built}, but torch {running} is installed: "
            f"pip install torch=={built}, or use engine='native'"
        )
        raise StreamError(msg)
    return torch
