"""Fundamental frequency: how it runs, how steadily, and where its harmonics lie."""

from novasr.f0.harmonics import harmonic_template
from novasr.f0.tracking import METHODS, Method, track
from novasr.f0.variation import stability

__all__ = ["METHODS", "Method", "harmonic_template", "stability", "track"]
