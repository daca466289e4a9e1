"""What the tests of the browser's engine need."""

from __future__ import annotations

from pathlib import Path

import pytest
import web_package


@pytest.fixture(scope="session")
def web() -> Path:
    """The folder of the npm package, built."""
    return web_package.build()
