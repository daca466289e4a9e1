"""A LADSPA host: the interface of ladspa.h, through ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_float, c_int, c_ulong, c_void_p
from pathlib import Path

import numpy as np

INPUT, OUTPUT, CONTROL, AUDIO = 1, 2, 4, 8


class Range(ctypes.Structure):
    _fields_ = [("hints", c_int), ("lower", c_float), ("upper", c_float)]


class Descriptor(ctypes.Structure):
    pass


ON_HANDLE = CFUNCTYPE(None, c_void_p)
Descriptor._fields_ = [
    ("unique_id", c_ulong),
    ("label", c_char_p),
    ("properties", c_int),
    ("name", c_char_p),
    ("maker", c_char_p),
    ("copyright", c_char_p),
    ("port_count", c_ulong),
    ("port_descriptors", POINTER(c_int)),
    ("port_names", POINTER(c_char_p)),
    ("ranges", POINTER(Range)),
    ("data", c_void_p),
    ("instantiate", CFUNCTYPE(c_void_p, POINTER(Descriptor), c_ulong)),
    ("connect_port", CFUNCTYPE(None, c_void_p, c_ulong, POINTER(c_float))),
    ("activate", ON_HANDLE),
    ("run", CFUNCTYPE(None, c_void_p, c_ulong)),
    ("run_adding", CFUNCTYPE(None, c_void_p, c_ulong)),
    ("set_run_adding_gain", CFUNCTYPE(None, c_void_p, c_float)),
    ("deactivate", ON_HANDLE),
    ("cleanup", ON_HANDLE),
]


def descriptors(library: Path) -> Iterator[Descriptor]:
    """All plugins of a library."""
    find = ctypes.CDLL(str(library)).ladspa_descriptor
    find.argtypes, find.restype = [c_ulong], POINTER(Descriptor)
    index = 0
    while found := find(index):
        yield found.contents
        index += 1


class Instance:
    """A plugin that runs; `controls` has its control ports by name."""

    def __init__(self, library: Path, label: str, rate: int) -> None:
        [self.plugin] = (one for one in descriptors(library) if one.label.decode() == label)
        self.handle = self.plugin.instantiate(self.plugin, rate)
        if not self.handle:
            raise ValueError(f"no {label} at {rate} Hz")
        self.controls: dict[str, c_float] = {}
        self.audio: dict[int, list[int]] = {INPUT: [], OUTPUT: []}
        for port in range(self.plugin.port_count):
            kind = self.plugin.port_descriptors[port]
            if kind & AUDIO:
                self.audio[kind & ~AUDIO].append(port)
                continue
            name = self.plugin.port_names[port].decode()
            default = 1.0 if self.plugin.ranges[port].hints & 0x3C0 == 0x240 else 0.0
            self.controls[name] = c_float(default)
            self.plugin.connect_port(self.handle, port, self.controls[name])
        self.plugin.activate(self.handle)

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, *_: object) -> None:
        self.plugin.cleanup(self.handle)

    def run(self, audio: np.ndarray, block: int) -> np.ndarray:
        """Process audio of shape (frames, channels)."""
        output = np.full(audio.shape, np.nan, np.float32)
        for first in range(0, len(audio), block):
            piece = np.ascontiguousarray(audio[first : first + block].T)
            made = np.full_like(piece, np.nan)
            for buffers, kind in ((piece, INPUT), (made, OUTPUT)):
                for port, channel in zip(self.audio[kind], buffers, strict=True):
                    data = channel.ctypes.data_as(POINTER(c_float))
                    self.plugin.connect_port(self.handle, port, data)
            self.plugin.run(self.handle, piece.shape[1])
            output[first : first + block] = made.T
        return output
