"""What ``novasr live --pipewire`` writes, in a PipeWire of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import needs
import numpy as np
import pytest
from command_line import novasr
from pipewire_rig import RATE, PipeWire, lag, require_pipewire

import novasr as package
from novasr.errors import PluginError
from novasr.plugin.headless import find_headless_bundle


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PipeWire]:
    require_pipewire()
    try:
        find_headless_bundle()
    except PluginError as error:
        needs.missing(str(error))
    return PipeWire(tmp_path)


def live(server: PipeWire, *words: str) -> None:
    run = novasr(
        "live", "--pipewire", *words, XDG_CONFIG_HOME=server.environment["XDG_CONFIG_HOME"]
    )
    assert run.returncode == 0, run.stderr


@pytest.fixture
def talk(rng: np.random.Generator) -> np.ndarray:
    """Two seconds below 6 kHz, in two channels."""
    spectrum = np.fft.rfft(rng.uniform(-0.5, 0.5, (2 * RATE, 2)), axis=0)
    spectrum[12_000:] = 0
    return np.fft.irfft(spectrum, axis=0).astype(np.float32)


@pytest.mark.parametrize("model", ["base", "wide"])
def test_what_programs_play_to_the_sink_is_late_by_the_latency_of_the_model(
    server: PipeWire, talk: np.ndarray, model: str
) -> None:
    """A chain without effect, played through in the same way, tells the delay of the graph."""
    live(server, "--virtual-sink", "My NovaSR", "--model", model)
    with server.running():
        server.wait_for(lambda: server.linked("My_NovaSR.output:output_FR", "speaker:playback_FR"))
        through = server.round_trip(talk, "My_NovaSR", "My_NovaSR:monitor_FL", "speaker:monitor_FL")
        plain = server.round_trip(talk, "Plain", "Plain:monitor_FL", "speaker:monitor_FL")
    latency = package.Stream(RATE, output_rate=RATE, model=model).latency
    assert lag(through) - lag(plain) == latency
    before, after = through.T
    added = np.abs(np.fft.rfft(after))[len(after) * 10 // 48 :].mean()
    assert added > 10 * np.abs(np.fft.rfft(before))[len(before) * 10 // 48 :].mean()


def test_the_sound_is_that_of_a_stream(server: PipeWire, talk: np.ndarray) -> None:
    """Of half a second in the middle, where both have long been running."""
    live(server, "--virtual-sink", "NovaSR", "--mix", "0.5")
    with server.running():
        server.wait_for(lambda: server.linked("NovaSR.output:output_FL", "speaker:playback_FL"))
        recording = server.round_trip(talk, "NovaSR", "NovaSR:monitor_FL", "speaker:monitor_FL")
    before, after = recording.T
    stream = package.Stream(RATE, output_rate=RATE, mix=0.5)
    graph = lag(recording) - stream.latency
    # The network takes every third frame of 48 kHz, of which the server's stream began with one.
    wanted = [
        package.Stream(RATE, output_rate=RATE, mix=0.5).process(before[first:])
        for first in range(3)
    ]
    middle = slice(RATE, 3 * RATE // 2)
    differences = [
        np.abs(after[graph + first :][middle] - one[middle]).max()
        for first, one in enumerate(wanted)
    ]
    assert min(differences) < 1e-6
    assert max(differences) > 1e-3  # control


def test_programs_record_from_the_microphone_what_is_enhanced(
    server: PipeWire, talk: np.ndarray
) -> None:
    live(server, "--virtual-mic", "NovaSR-mic", "-i", "microphone")
    with server.running():
        server.wait_for(lambda: "NovaSR-mic:capture_MONO" in server.ports())
        server.wait_for(
            lambda: server.linked("microphone:capture_MONO", "NovaSR-mic.input:input_MONO")
        )
        recording = server.round_trip(
            talk[:, :1],
            "microphone",
            "microphone:capture_MONO",
            "NovaSR-mic:capture_MONO",
            into="microphone:input_MONO",
        )
    assert lag(recording) % 1_024 == 144  # whole periods of the graph, and the model
    before, after = np.abs(np.fft.rfft(recording, axis=0))[len(recording) * 10 // 48 :].mean(0)
    assert after > 10 * before


def test_programs_for_pulseaudio_see_both_devices(server: PipeWire) -> None:
    live(server)
    with server.running(), server.pulse():
        server.wait_for(lambda: "NovaSR" in server.pactl("sinks"))
        assert "NovaSR-mic" in server.pactl("sources")


def test_after_remove_the_server_starts_without_the_devices(server: PipeWire) -> None:
    live(server)
    live(server, "--remove")
    assert [path.name for path in server.config.iterdir()] == ["rig.conf"]
    with server.running():
        assert not any("NovaSR" in port for port in server.ports())


def test_a_library_that_has_gone_does_not_keep_the_server_from_starting(server: PipeWire) -> None:
    """As after the environment of Python was deleted in which novasr was installed."""
    live(server)
    file = server.config / "novasr.conf"
    file.write_text(file.read_text().replace("novasr_base.so", "gone.so"))
    with server.running():
        assert not any("NovaSR" in port for port in server.ports())
