"""The LV2 plugins without an editor: as lilv reads them, and in jalv on a JACK server."""

from __future__ import annotations

import os
import re
import subprocess

import needs
import numpy as np
import pytest
from built_plugin import expected, measured_lag, speech_like
from headless_bundle import LATENCY, MODELS, bundle
from jack_cables import Cables
from jack_server import end, jack_server, wait_until

from novasr.parameters import INFOS

PREFIX = "https://novasr.live/plugins/headless/"
KINDS = [f"{model}-{layout}" for model in MODELS for layout in ("mono", "stereo")]
PORTS = {"mono": (["in"], ["out"]), "stereo": (["in_l", "in_r"], ["out_l", "out_r"])}


def lilv(name: str, *arguments: str) -> str:
    """Output of one of lilv's programs, which sees LV2's own bundles and ours."""
    environment = {**os.environ, "LV2_PATH": str(bundle().parent)}
    needs.programs(name, packages="lilv-utils")
    result = subprocess.run(
        [name, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    return result.stdout


def test_lilv_finds_the_plugins():
    assert lilv("lv2ls").split() == [PREFIX + kind for kind in KINDS]


def test_the_bundle_is_valid():
    needs.programs("lv2_validate", "sord_validate", packages="lv2-dev sordi")
    files = sorted(bundle().glob("*.ttl"))
    run = subprocess.run(["lv2_validate", *files], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "Found 0 errors" in run.stdout + run.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_lilv_reads_ports_ranges_and_author(kind):
    info = lilv("lv2info", PREFIX + kind)
    model, layout = kind.split("-")
    assert "Author:            NovaSR Live" in info
    assert "Optional Features: http://lv2plug.in/ns/lv2core#hardRTCapable" in info
    assert re.search(r"Has latency: +yes, reported by port 3", info)
    ports = {re.search(r"Symbol: +(\w+)", port)[1]: port for port in info.split("\tPort ")[1:]}
    ins, outs = PORTS[layout]
    modes = ["mode"] if model == "base" else []
    assert list(ports) == ["enabled", "mix", "high_band_gain", "latency", *ins, *outs, *modes]
    assert re.search(r"Designation: http://lv2plug.in/ns/lv2core#enabled", ports["enabled"])
    parameters = {"mix": "mix", "high_band_gain": "high_band_gain_db"}
    if model == "base":
        parameters["mode"] = "mode"
        modes = dict(re.findall(r'(\d)\S* = "(\w+)"', ports["mode"]))
        assert modes == {"0": "extend", "1": "full"}
    for symbol, name in parameters.items():
        found = [
            float(re.search(rf"{word}: +(\S+)", ports[symbol])[1])
            for word in ("Minimum", "Maximum", "Default")
        ]
        assert found == [INFOS[name].low, INFOS[name].high, INFOS[name].initial]


def test_the_plugins_name_their_licence():
    text = (bundle() / "plugins.ttl").read_text()
    licences = set(re.findall(r"doap:license <(.*)>", text))
    assert licences == {"http://spdx.org/licenses/Apache-2.0"}


def treble(audio: np.ndarray) -> float:
    """Level above 9 kHz of the second half, when the model has found where the band ends."""
    half = audio[len(audio) // 2 :] * np.hanning(len(audio) - len(audio) // 2)[:, np.newaxis]
    return np.abs(np.fft.rfft(half, axis=0)[len(half) * 9 // 48 :]).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_sound_and_latency_in_jalv(tmp_path, kind):
    jack = needs.package("jack", "pip install JACK-Client")
    needs.programs("jalv", packages="jalv")
    model, layout = kind.split("-")
    ins, outs = ([f"novasr:{symbol}" for symbol in symbols] for symbols in PORTS[layout])
    audio = speech_like(48_000, 48_000)[:, : len(ins)]
    # A period of whole hops of both models: the recording may begin with any of them.
    with jack_server(tmp_path, 48_000, 768) as environment:
        environment["LV2_PATH"] = str(bundle().parent)
        server = environment["JACK_DEFAULT_SERVER"]
        # Clients that come and go while jalv starts may leave it standing still: this one is there before.
        watch = jack.Client("watch", servername=server, no_start_server=True)
        with (tmp_path / "jalv.log").open("w") as log:
            jalv = subprocess.Popen(
                ["jalv", "-x", "-n", "novasr", PREFIX + kind],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(lambda: {port.name for port in watch.get_ports("novasr:")} >= {*ins, *outs})
            lsp = subprocess.run(
                ["jack_lsp", "-l"], env=environment, capture_output=True, text=True, check=True
            )
            told = rf"{outs[0]}\n\tport playback latency = \[ (\d+) (\d+) \]"
            reported = re.search(told, lsp.stdout)
            with Cables(jack, server, audio, ins, outs) as cables:
                output = cables.play()
        finally:
            end(jalv)
            watch.close()
    silence = np.zeros((100 * 768, len(ins)), np.float32)  # which jalv had played before
    wanted = expected(np.concatenate([silence, audio]), 48_000, model=model)[len(silence) :]
    if model == "base":
        np.testing.assert_allclose(output, wanted, rtol=0, atol=1e-6)
        assert np.abs(output[1:] - wanted[:-1]).max() > 1e-2  # control: one frame would show
    else:  # what it adds has a noise that goes on from the start of jalv: the level alone is known
        assert 20 * np.log10(treble(output) / treble(wanted)) == pytest.approx(0, abs=0.5)
        assert treble(wanted) > 100 * treble(audio)
    assert reported is not None
    assert reported.groups() == (str(LATENCY[model]),) * 2
    assert measured_lag(output, audio) == LATENCY[model]
