"""A GPU is rare: Triton's interpreter runs the kernel on the CPU (tests/conftest.py)."""

from __future__ import annotations

import pytest


@pytest.fixture
def plain_layers(monkeypatch):
    """Have PyTorch's layers compute: the interpreter takes 0.2 s for each 4 ms."""
    from novasr.cuda import batch_engine

    batch_engine._shared.cache_clear()
    monkeypatch.setattr(batch_engine, "has_triton", lambda: False)
    yield
    batch_engine._shared.cache_clear()
