"""The file that ``novasr live --pipewire`` writes, and what is refused; tests/live runs it in PipeWire."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import needs
import pytest
from command_line import assert_one_error_line, novasr

from novasr.errors import PluginError
from novasr.plugin.headless import find_headless_bundle


@pytest.fixture(autouse=True)
def bundle() -> Path:
    try:
        return find_headless_bundle()
    except PluginError as error:
        needs.missing(str(error))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pipewire" / "pipewire.conf.d" / "novasr.conf"


def pipewire(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return novasr("live", "--pipewire", *words, XDG_CONFIG_HOME=str(tmp_path))


def test_both_devices_are_written_and_how_to_load_them(
    tmp_path: Path, file: Path, bundle: Path
) -> None:
    run = pipewire(tmp_path)
    assert run.returncode == 0, run.stderr
    first, second = run.stdout.splitlines()
    assert first.startswith(
        f"{file}: written: sink 'NovaSR' and microphone 'NovaSR-mic', 144 frames"
    )
    assert "systemctl --user restart pipewire.service" in second
    text = file.read_text()
    assert text.count("libpipewire-module-filter-chain") == text.count("flags = [ nofail ]") == 2
    assert text.count(f'plugin = "{bundle}/novasr_base.so"') == 2
    assert re.findall(r"label = (\w+)", text) == ["novasr_base_stereo", "novasr_base_mono"]
    assert [path.name for path in file.parent.iterdir()] == ["novasr.conf"]


def test_options_are_in_the_file_and_a_second_call_replaces_the_first(
    tmp_path: Path, file: Path
) -> None:
    assert pipewire(tmp_path).returncode == 0
    words = ["--virtual-mic", "My voice", "-i", 'odd "name"', "--model", "wide", "--mix", "0.5"]
    run = pipewire(tmp_path, *words)
    assert run.returncode == 0, run.stderr
    assert "microphone 'My voice', 511 frames of latency at 48 kHz" in run.stdout
    text = file.read_text()
    assert "Audio/Sink" not in text
    assert '"node.name" = "My_voice" "media.class" = "Audio/Source"' in text
    assert r'"target.object" = "odd \"name\""' in text
    assert "label = novasr_wide_mono" in text
    assert '"Mix" = 0.5' in text
    assert "Mode" not in text


def test_full_mode_is_a_control_of_the_plugin(tmp_path: Path, file: Path) -> None:
    assert pipewire(tmp_path, "--virtual-sink", "S", "--mode", "full").returncode == 0
    assert '"Mode" = 1' in file.read_text()


def test_remove_takes_away_what_was_written(tmp_path: Path, file: Path) -> None:
    assert pipewire(tmp_path).returncode == 0
    run = pipewire(tmp_path, "--remove")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"{file}: removed")
    assert not file.exists()
    assert_one_error_line(pipewire(tmp_path, "--remove"), f"nothing to remove at {file}")


@pytest.mark.parametrize("words", [[], ["--remove"]])
def test_a_file_of_others_stays(tmp_path: Path, file: Path, words: list[str]) -> None:
    file.parent.mkdir(parents=True)
    file.write_text("context.modules = []\n")
    assert_one_error_line(pipewire(tmp_path, *words), str(file), "was not written by novasr")
    assert file.read_text() == "context.modules = []\n"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--virtual-sink", 'a"b'], ["a device's name begins with a letter"]),
        (["--virtual-sink", "A", "--virtual-mic", "A"], ["need two names"]),
        (["--virtual-sink", "A", "-i", "mic"], ["--input is for the microphone"]),
        (["--virtual-mic", "A", "-o", "spk"], ["--output is for the sink"]),
        (["-o", "a\nb"], ["no node of PipeWire"]),
        (["--mix", "1.5"], ["mix must be 0 .. 1"]),
        (["--mix", "nan"], ["mix must be 0 .. 1"]),
        (["--rate", "44100"], ["--rate does not go with --pipewire"]),
        (["--record", "a.wav"], ["--record does not go with --pipewire"]),
        (["--weights", "v1"], ["--weights does not go with --pipewire"]),
        (["--remove", "--headless"], ["--headless does not go with --pipewire"]),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(
    tmp_path: Path, file: Path, words: list[str], parts: list[str]
) -> None:
    assert_one_error_line(pipewire(tmp_path, *words), *parts)
    assert not file.exists()


def test_remove_alone_is_refused() -> None:
    assert_one_error_line(novasr("live", "--remove"), "--remove goes with --pipewire")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "pipewire").write_text("no folder")
    assert_one_error_line(
        pipewire(tmp_path), f"{tmp_path}/pipewire/pipewire.conf.d", "cannot be made"
    )


def test_the_path_of_the_plugins_is_printed(bundle: Path) -> None:
    run = novasr("plugin", "path", "--lv2")
    assert (run.returncode, run.stdout) == (0, f"{bundle}\n")
