"""What tests need beside the package. Where it is missing they are skipped; in CI, where it belongs, they fail."""

from __future__ import annotations

import importlib
import os
import shutil
import warnings
from types import ModuleType
from typing import NoReturn

import pytest

IN_CI = os.environ.get("CI") == "true"


def missing(reason: str) -> NoReturn:
    """Skip the test, or the whole file where it is called at the top; fail if CI=true.

    Not for what a machine cannot have: no second core, no root, no AVX-512 is a plain skip.
    """
    if IN_CI:
        remedy = "with CI=true nothing may be missing: provide it, or unset CI to skip the test"
        pytest.fail(f"{reason}; {remedy}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def package(name: str, remedy: str) -> ModuleType:
    """Import what ``pip install '.[test]'`` brings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what it imports
            return importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: a library that it loads
        missing(f"{name} cannot be imported ({error}): {remedy}")


def programs(*names: str, packages: str) -> None:
    """See that these are on the path; Debian has them in `packages`."""
    absent = [name for name in names if shutil.which(name) is None]
    if absent:
        missing(f"{', '.join(absent)} not found: apt-get install {packages}")


def libtorch() -> None:
    """See that the LibTorch engine is installed."""
    from novasr.weights.torch_runtime import find_torch_engine

    if find_torch_engine() is None:
        missing("novasr-torch is not installed: pip install ./python/novasr-torch")
