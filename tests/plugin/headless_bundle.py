"""The plugins without an editor, as installed with novasr, and what they ought to give."""

from __future__ import annotations

from pathlib import Path

import needs

from novasr.errors import PluginError
from novasr.plugin.headless import find_headless_bundle

MODELS = ("base", "wide")
LATENCY = {"base": 144, "wide": 511}  # frames at 48 kHz


def bundle() -> Path:
    """Give the bundle, or skip."""
    try:
        return find_headless_bundle()
    except PluginError as error:
        needs.missing(str(error))


def library(model: str) -> Path:
    """Give the library of a model, which LADSPA hosts load."""
    return bundle() / f"novasr_{model}.so"
