"""Where the VST3 plugin of the package novasr-plugin lies."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from novasr.errors import PluginError, install_command

BUNDLE_NAME = "NovaSR.vst3"


def find_bundle() -> Path:
    """Give the folder that hosts load.

    Raises
    ------
    PluginError
        If novasr-plugin is not installed.
    """
    spec = find_spec("novasr_plugin")
    for root in (spec and spec.submodule_search_locations) or ():
        bundle = Path(root).absolute() / BUNDLE_NAME
        if bundle.is_dir():
            return bundle
    msg = f"the VST3 plugin is not installed: {install_command('plugin')}"
    raise PluginError(msg)
