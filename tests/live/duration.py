"""How long the long tests last."""

from __future__ import annotations

import os

from needs import IN_CI


def long_seconds(usual: float = 60.0) -> float:
    """Give $NOVASR_TEST_SECONDS; without it `usual`, of which CI takes a third."""
    seconds = os.environ.get("NOVASR_TEST_SECONDS")
    return float(seconds) if seconds else usual / 3 if IN_CI else usual
