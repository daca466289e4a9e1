"""The bytes in which the plugin keeps its settings and weights, and the preset that wraps them.

The layout is that of ``plugin/source/PluginState.h``; the preset is VST3's ``.vstpreset``.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from novasr.errors import PluginError
from novasr.families import value_count

if TYPE_CHECKING:
    from novasr.types import FloatArray

_MAGIC = b"NvSR"
_VERSION = 2
_PREFIX = struct.Struct("<4s3I")  # magic, version, checksum, length of the header
_COUNT = struct.Struct("<I")  # of the weights, behind it; version 1 lacks it
_CHECKED_FROM = 12
_FIRST_FAMILY = "novasr"  # the only one of version 1, which does not name it

_PRESET_MAGIC = b"VST3"
_PRESET_PREFIX = struct.Struct("<4si32sq")  # magic, version, class id, where the list of chunks is
_CHUNK = struct.Struct("<4s2q")  # name, offset, size
_COMPONENT = b"Comp"


@dataclass(frozen=True)
class PluginState:
    """What the plugin keeps.

    Attributes
    ----------
    parameters : mapping of str to str, float or bool
        By the plugin's names.
    values : ndarray of float32
        The weights, tensor by tensor.
    weights : str
        Their name; empty for those of the package.
    script : str
        Path of the TorchScript that plays instead; empty if none does.
    problem : str
        Why the plugin refused the state before, or cannot play the script; empty if all is well.
    family : str
        The model family of the weights.
    """

    parameters: Mapping[str, str | float | bool]
    values: FloatArray
    weights: str = ""
    script: str = ""
    problem: str = ""
    family: str = _FIRST_FAMILY


def encode(state: PluginState) -> bytes:
    """Give the plugin's bytes for `state`, but for `problem`, which is the plugin's to tell."""
    header = json.dumps(
        {
            "parameters": dict(state.parameters),
            "family": state.family,
            "weights": state.weights,
            "script": state.script,
        },
        allow_nan=False,
        ensure_ascii=False,  # JUCE reads no pairs of escapes
    ).encode()
    body = _COUNT.pack(state.values.size) + header + state.values.astype("<f4").tobytes()
    length = struct.pack("<I", len(header))
    checksum = zlib.crc32(length + body)
    return _PREFIX.pack(_MAGIC, _VERSION, checksum, len(header)) + body


def decode(data: bytes) -> PluginState:
    """Read the plugin's bytes; what a host has appended is ignored.

    Raises
    ------
    PluginError
        If they are damaged, or of a newer version.
    """
    if len(data) < _PREFIX.size or not data.startswith(_MAGIC):
        raise PluginError("this is not a NovaSR state")
    _, version, checksum, header_size = _PREFIX.unpack_from(data)
    if version > _VERSION:
        raise PluginError("this state was stored by a newer version of NovaSR")
    header_from = _PREFIX.size
    if version < 2:
        count = value_count(_FIRST_FAMILY)
    else:
        header_from += _COUNT.size
        if len(data) < header_from:
            raise PluginError("this state is cut off")
        (count,) = _COUNT.unpack_from(data, _PREFIX.size)
    values_from = header_from + header_size
    end = values_from + count * 4
    if len(data) < end:
        raise PluginError("this state is cut off")
    if zlib.crc32(data[_CHECKED_FROM:end]) != checksum:
        raise PluginError("this state is damaged")
    try:
        header = json.loads(data[header_from:values_from])
        return PluginState(
            parameters=header["parameters"],
            values=np.frombuffer(data, "<f4", count, values_from).astype(np.float32),
            weights=header["weights"],
            script=header["script"],
            problem=header.get("problem", ""),
            family=header.get("family", _FIRST_FAMILY),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise PluginError("this state is damaged") from error


def wrap(state: bytes, class_id: bytes) -> bytes:
    """Make a ``.vstpreset`` of the plugin's bytes."""
    listed_from = _PRESET_PREFIX.size + len(state)
    prefix = _PRESET_PREFIX.pack(_PRESET_MAGIC, 1, class_id, listed_from)
    chunk = _CHUNK.pack(_COMPONENT, _PRESET_PREFIX.size, len(state))
    return prefix + state + b"List" + struct.pack("<i", 1) + chunk


def unwrap(preset: bytes) -> tuple[bytes, bytes]:
    """Take the plugin's bytes and the plugin's class id out of a ``.vstpreset``.

    Raises
    ------
    PluginError
        If it is none, or holds none of the plugin's bytes.
    """
    try:
        magic, _, class_id, listed_from = _PRESET_PREFIX.unpack_from(preset)
        list_magic, count = struct.unpack_from("<4si", preset, listed_from)
        if (magic, list_magic) == (_PRESET_MAGIC, b"List"):
            for index in range(count):
                chunk = listed_from + 8 + index * _CHUNK.size
                name, offset, size = _CHUNK.unpack_from(preset, chunk)
                if name == _COMPONENT:
                    return preset[offset : offset + size], class_id
    except struct.error:
        pass
    raise PluginError("this is not a preset of a VST3 plugin, or it is damaged")
