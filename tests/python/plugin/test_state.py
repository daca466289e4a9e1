"""The plugin's state: its layout, and that damaged ones are rejected."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest

from novasr.errors import PluginError
from novasr.families import value_count
from novasr.plugin.state import PluginState, decode, encode, unwrap, wrap

CLASS_ID = b"0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture
def state(rng) -> PluginState:
    return PluginState(
        parameters={"mode": "full", "mix": 0.25, "bypass": True},
        values=rng.standard_normal(value_count("novasr")).astype(np.float32),
        weights="größer.safetensors",
        script="/tmp/ein Modell.ts",
    )


def assert_equal(one: PluginState, other: PluginState) -> None:
    assert (one.parameters, one.family, one.weights, one.script) == (
        other.parameters,
        other.family,
        other.weights,
        other.script,
    )
    np.testing.assert_array_equal(one.values, other.values)


def sealed(header: bytes, values: bytes, version: int = 2) -> bytes:
    """Build a state by hand, with a valid checksum."""
    count = struct.pack("<I", len(values) // 4) if version > 1 else b""
    rest = struct.pack("<I", len(header)) + count + header + values
    return b"NvSR" + struct.pack("<II", version, zlib.crc32(rest)) + rest


def test_what_was_encoded_is_decoded(state):
    assert_equal(decode(encode(state)), state)


def test_layout_is_the_documented_one(state):
    header = json.dumps(
        {
            "parameters": dict(state.parameters),
            "family": "novasr",
            "weights": state.weights,
            "script": state.script,
        },
        ensure_ascii=False,
    )
    assert encode(state) == sealed(header.encode(), state.values.astype("<f4").tobytes())


def test_a_state_of_the_first_version_is_read(state):
    header = json.dumps(
        {"parameters": dict(state.parameters), "weights": state.weights, "script": state.script}
    )
    assert_equal(decode(sealed(header.encode(), state.values.astype("<f4").tobytes(), 1)), state)


def test_what_a_host_appends_is_ignored(state):
    assert_equal(decode(encode(state) + bytes(7) + b"JUCEPrivateData"), state)


def test_what_the_plugin_complains_of_is_read(state):
    header = {"parameters": {}, "weights": "", "script": "", "problem": "is not there"}
    data = sealed(json.dumps(header).encode(), state.values.tobytes())
    assert decode(data).problem == "is not there"


def test_any_byte_that_changes_is_noticed(state, rng):
    data = encode(state)
    positions = [*range(200), *rng.integers(200, len(data), 200), len(data) - 1]
    for position in positions:
        damaged = bytearray(data)
        damaged[position] ^= 0x80
        with pytest.raises(PluginError, match=r"not a NovaSR state|newer|cut off|damaged"):
            decode(bytes(damaged))


@pytest.mark.parametrize("kept", [0, 3, 15, 16, 19, 100, -1])
def test_a_part_is_refused(state, kept):
    with pytest.raises(PluginError, match=r"not a NovaSR state|cut off"):
        decode(encode(state)[:kept])


def test_a_newer_version_is_refused_by_name(state):
    with pytest.raises(PluginError, match="newer version"):
        decode(sealed(b"{}", state.values.tobytes(), version=3))


@pytest.mark.parametrize("header", [b"{", b"[]", b"{}", b'{"parameters": {}}', b"\xff"])
def test_a_header_that_makes_no_sense_is_refused(state, header):
    with pytest.raises(PluginError, match="damaged"):
        decode(sealed(header, state.values.tobytes()))


def test_numbers_that_json_does_not_have_are_not_written(state):
    unusable = PluginState({"mix": float("nan")}, state.values)
    with pytest.raises(ValueError, match="JSON"):
        encode(unusable)


def test_a_preset_gives_back_what_it_wraps():
    assert unwrap(wrap(b"some bytes", CLASS_ID)) == (b"some bytes", CLASS_ID)


@pytest.mark.parametrize(
    "damage",
    [
        lambda preset: b"",
        lambda preset: preset[:-1],
        lambda preset: b"XXXX" + preset[4:],
        lambda preset: preset.replace(b"List", b"Liszt"),
        lambda preset: preset.replace(b"Comp", b"Cont"),
        lambda preset: preset[:40] + b"\xff" * 8 + preset[48:],
    ],
)
def test_a_damaged_preset_is_refused(damage):
    with pytest.raises(PluginError, match="not a preset"):
        unwrap(damage(wrap(b"some bytes", CLASS_ID)))
