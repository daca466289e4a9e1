"""The LADSPA plugins: in a host of our own, and in the programs of LADSPA's makers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
from built_plugin import expected, measured_lag, noise, speech_like
from headless_bundle import LATENCY, MODELS, bundle, library
from ladspa_host import CONTROL, OUTPUT, Instance, descriptors

KINDS = [(model, layout) for model in MODELS for layout in ("mono", "stereo")]


def plugin(model: str, layout: str, rate: int = 48_000) -> Instance:
    return Instance(library(model), f"novasr_{model}_{layout}", rate)


@pytest.mark.parametrize(("model", "layout"), KINDS)
@pytest.mark.parametrize(("rate", "block"), [(48_000, 256), (44_100, 441), (96_000, 1)])
def test_the_sound_is_that_of_a_stream_bit_for_bit(model, layout, rate, block):
    audio = speech_like(5_000, rate)[:, : 1 if layout == "mono" else 2]
    with plugin(model, layout, rate) as instance:
        output = instance.run(audio, block)
    np.testing.assert_array_equal(output, expected(audio, rate, model=model))


@pytest.mark.parametrize(("model", "layout"), KINDS)
def test_the_delay_is_the_latency_port(model, layout):
    audio = speech_like(20_000, 48_000)[:, : 1 if layout == "mono" else 2]
    with plugin(model, layout) as instance:
        output = instance.run(audio, 1_024)
        assert instance.controls["latency"].value == LATENCY[model]
    assert measured_lag(output, audio) == LATENCY[model]


@pytest.mark.parametrize(
    ("model", "controls", "sound"),
    [
        ("base", {"Mix": 0.25}, {"mix": 0.25}),
        ("base", {"High band gain (dB)": -12}, {"high_band_gain_db": -12.0}),
        ("base", {"Mode": 1}, {"mode": "full"}),
        ("base", {"Enabled": 0}, {"bypass": True}),
        ("wide", {"High band gain (dB)": 6}, {"high_band_gain_db": 6.0}),
        ("wide", {"Mix": 0.5, "Enabled": 1}, {"mix": 0.5}),
    ],
)
def test_controls_are_the_parameters_of_a_stream(model, controls, sound):
    audio = speech_like(24_000, 48_000)  # half a second: `wide` has found where the band ends
    with plugin(model, "stereo") as instance:
        for name, value in controls.items():
            instance.controls[name].value = value
        output = instance.run(audio, 480)
    np.testing.assert_array_equal(output, expected(audio, 48_000, model=model, **sound))
    assert np.abs(output - expected(audio, 48_000, model=model)).max() > 1e-3  # it is heard


@pytest.mark.parametrize("model", MODELS)
def test_nan_in_the_input_is_gone_with_its_frame(model):
    audio = noise(30_000)
    audio[5_000] = np.nan
    audio[6_000, 1] = np.inf
    with plugin(model, "stereo") as instance:
        assert np.isfinite(instance.run(audio, 128)).all()


def test_two_instances_do_not_meet():
    audio = noise(4_000)
    with plugin("base", "stereo") as one, plugin("base", "stereo", 44_100) as other:
        first = [one.run(audio[at : at + 500], 500) for at in range(0, 4_000, 500)]
        second = other.run(audio, 500)
    np.testing.assert_array_equal(np.concatenate(first), expected(audio, 48_000))
    np.testing.assert_array_equal(second, expected(audio, 44_100))


@pytest.mark.parametrize("rate", [4_000, 400_000])
def test_a_rate_that_cannot_be_is_refused_with_a_reason(rate):
    code = f"""if True:
        from ladspa_host import Instance
        Instance({str(library("base"))!r}, "novasr_base_mono", {rate})
    """
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent
    )
    assert f"NovaSR base, mono: sample_rate_hz is {rate} Hz" in run.stderr
    assert f"ValueError: no novasr_base_mono at {rate} Hz" in run.stderr


def test_a_library_has_one_model_and_that_of_base_is_small():
    """1.07 MB of the other one are weights, of 16 bits each."""
    assert library("base").stat().st_size < 1_000_000
    assert library("wide").stat().st_size < 1_500_000
    labels = [one.label.decode() for model in MODELS for one in descriptors(library(model))]
    assert labels == [f"novasr_{model}_{layout}" for model, layout in KINDS]


def test_latency_is_a_control_output_of_the_name_that_hosts_look_for():
    for model in MODELS:
        for one in descriptors(library(model)):
            ports = dict(zip(one.port_names[: one.port_count], one.port_descriptors, strict=False))
            assert ports[b"latency"] == CONTROL | OUTPUT


def test_analyseplugin_reads_them():
    needs.programs("analyseplugin", packages="ladspa-sdk")
    for model in MODELS:
        run = subprocess.run(
            ["analyseplugin", library(model)], capture_output=True, text=True, check=True
        )
        assert run.stderr == ""
        assert f'Plugin Label: "novasr_{model}_mono"' in run.stdout
        assert run.stdout.count("Environment: Normal or Hard Real-Time") == 2
        assert run.stdout.count('"High band gain (dB)" input, control, -24 to 12, default 0') == 2


def test_applyplugin_gives_what_a_stream_gives(tmp_path):
    """It takes WAV files of 16 bits, and all controls in their order."""
    needs.programs("applyplugin", packages="ladspa-sdk")
    sf.write(tmp_path / "in.wav", 0.5 * speech_like(24_000, 48_000)[:, 0], 48_000, "PCM_16")
    audio = sf.read(tmp_path / "in.wav", dtype="float32", always_2d=True)[0]
    command = ["applyplugin", tmp_path / "in.wav", tmp_path / "out.wav"]
    command += [library("base"), "novasr_base_mono", "1", "1", "0", "0"]
    subprocess.run(command, capture_output=True, check=True)
    output = sf.read(tmp_path / "out.wav", dtype="float32", always_2d=True)[0]
    wanted = expected(audio, 48_000)
    assert np.abs(output - wanted[: len(output)]).max() < 2 / 32_768
    assert np.abs(output[1:] - wanted[: len(output) - 1]).max() > 0.01  # control: one frame shows


def test_the_bundle_has_nothing_but_the_plugins():
    assert sorted(path.name for path in bundle().iterdir()) == [
        "manifest.ttl",
        "novasr_base.so",
        "novasr_wide.so",
        "plugins.ttl",
    ]
