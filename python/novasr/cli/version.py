"""What ``novasr --version`` prints."""

from __future__ import annotations

import hashlib
from importlib.resources import files


def version_text() -> str:
    """Name the version, the instruction set in use, and the weights of this package, each by its SHA-256.

    Raises
    ------
    StreamError
        If NOVASR_ISA names no instruction set that is available.
    """
    from novasr import __version__
    from novasr.engines import instruction_set
    from novasr.weights.load import PACKAGED_WEIGHTS

    lines = [f"novasr {__version__}", f"instruction set: {instruction_set()}"]
    for name, packaged in PACKAGED_WEIGHTS.items():
        content = (files("novasr.weights") / packaged.filename).read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        lines.append(f"weights {name}: {packaged.filename}, SHA-256 {digest}...")
    return "\n".join(lines)
