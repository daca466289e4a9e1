"""novasr plugin install, path and uninstall: as users run them, in a separate home."""

from __future__ import annotations

import subprocess
from pathlib import Path

import command_line
import needs
import pytest
from plugin_support import require_bundle, run_python

from novasr.weights.torch_runtime import find_torch_engine

BUNDLE = require_bundle()
RESOURCES = Path("Contents", "Resources")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def novasr(home: Path):
    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return command_line.novasr(*words, HOME=str(home))

    return run


def content(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, hidden files included."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_path_is_that_of_the_bundle(novasr):
    run = novasr("plugin", "path")
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{BUNDLE}\n", "")


def test_install_copies_the_bundle_and_nothing_else(novasr, home):
    run = novasr("plugin", "install")
    assert (run.returncode, run.stderr) == (0, "")
    installed = home / ".vst3" / "NovaSR.vst3"
    assert run.stdout.startswith(f"{installed}: installed\n")
    added = {(RESOURCES / name).as_posix() for name in ("novasr-install.json", "torch-engine.txt")}
    copied = {name: data for name, data in content(installed).items() if name not in added}
    assert copied == content(BUNDLE)
    assert [path.name for path in (home / ".vst3").iterdir()] == ["NovaSR.vst3"]


def test_the_copy_plays_like_the_original(novasr, home):
    needs.package("pedalboard", "pip install 'novasr[pedalboard]'")
    novasr("plugin", "install")
    code = """if True:
        import sys, numpy as np, pedalboard
        audio = np.random.default_rng(1).standard_normal(9000).astype(np.float32)
        one, other = (pedalboard.load_plugin(path) for path in sys.argv[1:])
        print(np.array_equal(one(audio, 48_000), other(audio, 48_000)))
    """
    assert run_python(code, BUNDLE, home / ".vst3" / "NovaSR.vst3") == "True\n"


def test_the_copy_knows_where_the_engine_for_torchscript_is(novasr, home):
    needs.libtorch()
    engine = find_torch_engine()
    assert f"{engine}: " in novasr("plugin", "install").stdout
    pointer = home / ".vst3" / "NovaSR.vst3" / RESOURCES / "torch-engine.txt"
    assert Path(pointer.read_text()) == engine
    assert engine.is_absolute()


def test_installing_again_brings_the_new_version(novasr, home):
    installed = home / ".vst3" / "NovaSR.vst3"
    novasr("plugin", "install")
    first = installed.stat().st_ino
    assert novasr("plugin", "install").returncode == 0
    assert installed.stat().st_ino != first
    assert [path.name for path in (home / ".vst3").iterdir()] == ["NovaSR.vst3"]


def test_uninstall_removes_what_install_wrote(novasr, home):
    novasr("plugin", "install")
    neighbour = home / ".vst3" / "Other.vst3"
    neighbour.mkdir()
    run = novasr("plugin", "uninstall")
    assert run.returncode == 0
    assert run.stdout == f"{home / '.vst3' / 'NovaSR.vst3'}: removed\n"
    assert list((home / ".vst3").iterdir()) == [neighbour]
    command_line.assert_one_error_line(
        novasr("plugin", "uninstall"), "nothing to remove at ", "NovaSR.vst3 (--to FOLDER if it is"
    )


def test_another_folder(novasr, tmp_path):
    folder = tmp_path / "made" / "for it"
    assert novasr("plugin", "install", "--to", folder).returncode == 0
    assert (folder / "NovaSR.vst3").is_dir()
    assert novasr("plugin", "uninstall", "--to", folder).returncode == 0
    assert not list(folder.iterdir())


def foreign_folder(target: Path) -> None:
    (target / "Contents").mkdir(parents=True)
    (target / "Contents" / "precious").write_text("mine")


def foreign_file(target: Path) -> None:
    target.write_text("mine")


def link_to_ours(target: Path) -> None:
    target.symlink_to(BUNDLE)


def dangling_link(target: Path) -> None:
    target.symlink_to("nowhere")


def marker_of_another(target: Path) -> None:
    (target / RESOURCES).mkdir(parents=True)
    (target / RESOURCES / "novasr-install.json").write_text("[1, 2]")


@pytest.mark.parametrize("command", ["install", "uninstall"])
@pytest.mark.parametrize(
    "make", [foreign_folder, foreign_file, link_to_ours, dangling_link, marker_of_another]
)
def test_what_novasr_did_not_write_stays(novasr, home, command, make):
    (home / ".vst3").mkdir()
    make(home / ".vst3" / "NovaSR.vst3")
    before = content(home)
    command_line.assert_one_error_line(
        novasr("plugin", command), "was not installed by novasr", "--to"
    )
    assert content(home) == before


@pytest.mark.parametrize("command", ["install", "uninstall"])
@pytest.mark.parametrize("change", ["edited", "added", "removed"])
def test_what_was_altered_since_stays(novasr, home, command, change):
    novasr("plugin", "install")
    installed = home / ".vst3" / "NovaSR.vst3"
    binary = next(installed.rglob("*.so"))
    if change == "edited":
        binary.write_bytes(binary.read_bytes() + b"!")
    elif change == "added":
        (installed / RESOURCES / "my.vstpreset").write_text("mine")
    else:
        binary.unlink()
    before = content(home)
    command_line.assert_one_error_line(
        novasr("plugin", command), "was altered after novasr installed it", "--to"
    )
    assert content(home) == before


def test_a_folder_that_cannot_be_written_is_named(novasr, tmp_path):
    (tmp_path / "file").write_text("")
    run = novasr("plugin", "install", "--to", tmp_path / "file" / "below")
    command_line.assert_one_error_line(run, f"{tmp_path / 'file' / 'below'}: cannot be written: ")


@pytest.mark.parametrize(
    "words", [("install", "--system", "--to", "x"), ("uninstall", "--system", "--to", "x")]
)
def test_two_folders_are_one_too_many(novasr, words):
    command_line.assert_one_error_line(novasr("plugin", *words), "--system and --to")


@pytest.mark.parametrize("words", [(), ("install",), ("path",), ("uninstall",)])
def test_help_has_examples(novasr, words):
    run = novasr("plugin", *words, "--help")
    assert run.returncode == 0
    assert f"Examples:\n    novasr plugin {words[0] if words else ''}" in run.stdout
