"""The header of a safetensors file."""

from __future__ import annotations

import json


def in_order(content: bytes) -> bytes:
    """Sort the metadata in the header of a safetensors file, which come in an order of chance."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight
    return len(text).to_bytes(8, "little") + text + content[end:]
