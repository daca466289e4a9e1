"""The settings that a stream and the effect share, and what may be assigned to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from novasr import _native
from novasr.checks import check_choice
from novasr.errors import ParameterError
from novasr.native_errors import NativeErrors


class ParameterInfo(NamedTuple):
    """A parameter as the core describes it.

    Attributes
    ----------
    key, host_name : str
        In the plugin's state, and for its hosts.
    unit : str
        ``"Hz"``, ``"dB"`` or nothing.
    low, high, initial : float
        Range and default.
    choices : list of str
        Names of the values, if they have names.
    """

    key: str
    host_name: str
    unit: str
    low: float
    high: float
    initial: float
    choices: list[str]

    @property
    def name(self) -> str:
        """What it is called in Python."""
        return f"{self.key}_{self.unit.lower()}" if self.unit else self.key


INFOS = {info.name: info for info in map(ParameterInfo._make, _native.parameter_infos())}
NAMES = tuple(INFOS)
_ENUMS = {"mode": _native.Mode, "front_end": _native.FrontEnd}


def change_parameters(parameters: _native.Parameters, changes: Mapping[str, object]) -> None:
    """Assign values by name; whether numbers are in range, the native side checks.

    Raises
    ------
    ParameterError
        If a name is unknown or a value is of another kind.
    """
    for name, value in changes.items():
        if name not in INFOS:
            raise ParameterError(f"there is no parameter {name!r}; there are {', '.join(NAMES)}")
        setattr(parameters, name, _native_value(name, value))


def check_parameters(values: Mapping[str, object], *, low_latency: bool = False) -> None:
    """Raise ParameterError unless a stream could have these values, the others at their defaults."""
    parameters = _native.Parameters()
    change_parameters(parameters, values)
    with NativeErrors():
        _native.check_parameters(parameters, low_latency=low_latency)


def given(values: Mapping[str, object]) -> dict[str, object]:
    """Leave out what is None: it stays as it is."""
    return {name: value for name, value in values.items() if value is not None}


def _native_value(name: str, value: object) -> object:
    if name in _ENUMS:
        check_choice(name, value, INFOS[name].choices)
        return getattr(_ENUMS[name], str(value))
    if name == "bypass":
        if not isinstance(value, bool | np.bool_):
            raise ParameterError(f"bypass must be True or False, not {value!r}")
        return bool(value)
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ParameterError(f"{name} must be a number, not {value!r}")
    return float(value)
