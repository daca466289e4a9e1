"""Python describes the parameters as the core defines them."""

from __future__ import annotations

import inspect
import sys
from typing import get_args

import needs
import numpy as np
import pytest

import novasr
from novasr import types
from novasr.checks import is_number, is_whole
from novasr.engines import ENGINES
from novasr.errors import AudioFormatError, MissingPackageError, ParameterError, StreamError
from novasr.live import LiveStream
from novasr.parameters import INFOS, NAMES


def test_the_names_of_values_are_those_of_the_core() -> None:
    assert list(get_args(types.Mode)) == INFOS["mode"].choices
    assert list(get_args(types.FrontEnd)) == INFOS["front_end"].choices
    assert get_args(types.Engine) == ENGINES


def initial(name: str) -> object:
    """Return a default as a Python user writes it."""
    info = INFOS[name]
    if info.choices:
        return info.choices[round(info.initial)]
    return bool(info.initial) if name == "bypass" else info.initial


@pytest.mark.parametrize("takes", [novasr.Stream, LiveStream])
def test_signatures_show_every_parameter_with_the_default_of_the_core(takes: type) -> None:
    parameters = inspect.signature(takes).parameters
    assert {name: parameters[name].default for name in NAMES} == {n: initial(n) for n in NAMES}
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    assert set(NAMES) < set(inspect.signature(takes.set).parameters)


@pytest.mark.parametrize(
    "name", [n for n, info in INFOS.items() if not info.choices and n != "bypass"]
)
def test_documented_ranges_are_those_of_the_core(name: str) -> None:
    info = INFOS[name]
    lines = inspect.getdoc(novasr.Stream.set).splitlines()
    described = lines[lines.index(f"{name} : float") + 1]
    assert described.strip().startswith(f"{info.low:g} .. {info.high:g}")


def test_what_is_not_given_stays() -> None:
    stream = novasr.Stream(48_000, mix=0.5)
    stream.set(output_gain_db=-6.0)
    stream.set(bypass=True)
    kept = stream.__getstate__()["_parameters"]
    assert (kept["mix"], kept["output_gain_db"], kept["bypass"]) == (0.5, -6.0, True)


def test_a_wrong_value_is_a_parameter_error_and_for_one_version_a_format_error() -> None:
    for wrong in ({"engine": "gpu"}, {"mode": "loud"}, {"mix": 2.0}, {"channels": 0}):
        with pytest.raises(ParameterError):
            novasr.Stream(48_000, **wrong)
    assert issubclass(ParameterError, AudioFormatError)
    with pytest.raises(AudioFormatError) as caught:
        novasr.Stream(48_000).process(np.zeros((10, 3), np.float32))
    assert not isinstance(caught.value, ParameterError)


@pytest.mark.parametrize("engine", [np.array(["auto"]), ["auto"], None, 3])
def test_a_choice_of_another_type_is_named(engine: object) -> None:
    with pytest.raises(ParameterError, match="engine must be one of auto, native, torch, not"):
        novasr.Stream(48_000, engine=engine)


def test_a_missing_package_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from novasr.audio.plot import require_matplotlib
    from novasr.weights.torch_runtime import require_torch

    runner = needs.package("novasr.evaluation.runner", "pip install 'novasr[evaluate]'")
    for name in ("torch", "matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (require_torch, require_matplotlib):
        with pytest.raises(MissingPackageError, match="pip install"):
            call()
    monkeypatch.setattr(runner, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install"):
        runner.require_metrics(["visqol"])
    assert issubclass(MissingPackageError, StreamError)


def test_errors_of_the_core_are_ours() -> None:
    stream = novasr.Stream(48_000)
    stream.flush()
    with pytest.raises(StreamError, match="reset"):
        stream.flush()
    with pytest.raises(ParameterError, match="mix"):
        stream.set(mix=float("nan"))


@pytest.mark.parametrize(
    ("value", "whole", "number"),
    [
        (1, True, True),
        (np.int64(1), True, True),
        (np.float32(1.5), False, True),
        (True, False, False),
        (float("nan"), False, False),
        (np.complex64(1), False, False),
        ("1", False, False),
        (None, False, False),
    ],
)
def test_numbers_of_python_and_numpy_are_told_alike(
    value: object, whole: bool, number: bool
) -> None:
    assert (is_whole(value), is_number(value)) == (whole, number)
