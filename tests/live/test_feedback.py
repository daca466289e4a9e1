"""A microphone that would hear the loudspeaker is refused, under whatever name it goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulse_server import PulseServer
from test_errors import assert_one_error_line, novasr

from novasr.live.servers.feedback import howls


@pytest.mark.parametrize(
    ("source", "sink"),
    [
        ("HDA Intel PCH: ALC3246 Analog (hw:0,0)", "HDA Intel PCH: ALC3246 Analog (hw:0,0)"),
        ("Built-in Audio Analog Stereo analog-input-internal-mic", "Built-in Audio Analog Stereo"),
        ("MacBook Pro Microphone", "MacBook Pro Speakers"),
        ("Microphone Array (Realtek(R) Audio)", "Speakers (Realtek(R) Audio)"),
        (
            "Tiger Lake-LP Smart Sound Technology Audio Controller Digital Microphone [In] Mic1",
            "Tiger Lake-LP Smart Sound Technology Audio Controller Speaker [Out] Speaker",
        ),
    ],
)
def test_built_in_devices_howl(source: str, sink: str) -> None:
    assert howls(source, sink)


@pytest.mark.parametrize(
    ("source", "sink"),
    [
        ("USB Microphone", "MacBook Pro Speakers"),
        ("MacBook Pro Microphone", "AirPods Pro"),
        ("Built-in Audio Analog Stereo", "Built-in Audio Analog Stereo analog-output-headphones"),
        ("HDA Intel PCH: ALC3246 Analog (hw:0,0)", "HDA Intel PCH: HDMI 0 (hw:0,3)"),
        ("mic", "spk"),
    ],
)
def test_others_do_not(source: str, sink: str) -> None:
    assert not howls(source, sink)


@pytest.fixture
def default_is_pulse(pulse: PulseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "asound.conf"
    config.write_text("pcm.default { type pulse }\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "none")


def test_a_default_that_is_a_monitor_of_the_other_is_refused(
    pulse: PulseServer, default_is_pulse: None
) -> None:
    pulse.pactl("set-default-source", "speaker.monitor")
    pulse.pactl("set-default-sink", "speaker")
    assert_one_error_line(novasr("live", "--headless"), "what Speaker plays", "--allow-feedback")


def test_defaults_that_are_built_in_are_refused(pulse: PulseServer, default_is_pulse: None) -> None:
    for name in ("room", "loudspeaker"):
        properties = "sink_properties=device.description='Built-in\\ Audio'"
        pulse.pactl("load-module", "module-null-sink", f"sink_name={name}", properties)
    pulse.pactl("set-default-source", "room.monitor")
    pulse.pactl("set-default-sink", "loudspeaker")
    run = novasr("live", "--headless")
    assert_one_error_line(run, "Built-in Audio would hear Built-in Audio", "--allow-feedback")


def test_allow_feedback_runs_it_all_the_same(
    pulse: PulseServer, default_is_pulse: None, live
) -> None:
    process = live("--allow-feedback", "--mix", "0")
    process.wait_for("running", 20)
