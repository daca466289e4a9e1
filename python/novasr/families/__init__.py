"""Families of networks: a folder holds all that one architecture needs in PyTorch and in ONNX."""

from __future__ import annotations

import math
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from novasr import _native
from novasr.errors import ParameterError, WeightsError

if TYPE_CHECKING:
    from novasr.families.cuda_family import CudaFamily
    from novasr.families.onnx_family import OnnxFamily
    from novasr.families.torch_family import TorchFamily


@lru_cache(maxsize=1)
def families() -> dict[str, _native.Family]:
    """Give what the native engine knows of each family by its name, the default one first."""
    return {family["name"]: family for family in _native.families()}


#: Families without a native form: they refine whole recordings.
OFFLINE_FAMILIES = ("studio",)


def default_family() -> str:
    """Name the family of the weights in this package."""
    return next(iter(families()))


def family(name: str) -> _native.Family:
    """Describe a family.

    Raises
    ------
    WeightsError
        If this version has none of that name.
    """
    if name in OFFLINE_FAMILIES:
        from novasr.weights.torch_runtime import require_torch

        require_torch("studio")
        described: _native.Family = import_module(f"novasr.families.{name}").description()
        return described
    try:
        return families()[name]
    except KeyError:
        known = ", ".join((*families(), *OFFLINE_FAMILIES))
        msg = f"needs the model family {name!r}, which this version does not have; it has {known}"
        raise WeightsError(msg) from None


def value_count(name: str) -> int:
    """Count the values of a family's tensors."""
    return sum(math.prod(shape) for shape in family(name)["tensors"].values())


def torch_families() -> list[str]:
    """Name the families that have a PyTorch form, without importing it."""
    names = (*families(), *OFFLINE_FAMILIES)
    return [name for name in names if find_spec(f"novasr.families.{name}") is not None]


def in_torch(name: str) -> TorchFamily:
    """Import the PyTorch form of a family: its networks, its task and what training needs.

    Raises
    ------
    WeightsError
        If it has none.
    """
    try:
        return cast("TorchFamily", import_module(f"novasr.families.{name}"))
    except ModuleNotFoundError as error:
        if error.name != f"novasr.families.{name}":
            raise
        msg = f"the model family {name!r} has no PyTorch form: use engine='native'"
        raise WeightsError(msg) from error


def in_onnx(name: str) -> OnnxFamily:
    """Import the ONNX form of a family, which needs the package onnx.

    Raises
    ------
    WeightsError
        If it has none.
    """
    module = f"novasr.families.{name}.onnx_model"
    try:
        return cast("OnnxFamily", import_module(module))
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        msg = f"the model family {name!r} has no ONNX form: export other weights, or .safetensors"
        raise WeightsError(msg) from error


def in_cuda(name: str) -> CudaFamily:
    """Import the form of a family for GPUs.

    Raises
    ------
    ParameterError
        If it has none.
    """
    module = f"novasr.families.{name}.cuda"
    try:
        return cast("CudaFamily", import_module(module))
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        msg = f"the model family {name!r} has no form for GPUs: use engine='native'"
        raise ParameterError(msg) from error
