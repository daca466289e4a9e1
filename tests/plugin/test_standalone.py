"""The standalone application on a virtual screen."""

from __future__ import annotations

import os
import subprocess
import time

import needs
import numpy as np
import pytest
from built_plugin import PRESET_BUILD

PLOT = 0x0E1114  # palette::plot and palette::output in plugin/source/editor/Theme.h
OUTPUT = 0x3FD0B6


@pytest.fixture
def standalone():
    build = os.environ.get("NOVASR_PLUGIN_BUILD", PRESET_BUILD)
    path = os.path.join(build, "Standalone", "NovaSR")
    if not os.access(path, os.X_OK):
        needs.missing(f"the plugin is not built: no {path} (NOVASR_PLUGIN_BUILD)")
    return path


@pytest.fixture
def screen(tmp_path):
    """Yield the name of an X display whose pixels are in a file, and that file."""
    needs.programs("Xvfb", packages="xvfb")
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-fbdir", tmp_path]
    with subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL) as server:
        os.close(writer)
        with os.fdopen(reader) as number:
            display = f":{number.readline().strip()}"
        yield display, tmp_path / "Xvfb_screen0"
        server.terminate()


def read_pixels(xwd_file):
    """Return 0xRRGGBB of shape (height, width); the format is X11/XWDFile.h."""
    data = xwd_file.read_bytes()
    header = np.frombuffer(data, ">u4", 25)
    width, height, colours = header[4], header[5], header[19]
    start = header[0] + 12 * colours
    pixels = np.frombuffer(data, "<u4", width * height, start)
    return pixels.reshape(height, width) & 0xFFFFFF


def shows_editor(pixels):
    """Tell whether a spectrum's empty plot is to be seen, and what is drawn in its colour."""
    return np.sum(pixels == PLOT) > 50_000 and np.sum(pixels == OUTPUT) > 500


def test_standalone_shows_the_editor(standalone, screen, tmp_path):
    display, pixels = screen
    assert not shows_editor(read_pixels(pixels))
    environment = os.environ | {"DISPLAY": display, "HOME": str(tmp_path)}
    with subprocess.Popen([standalone], env=environment, stderr=subprocess.DEVNULL) as application:
        deadline = time.monotonic() + 30
        while not shows_editor(read_pixels(pixels)) and time.monotonic() < deadline:
            assert application.poll() is None, "it has ended by itself"
            time.sleep(0.1)
        shown = shows_editor(read_pixels(pixels))
        application.terminate()
    assert shown
