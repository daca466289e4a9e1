"""The VST3 in DawDreamer."""

from __future__ import annotations

import needs
import numpy as np
import pytest
from built_plugin import bundle, expected, latency, measured_lag, noise, speech_like

import novasr

dawdreamer = needs.package("dawdreamer", "pip install dawdreamer")

BLOCK = 512
PARAMETERS = [
    *("Mode", "Front end", "Crossover", "Mix", "High band gain", "Output gain", "Bypass", "Model")
]


class Host:
    """Plays audio of shape (frames, channels) through one instance."""

    def __init__(self, rate: int, block: int = BLOCK, channels: int = 2) -> None:
        self.rate, self.channels = rate, channels
        self.engine = dawdreamer.RenderEngine(rate, block)
        self.plugin = self.engine.make_plugin_processor("novasr", str(bundle("VST3")))
        if channels != 2:
            self.plugin.set_bus(channels, channels)

    def play(self, audio: np.ndarray) -> np.ndarray:
        source = self.engine.make_playback_processor("source", np.ascontiguousarray(audio.T))
        self.engine.load_graph([(source, []), (self.plugin, ["source"])])
        assert self.engine.render(len(audio) / self.rate)
        return self.engine.get_audio().T[: len(audio)]

    def set(self, name: str, value: float) -> None:
        assert self.plugin.set_parameter(PARAMETERS.index(name), value)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_sound_and_latency_are_those_of_a_stream(rate):
    host = Host(rate)
    audio = noise(rate)
    output = host.play(audio)
    assert output.shape == audio.shape
    np.testing.assert_allclose(output, expected(audio, rate), rtol=0, atol=1e-6)
    assert host.plugin.get_latency_samples() == latency(rate)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_reported_latency_is_the_measured_one(rate):
    host = Host(rate)
    host.set("Mix", 0.0)
    audio = noise(rate)
    output = host.play(audio)
    assert measured_lag(output, audio) == host.plugin.get_latency_samples()
    assert measured_lag(audio, audio) == 0  # control


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_state_with_the_model_wide(rate, tmp_path):
    chosen = Host(rate)
    chosen.set("Model", 1.0)
    chosen.play(noise(BLOCK))  # which delivers the parameter
    chosen.plugin.save_state(str(tmp_path / "state"))

    host = Host(rate)
    host.plugin.load_state(str(tmp_path / "state"))
    audio = speech_like(2 * rate, rate)
    np.testing.assert_allclose(
        host.play(audio), expected(audio, rate, model="wide"), rtol=0, atol=1e-6
    )
    assert host.plugin.get_latency_samples() == novasr.Stream(rate, model="wide").latency


def test_mono():
    audio = noise(20_000, 1)
    output = Host(48_000, channels=1).play(audio)
    np.testing.assert_allclose(output, expected(audio, 48_000), rtol=0, atol=1e-6)


@pytest.mark.parametrize("block", [1, 64, 8192])
def test_block_sizes(block):
    audio = noise(20_000)
    output = Host(48_000, block).play(audio)
    np.testing.assert_allclose(output, expected(audio, 48_000), rtol=0, atol=1e-6)


def test_parameters():
    host = Host(48_000)
    assert [entry["name"] for entry in host.plugin.get_parameters_description()] == PARAMETERS
    host.set("Mode", 1.0)
    host.set("Output gain", 54 / 84)
    audio = noise(20_000)
    output = host.play(audio)
    wanted = expected(audio, 48_000, mode="full", output_gain_db=-6.0)
    np.testing.assert_allclose(output, wanted, rtol=0, atol=1e-6)


def test_a_saved_state_sounds_the_same_in_a_new_instance(tmp_path):
    host = Host(48_000)
    host.set("Mix", 0.25)
    host.set("Mode", 1.0)
    audio = noise(20_000)
    before = host.play(audio)
    host.plugin.save_state(str(tmp_path / "state"))

    restored = Host(48_000)
    restored.plugin.load_state(str(tmp_path / "state"))
    np.testing.assert_allclose(restored.play(audio), before, rtol=0, atol=1e-6)
    assert np.abs(Host(48_000).play(audio) - before).max() > 1e-2  # control
