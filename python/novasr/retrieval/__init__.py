"""Banks of real high bands: what lies above the cut-off is looked up by what lies below.

PyTorch and FAISS are imported when a name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from novasr.families.late_names import late_names
from novasr.weights.torch_runtime import require_torch

if TYPE_CHECKING:
    from novasr.retrieval.bank import Bank, Retrieved

# Name here -> module and name there.
_HOMES = {"Bank": ("bank", "Bank"), "Retrieved": ("bank", "Retrieved")}

__all__ = ["Bank", "Retrieved"]

_late = late_names(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        require_torch("studio")
    return _late(name)
