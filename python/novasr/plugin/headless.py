"""Where the plugins without an editor lie: LADSPA and LV2, one library for each model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from novasr.errors import PluginError

if TYPE_CHECKING:
    from novasr.types import ModelName

BUNDLE_NAME = "novasr-headless.lv2"


def find_headless_bundle() -> Path:
    """Give the folder that LV2 hosts load; its libraries are those of LADSPA as well.

    Raises
    ------
    PluginError
        If this build of novasr has none.
    """
    spec = find_spec("novasr")
    for root in (spec and spec.submodule_search_locations) or ():
        bundle = Path(root).absolute() / "lv2" / BUNDLE_NAME
        if bundle.is_dir():
            return bundle
    msg = (
        "this novasr has no LADSPA and LV2 plugins, which its packages for Linux have: build them from"
        " the source with cmake -DNOVASR_HEADLESS=ON"
    )
    raise PluginError(msg)


def ladspa_library(model: ModelName) -> Path:
    """Give the library of a model.

    Raises
    ------
    PluginError
        If this build of novasr has none.
    """
    return find_headless_bundle() / f"novasr_{model}.so"
