"""The plugin's libraries as the dynamic linker and a VST3 host see them."""

from __future__ import annotations

import _ctypes
import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import needs
import pytest
from built_plugin import bundle

ENTRY_POINTS = {
    "VST3": {"GetPluginFactory", "ModuleEntry", "ModuleExit"},
    "LV2": {"lv2_descriptor", "lv2ui_descriptor"},
}


class FactoryInfo(ctypes.Structure):
    """PFactoryInfo of pluginterfaces/base/ipluginbase.h."""

    _fields_ = (
        ("vendor", ctypes.c_char * 64),
        ("url", ctypes.c_char * 256),
        ("email", ctypes.c_char * 128),
        ("flags", ctypes.c_int32),
    )


def library(kind: str) -> Path:
    [path] = bundle(kind).rglob("*.so")
    return path


def copy(kind: str, folder: Path) -> Path:
    """The library where nobody else has opened it."""
    return Path(shutil.copy(library(kind), folder))


def is_loaded(path: Path) -> bool:
    return str(path) in Path("/proc/self/maps").read_text()


@pytest.mark.parametrize("kind", ENTRY_POINTS)
def test_the_entry_points_are_all_it_exports(kind):
    needs.programs("nm", packages="binutils")
    command = ["nm", "-D", "--defined-only", "--format=just-symbols", library(kind)]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert set(symbols.split()) == ENTRY_POINTS[kind]


@pytest.mark.parametrize("kind", ENTRY_POINTS)
def test_it_goes_when_it_is_closed(kind, tmp_path):
    path = copy(kind, tmp_path)
    opened = ctypes.CDLL(str(path), mode=os.RTLD_NOW)
    assert is_loaded(path)
    _ctypes.dlclose(opened._handle)
    assert not is_loaded(path)


def test_a_vst3_host_reads_the_vendor(tmp_path):
    path = copy("VST3", tmp_path)
    opened = ctypes.CDLL(str(path), mode=os.RTLD_NOW)
    opened.GetPluginFactory.restype = ctypes.c_void_p
    factory = opened.GetPluginFactory()
    methods = ctypes.cast(factory, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
    release = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p)(methods[2])
    get_info = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(methods[3])
    info = FactoryInfo()
    assert get_info(factory, ctypes.byref(info)) == 0
    assert (info.vendor, info.url, info.email) == (b"NovaSR Live", b"https://novasr.live", b"")
    assert release(factory) == 0
    _ctypes.dlclose(opened._handle)
    assert not is_loaded(path)
