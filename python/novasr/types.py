"""Types that several modules share; to import them costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Audio, weights, levels: all that the core computes with.
FloatArray: TypeAlias = "NDArray[np.float32]"
DoubleArray: TypeAlias = "NDArray[np.float64]"
AnyFloatArray: TypeAlias = "NDArray[np.floating[Any]]"

Engine: TypeAlias = Literal["auto", "native", "torch"]
#: Engines for whole recordings: those of streams, and a GPU.
OfflineEngine: TypeAlias = Literal["auto", "native", "torch", "cuda"]
#: A model whose weights are in this package.
ModelName: TypeAlias = Literal["base", "wide"]
#: Models for whole recordings: those of streams, and "wide" with what a bank adds.
OfflineModelName: TypeAlias = Literal["base", "wide", "studio"]
Mode: TypeAlias = Literal["extend", "full"]
FrontEnd: TypeAlias = Literal["clean", "reference"]
#: Width of stored samples.
Subtype: TypeAlias = Literal["16", "24", "float"]
#: Of a result: in Hz, or that of its source.
OutputRate: TypeAlias = "int | Literal['source']"
#: Of a result: in dB, or as much as leaves no sample beyond full scale.
OutputGain: TypeAlias = "float | Literal['auto']"
