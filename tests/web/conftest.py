"""What the tests of the browser's engine need."""

from __future__ import annotations

from pathlib import Path

import web_package
import pytest


@pytest.fixture(scope="session")
def web() -> Path:
    """The folder of the npm package, built."""
    return web_package.build()
