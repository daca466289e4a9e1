"""What cannot work ends with exit code 2 and one line that names the cause."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from command_line import assert_one_error_line, novasr, without_posix


def live(*words: str) -> subprocess.CompletedProcess[str]:
    return novasr("live", "--headless", *words)


def test_a_wrong_device_is_answered_with_those_that_there_are(jack, peers) -> None:
    jack()
    peers()
    assert_one_error_line(live("-i", "nobody"), "no input device matches 'nobody'", "mic (JACK")
    assert_one_error_line(live("-i", "mic", "-o", "mic"), "no output device", "spk (JACK")
    assert_one_error_line(live("-i", "99"), "no input device matches '99'")
    assert_one_error_line(live("-i", "i"), "several input devices match 'i'", "mic (JACK")


def test_a_rate_that_a_device_does_not_have_is_refused(jack, peers) -> None:
    jack(48_000)
    peers()
    run = live("-i", "mic", "-o", "spk", "--rate", "44100")
    assert_one_error_line(run, "mic", "does not run at 44100 Hz", "48000")


def test_a_machine_without_devices_is_told_so(portaudio, tmp_path: Path) -> None:
    nothing = tmp_path / "asound.conf"
    nothing.write_text('pcm.default { type hw card "none" }\n')
    without = {"ALSA_CONFIG_PATH": str(nothing), "JACK_DEFAULT_SERVER": "none"}
    run = novasr("live", "--headless", **without)
    assert_one_error_line(run, "there is no input device", "start a sound server")
    run = novasr("devices", **without)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (0, "", 1)
    assert "novasr: warning: there is no sound device" in run.stderr
    assert "apt-get install pipewire-alsa" in run.stderr
    run = novasr("devices", "--json", **without)
    assert (run.returncode, json.loads(run.stdout), run.stderr) == (0, [], "")


def test_a_missing_portaudio_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "sounddevice.py"
    missing.write_text("raise OSError('PortAudio library not found')\n")
    for command in (["live", "--headless"], ["devices"]):
        run = novasr(*command, PYTHONPATH=str(tmp_path))
        assert_one_error_line(run, "libportaudio2")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--block", "7"], ["block must be 32 .. 1024 frames"]),
        (["--rate", "123"], ["rate must be 8000 .. 192000 Hz"]),
        (["--mix", "3"], ["mix"]),
        (["--record", "talk.mp3"], ["talk.mp3", ".wav"]),
        (["--record", "no/such/folder/talk.wav"], ["folder is missing"]),
        (["--engine", "native", "--weights", "x.ts"], ["engine='native'"]),
        (["--weights", "no-such-file.safetensors"], ["no-such-file.safetensors"]),
    ],
)
def test_wrong_options_are_refused(jack, peers, words: list[str], parts: list[str]) -> None:
    jack()
    peers()
    assert_one_error_line(live("-i", "mic", "-o", "spk", *words), *parts)


def test_a_recording_is_not_overwritten(jack, peers, tmp_path: Path) -> None:
    jack()
    peers()
    for name in ("talk.wav", "talk.part.wav"):
        (tmp_path / name).write_bytes(b"mine")
        run = live("-i", "mic", "-o", "spk", "--record", str(tmp_path / "talk.wav"))
        assert_one_error_line(run, name, "exists")
        assert (tmp_path / name).read_bytes() == b"mine"
        (tmp_path / name).unlink()


def test_what_other_systems_lack_is_not_needed(jack, peers, live, tmp_path, monkeypatch) -> None:
    jack(synchronous=False)
    peers(tone=True)
    monkeypatch.setenv("PYTHONPATH", without_posix(tmp_path))
    process = live("-i", "mic", "-o", "spk")
    process.wait_for("running", 20)
    process.wait_for_sound(2)
    assert process.interrupt()[0] == 130


def test_devices_are_listed(jack, peers) -> None:
    jack(48_000)
    peers()
    run = novasr("devices")
    assert run.returncode == 0
    lines = run.stdout.splitlines()
    assert any("mic (JACK" in line and "1 in, 0 out, 48 kHz" in line for line in lines)
    found = json.loads(novasr("devices", "--json").stdout)
    microphone = next(device for device in found if device["name"] == "mic")
    assert (microphone["inputs"], microphone["outputs"], microphone["rates"]) == (1, 0, [48_000])
