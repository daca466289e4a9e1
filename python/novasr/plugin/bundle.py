"""Where the VST3 plugin of this package lies."""

from __future__ import annotations

from pathlib import Path

import novasr
from novasr.errors import PluginError

BUNDLE_NAME = "NovaSR.vst3"


def find_bundle() -> Path:
    """Give the folder that hosts load.

    Raises
    ------
    PluginError
        If the package was built without it.
    """
    for root in novasr.__path__:  # several, if the installation is editable
        bundle = Path(root) / "plugins" / BUNDLE_NAME
        if bundle.is_dir():
            return bundle
    msg = (
        "this installation has no plugin, because JUCE was not found when it was built: install it "
        "(Debian and Ubuntu: apt-get install juce-modules-source), then reinstall novasr "
        "(pip install --force-reinstall --no-deps .)"
    )
    raise PluginError(msg)
