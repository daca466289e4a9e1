"""NovaSR as an effect of Spotify's pedalboard: the VST3 plugin of the package novasr-plugin."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np

from novasr.checks import check_choice
from novasr.engines import WHOLE_RECORDINGS, engine_format, is_script
from novasr.errors import ParameterError, PluginError, UnknownParameterError, WeightsError
from novasr.families import OFFLINE_FAMILIES
from novasr.models import MODELS, chosen_weights
from novasr.parameters import INFOS, NAMES, check_parameters
from novasr.plugin.bundle import find_bundle
from novasr.plugin.pedalboard_host import VST3Plugin, load, parameters, raw_parameter, set_preset
from novasr.plugin.state import PluginState, decode, encode, unwrap, wrap
from novasr.weights.load import PACKAGED_WEIGHTS, load_weights

if TYPE_CHECKING:
    from novasr.types import FrontEnd, Mode, ModelName

Value = TypeVar("Value")


class _Parameter(Generic[Value]):
    """A parameter of the plugin as an attribute of the effect; hosts know it by values of 0 .. 1."""

    def __init__(
        self,
        name: str,
        default: Value,
        to_raw: Callable[[Value], float],
        from_raw: Callable[[float], Value],
        doc: str,
    ) -> None:
        self.key, self._host_name = INFOS[name].key, INFOS[name].host_name
        self.default, self.__doc__ = default, doc
        self._to_raw, self._from_raw = to_raw, from_raw

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, effect: None, owner: type) -> _Parameter[Value]: ...
    @overload
    def __get__(self, effect: NovaSR, owner: type) -> Value: ...
    def __get__(self, effect: NovaSR | None, owner: type) -> _Parameter[Value] | Value:
        if effect is None:
            return self
        return self._from_raw(raw_parameter(effect, self._host_name).raw_value)

    def __set__(self, effect: NovaSR, value: Value) -> None:
        check_parameters({self._name: value})
        raw_parameter(effect, self._host_name).raw_value = self._to_raw(value)


def _choice(name: str) -> _Parameter[str]:
    names = INFOS[name].choices
    doc = f"{' or '.join(f'``{one}``' for one in names)}."
    initial = names[round(INFOS[name].initial)]
    return _Parameter(name, initial, names.index, lambda raw: names[round(raw)], doc)


def _number(name: str, decimals: int) -> _Parameter[float]:
    """Give a number, rounded to what a float32 of 0 .. 1 can tell apart."""
    low, high = INFOS[name].low, INFOS[name].high
    return _Parameter(
        name,
        INFOS[name].initial,
        lambda value: (round(float(value), decimals) - low) / (high - low),
        lambda raw: round(low + (high - low) * raw, decimals),
        f"{low:g} .. {high:g}{', in whole numbers' if decimals == 0 else ''}.",
    )


class NovaSR(VST3Plugin):
    """Gives muffled speech its upper band back, in a :class:`pedalboard.Pedalboard`.

    At every sample rate the output has the rate, length and channels of the input and is aligned with
    it; above 192 kHz, and with ``"base"`` up to 16 kHz, the input passes as it is.

    Parameters
    ----------
    mode : {"extend", "full"}
        ``"extend"`` keeps the input below the crossover and adds the model's band above it;
        ``"full"`` is the model's output alone.
    mix : float
        0 .. 1; 0 is the input.
    crossover_hz : float
        4000 .. 8000, in whole Hz; where the model takes over, in ``"extend"`` mode.
    high_band_gain_db : float
        -24 .. 12; on what the model adds, in ``"extend"`` mode.
    output_gain_db : float
        -60 .. 24.
    front_end : {"clean", "reference"}
        The filter to 16 kHz: sharp, or upstream's.
    bypass : bool
        Let the input pass.
    model : {"base", "wide"}, optional
        Which of this package's models: ``"base"``, from 16 kHz input on, or ``"wide"``, for any band of
        2 .. 16 kHz, which has neither modes nor a crossover. Default: that of the weights, ``"base"``
        without any.
    weights : str or path, optional
        As for :func:`novasr.load_model`, or a ``.ts`` file, which LibTorch runs.

    Raises
    ------
    ParameterError
        If a value is out of range or of another kind, also on assignment; or if `model` and `weights`
        contradict each other.
    WeightsError
        If the weights cannot be used; also on assignment. The present ones then stay.
    PluginError
        If this installation has no plugin, or pedalboard cannot load it here.

    Warns
    -----
    PassthroughWarning
        Once, when it or its board processes an array at a rate at which nothing is added.

    Notes
    -----
    All parameters are attributes, which may change while audio runs. A copy or a pickle carries
    the weights with it, of a ``.ts`` the path. Block by block, as with every plugin in pedalboard, ``process`` with
    ``reset=False`` gives the first :attr:`latency` frames less; as many zeros at the end bring them
    out. Call ``reset`` before a stream at another sample rate.

    Examples
    --------
    >>> import numpy as np
    >>> from pedalboard import Pedalboard
    >>> board = Pedalboard([NovaSR(mix=0.8)])
    >>> board(np.zeros(48_000, np.float32), 48_000).shape
    (48000,)
    """

    mode = _choice("mode")
    front_end = _choice("front_end")
    crossover_hz = _number("crossover_hz", decimals=0)
    mix = _number("mix", decimals=7)
    high_band_gain_db = _number("high_band_gain_db", decimals=5)
    output_gain_db = _number("output_gain_db", decimals=5)
    bypass = _Parameter("bypass", False, float, bool, "True or False.")

    def __new__(cls, *args: object, **options: object) -> NovaSR:
        """Load the plugin here, so that no subclass can meet an effect without one: it would crash."""
        effect = super().__new__(cls)
        load(effect, find_bundle())
        return effect

    def __init__(
        self,
        *,
        mode: Mode = "extend",
        mix: float = 1.0,
        crossover_hz: float = 7100.0,
        high_band_gain_db: float = 0.0,
        output_gain_db: float = 0.0,
        front_end: FrontEnd = "clean",
        bypass: bool = False,
        model: ModelName | None = None,
        weights: str | Path | None = None,
    ) -> None:
        self.mode, self.front_end, self.bypass = mode, front_end, bypass
        self.mix, self.crossover_hz = mix, crossover_hz
        self.high_band_gain_db, self.output_gain_db = high_band_gain_db, output_gain_db
        weights = chosen_weights(model, weights)
        if weights is not None:
            self.weights = weights

    @property
    def model(self) -> str:
        """``"base"`` or ``"wide"``, that of the weights.

        Assign a name for the weights of this package; :attr:`latency` follows.
        """
        family = self._state().family
        names = [name for name, packaged in PACKAGED_WEIGHTS.items() if packaged.family == family]
        return names[0] if names else family

    @model.setter
    def model(self, model: ModelName) -> None:
        check_choice("model", model, MODELS)
        self.weights = model

    @property
    def weights(self) -> str | Path | None:
        """``None`` for those of the package, ``"v1"``, ``"v2"``, a file's name, or the path of a ``.ts``.

        Assign what the class takes.
        """
        state = self._state()
        return state.script or state.weights or None

    @weights.setter
    def weights(self, weights: str | Path | None) -> None:
        present = self._state()
        if is_script(weights):
            state = replace(present, script=str(Path(str(weights)).resolve()))
        else:
            loaded = load_weights(weights)
            if loaded.family in OFFLINE_FAMILIES:
                raise ParameterError(
                    f"the model of the weights {str(weights)!r} {WHOLE_RECORDINGS}"
                )
            packaged = weights is None or str(weights) in PACKAGED_WEIGHTS
            name = "" if packaged else Path(str(weights)).name
            state = replace(
                present, family=loaded.family, values=loaded.values(), weights=name, script=""
            )
        try:
            self._play(state)
        except PluginError as error:
            with suppress(PluginError):  # of a script that was missing before
                self._play(present)
            msg = f"weights {str(weights)!r}: {error}"
            raise WeightsError(msg) from error

    @property
    def latency(self) -> int:
        """Delay in frames that pedalboard removes, at the sample rate used last."""
        return self.reported_latency_samples

    @property
    def preset_data(self) -> bytes:
        """The settings and weights as a ``.vstpreset``. One that is refused raises PluginError."""
        return super().preset_data

    @preset_data.setter
    def preset_data(self, preset: bytes) -> None:
        decode(unwrap(preset)[0])
        set_preset(self, preset)
        self._raise_problem()

    def load_preset(self, preset_file_path: str | Path) -> None:
        """Read a ``.vstpreset`` file.

        Raises
        ------
        PluginError
            If it is damaged, or not of this plugin; the settings then stay.
        """
        self.preset_data = Path(preset_file_path).read_bytes()

    def _state(self) -> PluginState:
        """Give what plays. The plugin learns of parameters with the next block: those from here."""
        state = decode(unwrap(super().preset_data)[0])
        shown = {p.key: getattr(self, name) for name, p in _parameters().items()}
        return replace(state, parameters=shown)

    def _play(self, state: PluginState) -> None:
        class_id = unwrap(super().preset_data)[1]
        set_preset(self, wrap(encode(state), class_id))
        self._raise_problem()
        now = self._state()
        if now.script != state.script or not np.array_equal(now.values, state.values):
            raise PluginError("the plugin did not take them, and does not say why")

    def _adds_at(self, rate: float) -> bool:
        """Tell whether the model has a band to add at this rate."""
        model = self.model
        return engine_format("native", model if model in MODELS else None).extends(round(rate))

    def _raise_problem(self) -> None:
        if problem := self._state().problem:
            raise PluginError(problem)

    def _get_parameters(self) -> Any:
        return parameters(self)

    def __getattr__(self, name: str) -> Any:
        raise UnknownParameterError(_no_parameter(name))

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and not hasattr(getattr(type(self), name, None), "__set__"):
            raise UnknownParameterError(_no_parameter(name))
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """Show what differs from the defaults."""
        shown = {name: getattr(self, name) for name in (*_parameters(), "model", "weights")}
        defaults = {name: p.default for name, p in _parameters().items()}
        defaults |= {"model": "base", "weights": None}
        changed = [f"{n}={value!r}" for n, value in shown.items() if value != defaults[n]]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by state."""
        return _restore, (type(self), encode(self._state()))


def _parameters() -> dict[str, _Parameter[Any]]:
    return {name: vars(NovaSR)[name] for name in NAMES}


def _restore(cls: type[NovaSR], state: bytes) -> NovaSR:
    effect = cls.__new__(cls)
    effect._play(decode(state))
    return effect


def _no_parameter(name: str) -> str:
    return f"NovaSR has no parameter {name!r}; there are {', '.join((*NAMES, 'model', 'weights'))}"
