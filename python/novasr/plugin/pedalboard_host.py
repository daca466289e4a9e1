"""Pedalboard as a host of our plugin: what is slow, leaks or hangs there is put right here.

Pedalboard's private names are used in this file and nowhere else.
"""

from __future__ import annotations

import ctypes
import functools
import os
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from novasr.engines import engine_format
from novasr.errors import PassthroughWarning, PedalboardError, PluginError, install_command

try:
    from pedalboard import Chain, ExternalPluginReloadType, Mix, Plugin, PluginContainer
    from pedalboard import VST3Plugin as VST3Plugin
    from pedalboard._pedalboard import AudioProcessorParameter
    from pedalboard.version import __version__ as _pedalboard_version
except ImportError as error:
    msg = f"novasr.NovaSR needs pedalboard: {install_command('pedalboard')} ({error})"
    raise PedalboardError(msg) from error

_INITIAL_VALUES = "__set_initial_parameter_values__"
_CACHE = "__python_parameter_cache__"
_MUTATORS = ("__setitem__", "__delitem__", "insert", "append", "remove")
_HIGHEST_HZ = 192_000

for _owner, _names in (
    (
        VST3Plugin,
        ("_get_parameter", "_get_parameters", "_parameters", "_reload_type", _INITIAL_VALUES),
    ),
    (PluginContainer, _MUTATORS),
):
    if _missing := [name for name in _names if not hasattr(_owner, name)]:
        msg = (
            f"pedalboard {_pedalboard_version} has no {_owner.__name__}.{_missing[0]} any more, which "
            f"novasr.NovaSR needs: {install_command('pedalboard')} for a version that has it"
        )
        raise PedalboardError(msg)

_NO_VALUES: dict[str, object] = {}
_alive: weakref.WeakSet[VST3Plugin] = weakref.WeakSet()
_warned: weakref.WeakSet[VST3Plugin] = weakref.WeakSet()
_adding: weakref.WeakKeyDictionary[VST3Plugin, float] = weakref.WeakKeyDictionary()
_contents: weakref.WeakKeyDictionary[PluginContainer, list[Plugin]] = weakref.WeakKeyDictionary()
_forked = False


def load(effect: VST3Plugin, bundle: Path) -> None:
    """Construct the C++ part of `effect`, which must be a fresh object.

    Raises
    ------
    PluginError
        If pedalboard refuses; the message says what to do.
    """
    if _forked:
        msg = (
            "this process was forked from one that has a NovaSR, where plugins cannot be loaded: "
            "start processes with multiprocessing.get_context('spawn')"
        )
        raise PluginError(msg)
    try:
        VST3Plugin.__init__(effect, str(bundle), _NO_VALUES)
    except ImportError as error:
        raise PluginError(str(error)) from error
    except RuntimeError as error:
        if "main thread" not in str(error):
            raise
        msg = (
            "pedalboard loads plugins on one thread only, that of the first one: create NovaSR "
            "there, and use it on any thread"
        )
        raise PluginError(msg) from error
    # A reset clears, whatever pedalboard has concluded from silence and noise.
    effect._reload_type = ExternalPluginReloadType.ClearsAudioOnReset
    effect.process(np.zeros((1, 1), np.float32), 44_100.0)  # it has a latency from now on
    effect.reset()  # pedalboard has tried the plugin, and would not trim the latency of a stream
    _alive.add(effect)


def raw_parameter(effect: VST3Plugin, name: str) -> Any:
    """Give pedalboard's handle of a parameter, which is valid while `effect` lives.

    Raises
    ------
    PluginError
        If the plugin lacks it.
    """
    parameter = effect._get_parameter(name)
    if parameter is None:
        msg = (
            f"the plugin has no parameter {name!r}: it is not of this version of novasr; reinstall"
        )
        raise PluginError(msg)
    return parameter


def set_preset(effect: VST3Plugin, preset: bytes) -> None:
    """Assign to pedalboard's ``preset_data``, also where a subclass has one of its own."""
    vars(VST3Plugin)["preset_data"].__set__(effect, preset)


def parameters(effect: VST3Plugin) -> Any:
    """Give pedalboard's view of the parameters, which refers to `effect` weakly.

    What pedalboard makes itself refers to it strongly: a cycle that Python's collector cannot see
    through.
    """
    if _CACHE not in vars(effect):
        weak: Any = weakref.proxy(effect)
        names = [parameter.name for parameter in effect._parameters]
        vars(effect)[_CACHE] = {name: AudioProcessorParameter(weak, name) for name in names}
    mixin: Any = VST3Plugin
    return mixin._get_parameters(effect)


def _skip_scan_of_ours() -> None:
    """Spare our plugins the look at 1001 values of every parameter with which pedalboard begins."""
    set_values = getattr(VST3Plugin, _INITIAL_VALUES)

    def set_initial_values(self: VST3Plugin, values: object) -> None:
        if values is not _NO_VALUES:
            set_values(self, values)

    setattr(VST3Plugin, _INITIAL_VALUES, set_initial_values)


def _keep_effects_in_boards() -> None:
    """Let boards keep our Python objects: they keep the C++ part, and would show a plain VST3Plugin."""

    def keeping(change: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(change)
        def changed(container: PluginContainer, *arguments: object, **options: object) -> object:
            result = change(container, *arguments, **options)
            kept = [item for item in container if item in _alive or item in _contents]
            if kept:
                _contents[container] = kept
            else:
                _contents.pop(container, None)
            return result

        return changed

    methods = [(PluginContainer, name) for name in _MUTATORS]
    for owner, name in [(Chain, "__init__"), (Mix, "__init__"), *methods]:
        setattr(owner, name, keeping(getattr(owner, name)))


def _warn_of_rates_without_effect() -> None:
    """Say once of each effect of ours, alone or in a board, that an array's rate leaves it nothing to add."""

    def warning(process: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(process)
        def processed(plugin: Plugin, *arguments: Any, **options: Any) -> object:
            result = process(plugin, *arguments, **options)  # which checks the arguments
            rate = options["sample_rate"] if "sample_rate" in options else arguments[1]
            if rate > _HIGHEST_HZ or not engine_format("native", None).extends(rate):
                for effect in set(_effects_in(plugin)).difference(_warned):
                    if _adding.get(effect) == rate:
                        continue
                    if rate <= _HIGHEST_HZ and cast(Any, effect)._adds_at(rate):
                        _adding[effect] = rate  # to look reads the plugin's whole state
                        continue
                    _warned.add(effect)
                    msg = (
                        f"novasr.NovaSR adds nothing at {rate:g} Hz, the output is the input: "
                        "resample to 44100 or 48000 Hz first, or use novasr.enhance"
                    )
                    warnings.warn(msg, PassthroughWarning, stacklevel=2)
            return result

        return processed

    for owner in (VST3Plugin, PluginContainer):
        for name in ("process", "__call__"):
            setattr(owner, name, warning(getattr(owner, name)))


def _effects_in(plugin: Plugin) -> Iterator[VST3Plugin]:
    if isinstance(plugin, PluginContainer):
        for item in plugin:
            yield from _effects_in(item)
    elif plugin in _alive:
        yield cast(VST3Plugin, plugin)


def _after_fork_in_child() -> None:
    """Keep what was inherited for ever: its destructor waits for a thread that is not there."""
    global _forked
    for effect in _alive:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(effect))
        _forked = True


_skip_scan_of_ours()
_keep_effects_in_boards()
_warn_of_rates_without_effect()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
