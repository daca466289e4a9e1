"""The LV2 bundle as lilv reads it, and in jalv on a JACK server."""

from __future__ import annotations

import os
import re
import subprocess

import needs
import numpy as np
import pytest
from built_plugin import bundle, expected, latency, measured_lag, speech_like
from jack_cables import Cables
from jack_server import end, jack_server, wait_until

URI = "https://novasr.live/plugins/novasr"
INS, OUTS = ([f"novasr:audio_{way}_{n}" for n in (1, 2)] for way in ("in", "out"))


def lilv(name: str, *arguments: str) -> str:
    """Output of one of lilv's programs, which sees our bundle alone."""
    environment = {**os.environ, "LV2_PATH": str(bundle("LV2").parent)}
    needs.programs(name, packages="lilv-utils")
    result = subprocess.run(
        [name, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    return result.stdout


def test_lilv_finds_the_plugin():
    assert lilv("lv2ls").split() == [URI]
    assert lilv("lv2ls", "-n").strip() == "NovaSR"


def test_lilv_reads_the_ports():
    info = lilv("lv2info", URI)
    kinds = {
        re.search(r"Symbol: +(\w+)", port)[1]: set(re.findall(r"#(\w+Port)\b", port))
        for port in info.split("\tPort ")[1:]
    }
    for n in (1, 2):
        assert kinds[f"audio_in_{n}"] == {"AudioPort", "InputPort"}
        assert kinds[f"audio_out_{n}"] == {"AudioPort", "OutputPort"}
    assert kinds["latency"] == {"ControlPort", "OutputPort"}
    assert re.search(r"Has latency: +yes, reported by port", info)


def test_lilv_reads_the_author():
    authors = re.findall(r"^\tAuthor.*: +(.*)$", lilv("lv2info", URI), re.MULTILINE)
    assert authors == ["NovaSR Live", "https://novasr.live"]  # no address for mail


def test_the_bundle_names_its_licence():
    text = (bundle("LV2") / "dsp.ttl").read_text()
    licences = re.findall(r"doap:license <(.*)>", text)
    assert licences == ["http://spdx.org/licenses/GPL-3.0-or-later"]


def test_the_bundle_declares_the_parameters():
    text = (bundle("LV2") / "dsp.ttl").read_text()
    declared = re.findall(r"^plug:(\w+)\n\ta lv2:Parameter ;", text, re.MULTILINE)
    names = ["mode", "front_end", "crossover", "mix", "high_band_gain", "output_gain", "bypass"]
    assert declared == [*names, "model"]


# Periods of whole frames of the network's 16 kHz: the recording may begin with any of them.
@pytest.mark.parametrize(("rate", "period"), [(48_000, 192), (44_100, 441), (96_000, 960)])
def test_sound_and_latency_in_jalv(tmp_path, rate, period):
    jack = needs.package("jack", "pip install JACK-Client")
    needs.programs("jalv", packages="jalv")
    command = ["jalv", "-x", "-n", "novasr", URI]
    bundles = str(bundle("LV2").parent)
    with jack_server(tmp_path, rate, period) as environment:
        environment["LV2_PATH"] = bundles
        # Clients that come and go while jalv starts may leave it standing still: this one is there before.
        watch = jack.Client(
            "watch", servername=environment["JACK_DEFAULT_SERVER"], no_start_server=True
        )
        with (tmp_path / "jalv.log").open("w") as log:
            jalv = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        try:
            wait_until(lambda: {port.name for port in watch.get_ports("novasr:")} >= {*INS, *OUTS})
            lsp = subprocess.run(
                ["jack_lsp", "-l"], env=environment, capture_output=True, text=True, check=True
            )
            told = r"novasr:audio_out_1\n\tport playback latency = \[ (\d+) (\d+) \]"
            reported = re.search(told, lsp.stdout)
            audio = speech_like(rate, rate)
            with Cables(jack, environment["JACK_DEFAULT_SERVER"], audio, INS, OUTS) as cables:
                output = cables.play()
        finally:
            end(jalv)
            watch.close()
    silence = np.zeros((100 * period, 2), np.float32)  # which jalv had played before
    wanted = expected(np.concatenate([silence, audio]), rate)[len(silence) :]
    np.testing.assert_allclose(output, wanted, rtol=0, atol=1e-6)
    assert np.abs(output[1:] - wanted[:-1]).max() > 1e-2  # control: one frame would show
    assert reported is not None
    assert reported.groups() == (str(latency(rate)),) * 2
    assert measured_lag(output, audio) == latency(rate)
