"""The examples that need devices, between two sinks of a private PulseAudio."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import needs
import pytest
from pulse_server import PulseServer
from test_virtual_sink import band_db, narrow_speech

EXAMPLES = Path(__file__).parents[2] / "examples"
PCM = 'pcm.{0} {{ type pulse device "{1}" hint {{ show on description "{0}" }} }}\n'


@pytest.fixture
def devices(pulse: PulseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulseServer:
    """Let PortAudio and pedalboard find a microphone, "line", and loudspeakers, "speaker"."""
    config = tmp_path / "asound.conf"
    pcms = PCM.format("line", "phone.monitor") + PCM.format("speaker", "speaker")
    config.write_text(pcms + "pcm.default { type null }\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    plugins = next(Path("/usr/lib").glob("*/alsa-lib"), None)
    if plugins is not None:
        monkeypatch.setenv("ALSA_PLUGIN_DIR", str(plugins))
    return pulse


def heard_through(devices: PulseServer, example: str) -> str:
    """Play into the microphone, see that the loudspeakers give it back enhanced, and end it."""
    command = [sys.executable, EXAMPLES / example, "line", "speaker", "14"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with (
        devices.playing("phone", narrow_speech()),
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program,
    ):
        assert program.stdout is not None
        first = program.stdout.readline()
        time.sleep(2)
        heard = devices.record("speaker.monitor", 1.5)  # before the first A/B change
        rest = program.stdout.read()
    assert program.returncode == 0
    assert band_db(heard, 300, 6_000) > -50
    assert band_db(heard, 8_500, 16_000) > -70
    return first + rest


def test_live_monitor(devices: PulseServer) -> None:
    said = heard_through(devices, "live_monitor.py")
    assert "line to speaker, 48000 Hz" in said
    assert said.count(" losses ") >= 8


def test_pedalboard_live(devices: PulseServer) -> None:
    needs.package("pedalboard", "pip install 'novasr[pedalboard]'")
    from novasr.errors import PluginError
    from novasr.plugin.bundle import find_bundle

    try:
        find_bundle()
    except PluginError as error:
        needs.missing(str(error))
    assert "line -> speaker, 48000 Hz" in heard_through(devices, "pedalboard_live.py")
