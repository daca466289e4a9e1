"""The comments of the public C++ headers: Doxygen reads them, Breathe puts them on pages."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

HERE = Path(__file__).parent


def read_headers(app: Sphinx, config: Config) -> None:
    """Run Doxygen, whose warnings are errors, and tell Breathe where its output is."""
    if shutil.which("doxygen") is None:
        raise ExtensionError("doxygen not found: apt-get install doxygen, or brew install doxygen")
    output = Path(app.doctreedir) / "doxygen"
    output.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"NOVASR_XML": str(output)}
    subprocess.run(["doxygen", "Doxyfile"], cwd=HERE, env=environment, check=True)
    config.breathe_projects = {"novasr": str(output)}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", read_headers)
    return {"parallel_read_safe": True}
