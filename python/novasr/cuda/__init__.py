"""Recordings on a GPU, many at once: :class:`BatchEngine` (docs/gpu.md)."""

from __future__ import annotations

from novasr.cuda.batch_engine import BatchEngine

__all__ = ["BatchEngine"]
