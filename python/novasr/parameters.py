"""The settings that a stream and the effect share, and what may be assigned to them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from novasr import _native
from novasr.errors import AudioFormatError

MODES = ("extend", "full")
FRONT_ENDS = ("clean", "reference")
NUMBERS = ("crossover_hz", "mix", "high_band_gain_db", "output_gain_db")
NAMES = ("mode", "front_end", *NUMBERS, "bypass")


def change_parameters(parameters: _native.Parameters, changes: Mapping[str, object]) -> None:
    """Assign values by name; whether numbers are in range, the native side checks.

    Raises
    ------
    AudioFormatError
        If a name is unknown or a value is of another kind.
    """
    for name, value in changes.items():
        if name == "mode":
            _check_choice(name, value, MODES)
            parameters.mode = getattr(_native.Mode, str(value))
        elif name == "front_end":
            _check_choice(name, value, FRONT_ENDS)
            parameters.front_end = getattr(_native.FrontEnd, str(value))
        elif name == "bypass":
            if not isinstance(value, (bool, np.bool_)):
                msg = f"bypass must be True or False, not {value!r}"
                raise AudioFormatError(msg)
            parameters.bypass = bool(value)
        elif name in NUMBERS:
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
                msg = f"{name} must be a number, not {value!r}"
                raise AudioFormatError(msg)
            setattr(parameters, name, float(value))
        else:
            msg = f"there is no parameter {name!r}; there are {', '.join(NAMES)}"
            raise AudioFormatError(msg)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        msg = f"{name} must be one of {', '.join(choices)}, not {value!r}"
        raise AudioFormatError(msg)
