"""Modules under the names that they had before: for one version these import, and warn."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "novasr.analysis": "novasr.audio.analysis",
    "novasr.benchmark": "novasr.evaluation.benchmark",
    "novasr.checkpoints": "novasr.weights.load",
    "novasr.datasets": "novasr.training.datasets",
    "novasr.effect": "novasr.plugin.effect",
    "novasr.export": "novasr.weights.export",
    "novasr.files": "novasr.offline.files",
    "novasr.live.engine": "novasr.live.audio_process",
    "novasr.model": "novasr.families.novasr",
    "novasr.model.layers": "novasr.families.novasr.layers",
    "novasr.model.network": "novasr.families.novasr.network",
    "novasr.model.streaming": "novasr.families.novasr.streaming",
    "novasr.plot": "novasr.audio.plot",
    "novasr.plugin_install": "novasr.plugin.install",
    "novasr.plugin_state": "novasr.plugin.state",
}


class _Moved:
    """Imports the module of today and lets the old name stand for it, too.

    A finder and loader without the base classes of importlib.abc, whose import would double that of novasr.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in MOVED else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        message = f"{old} is now {MOVED[old]}: the next version drops the old name"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        sys.modules[old] = import_module(MOVED[old])


def find_moved_modules() -> None:
    """Make the old names importable; ahead of all others, for a package that moved finds its old parts."""
    sys.meta_path.insert(0, _Moved())
