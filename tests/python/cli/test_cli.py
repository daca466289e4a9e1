"""The command line: exit codes, one line for an error, and nothing left behind."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from importlib import metadata
from importlib.resources import files
from pathlib import Path

import needs
import pytest
import soundfile as sf
from audio_files import damaged_files, noise, write
from command_line import assert_one_error_line, novasr

DAMAGED = [
    "missing",
    "empty",
    "text",
    "text as MP3",
    "random bytes",
    "raw",
    "no channels",
    "no frames",
    "no header end",
    "cut WAV",
    "cut RF64",
    "cut AIFF",
    "cut FLAC",
    "cut MP3",
    "corrupt FLAC",
    "rate too low",
]


def names(folder: Path) -> list[str]:
    """List a folder, hidden files included."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write(tmp_path / "speech.wav", noise(2.0, 16_000), 16_000)


def test_a_file_is_enhanced_beside_its_source(tmp_path: Path, speech: Path) -> None:
    run = novasr("enhance", "speech.wav", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("speech.wav -> speech-48k.wav: 2.0 s in ")
    assert run.stdout.rstrip().endswith("x real time)")
    assert names(tmp_path) == ["speech-48k.wav", "speech.wav"]
    assert sf.info(tmp_path / "speech-48k.wav").frames == 96_000


def test_output_and_directory_name_the_result(tmp_path: Path, speech: Path) -> None:
    assert novasr("enhance", speech, "-o", tmp_path / "made.flac").returncode == 0
    assert novasr("enhance", speech, "-d", tmp_path / "new" / "folder").returncode == 0
    assert sf.info(tmp_path / "made.flac").format == "FLAC"
    assert sf.info(tmp_path / "new" / "folder" / "speech-48k.wav").samplerate == 48_000


def test_the_options_reach_the_engine(tmp_path: Path, speech: Path) -> None:
    for name, options in {
        "extend": [],
        "full": ["--mode", "full"],
        "native": ["--engine", "native"],
    }.items():
        assert novasr("enhance", speech, "-o", tmp_path / f"{name}.wav", *options).returncode == 0
    extended, full, native = (
        (tmp_path / f"{name}.wav").read_bytes() for name in ("extend", "full", "native")
    )
    assert extended == native
    assert extended != full


def test_a_folder_is_enhanced_without_its_results_and_mirrored_below_another(
    tmp_path: Path,
) -> None:
    inside = tmp_path / "in"
    (inside / "deep").mkdir(parents=True)
    for name in ("a.wav", "b.flac", "deep/a.ogg", "a-48k.wav"):
        write(inside / name, noise(1.0, 16_000), 16_000)
    (inside / "notes.txt").write_text("no audio")
    out = tmp_path / "out"
    flat = novasr("enhance", inside, "-d", out)
    assert flat.returncode == 0
    assert "2 of 2 files: 2.0 s in " in flat.stdout
    assert names(out) == ["a-48k.wav", "b-48k.flac"]
    deep = novasr("enhance", inside, "-d", out, "--recursive", "--overwrite", "--jobs", "2")
    assert deep.returncode == 0
    assert names(out) == ["a-48k.wav", "b-48k.flac", "deep", "deep/a-48k.wav"]


def test_an_error_in_one_file_does_not_stop_the_others(tmp_path: Path, speech: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no audio")
    other = write(tmp_path / "other.wav", noise(1.0, 16_000), 16_000)
    run = novasr("enhance", bad, speech, tmp_path / "absent.wav", other)
    assert run.returncode == 2
    assert [line.split(": ")[:2] for line in run.stderr.splitlines()] == [["novasr", "error"]] * 3
    assert "novasr: error: 2 of 4 files failed" in run.stderr
    assert "2 of 4 files: 3.0 s in " in run.stdout
    assert names(tmp_path) == [
        "bad.wav",
        "other-48k.wav",
        "other.wav",
        "speech-48k.wav",
        "speech.wav",
    ]


@pytest.mark.parametrize("kind", DAMAGED)
def test_an_unusable_file_is_one_error_line_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    source = damaged_files(tmp_path)[kind]
    before = names(tmp_path)
    assert_one_error_line(novasr("enhance", source, "-o", tmp_path / "out.wav"), str(source))
    assert names(tmp_path) == before


@pytest.mark.parametrize("kind", ["missing", "empty", "text as MP3", "cut FLAC", "cut MP3"])
def test_info_reports_an_unusable_file_in_one_line(tmp_path: Path, kind: str) -> None:
    source = damaged_files(tmp_path)[kind]
    assert_one_error_line(novasr("info", source), str(source))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["speech.wav"], "exists: choose another name or overwrite it (--overwrite)"),
        (["speech.wav", "-o", "speech.wav", "--overwrite"], "is the source itself"),
        (["speech.wav", "-o", "absent/a.wav"], "create it first"),
        (["speech.wav", "-o", "a.xyz"], "unknown suffix '.xyz'"),
        (["speech.wav", "-o", "empty"], "is a folder: use -d empty"),
        (["speech.wav", "-o", "a.wav", "-d", "empty"], "give one of them"),
        (["speech.wav", "speech.wav", "-o", "a.wav"], "-o takes one input, not 2"),
        (["speech.wav", "-d", "speech.wav"], "cannot be created"),
        (["empty"], "no audio files in this folder"),
        (["speech.wav", "--weights", "absent.bin", "--overwrite"], "absent.bin"),
        (["speech.wav", "--weights", "speech-48k.wav", "--overwrite"], "speech-48k.wav"),
        (["speech.wav", "--engine", "magic"], "magic"),
        (["speech.wav", "--jobs", "0"], "--jobs"),
        (["--what"], "--what"),
        ([], "IN"),
    ],
)
def test_wrong_arguments_are_one_error_line_and_change_nothing(
    tmp_path: Path, speech: Path, words: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "speech-48k.wav").write_text("old")
    before = names(tmp_path)
    assert_one_error_line(novasr("enhance", *words, cwd=tmp_path), message)
    assert names(tmp_path) == before
    assert (tmp_path / "speech-48k.wav").read_text() == "old"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do anything")
def test_missing_permissions_are_one_error_line(tmp_path: Path, speech: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    run = novasr("enhance", speech, "-o", locked / "a.wav")
    assert_one_error_line(run, "locked/a.wav: cannot be written: Permission denied")
    speech.chmod(0)
    assert_one_error_line(novasr("enhance", speech), "cannot be read: Permission denied")


def test_nan_samples_are_one_warning_line_and_no_error(tmp_path: Path) -> None:
    audio = noise(1.0, 16_000)
    audio[10:13] = float("nan")
    source = write(tmp_path / "a.wav", audio, 16_000, "FLOAT")
    run = novasr("enhance", source)
    assert run.returncode == 0
    warning = f"novasr: warning: {source}: 3 NaN or infinite samples were replaced by zero\n"
    assert run.stderr == warning


def test_plot_draws_a_picture_beside_the_result(tmp_path: Path, speech: Path) -> None:
    needs.package("matplotlib", "pip install 'novasr[plot]'")
    run = novasr("enhance", "speech.wav", "--plot", cwd=tmp_path)
    assert run.returncode == 0
    assert run.stdout.splitlines()[1] == "plot: speech-48k.png"
    assert (tmp_path / "speech-48k.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "speech-48k.wav").unlink()
    again = novasr("enhance", "speech.wav", "--plot", cwd=tmp_path)
    assert_one_error_line(again, "speech-48k.png: exists")


def test_info_prints_a_line_or_json_for_each_file(tmp_path: Path, speech: Path) -> None:
    write(tmp_path / "wide.flac", noise(1.0, 48_000, 2), 48_000)
    lines = novasr("info", ".", cwd=tmp_path).stdout.splitlines()
    assert lines == [
        "speech.wav: WAV PCM_16, 16 kHz, mono, 2.00 s: sound to 8.0 kHz: extend it",
        "wide.flac: FLAC PCM_16, 48 kHz, 2 channels, 1.00 s:"
        " already full band to 24.0 kHz: nothing to extend",
    ]
    run = novasr("info", "--json", "speech.wav", "absent.wav", cwd=tmp_path)
    (found,) = json.loads(run.stdout)
    assert run.returncode == 2
    assert (found["path"], found["frames"], found["extendable"]) == ("speech.wav", 32_000, True)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems insist on text")
def test_a_file_name_that_is_no_text_is_no_problem(tmp_path: Path, speech: Path) -> None:
    odd = speech.rename(os.fsdecode(os.fsencode(tmp_path) + b"/speech-\xff.wav"))
    for run in (novasr("enhance", odd, "--plot"), novasr("info", odd)):
        assert (run.returncode, run.stderr) == (0, "")
        assert "speech-\\udcff.wav" in run.stdout


def test_the_debug_switch_shows_the_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "novasr", "info", str(tmp_path / "absent.wav")]
    monkeypatch.setenv("NOVASR_DEBUG", "1")
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr.startswith("Traceback")
    assert run.stderr.rstrip().endswith("absent.wav: no such file: check the name")


def test_the_version_names_what_computes() -> None:
    weights = (files("novasr.weights") / "novasr.safetensors").read_bytes()
    run = novasr("--version", NOVASR_ISA="portable")
    assert (run.returncode, run.stderr) == (0, "")
    version, isa, base, wide = run.stdout.splitlines()
    assert version == f"novasr {metadata.version('novasr')}"
    assert isa == "instruction set: portable"
    digest = hashlib.sha256(weights).hexdigest()[:12]
    assert base == f"weights base: novasr.safetensors, SHA-256 {digest}..."
    assert wide.startswith("weights wide: wide.safetensors, SHA-256 ")
    assert_one_error_line(novasr("--version", NOVASR_ISA="none"), "NOVASR_ISA")


def test_version_and_help_come_without_torch_or_matplotlib() -> None:
    code = (
        "import sys; from novasr.cli.main import main; main(['enhance', '--help']);"
        "print(sorted({'torch', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize("command", ["enhance", "info"])
def test_help_shows_examples(command: str) -> None:
    run = novasr(command, "--help")
    assert run.returncode == 0
    assert f"Examples:\n    novasr {command} talk.wav" in run.stdout


@pytest.mark.parametrize("command", ["", "enhance", "evaluate", "plugin", "plugin install"])
def test_h_is_help(command: str) -> None:
    run = novasr(*command.split(), "-h")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"Usage: novasr {command}".rstrip())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("enhance a.wav --jobs 0", "'--jobs': must be 1 or more (see novasr enhance --help)"),
        ("enhance a.wav --jobs x", "'--jobs': must be a whole number (see novasr enhance --help)"),
        ("enhance a.wav --quality x", "'--quality': must be a number (see novasr enhance --help)"),
        ("enhance a.wav --engine magic", "'--engine': 'magic' is not one of 'auto', 'native'"),
        ("enhance a.wav --mode", "requires an argument. (see novasr enhance --help)"),
        ("plugin install --what", "(see novasr plugin install --help)"),
        ("train", "(see novasr train --help)"),
        ("what", "(see novasr --help)"),
    ],
)
def test_usage_errors_are_in_plain_words_and_name_the_help(words: str, message: str) -> None:
    assert_one_error_line(novasr(*words.split()), message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("info absent.wav", "absent.wav: no such file: check the name"),
        ("enhance *.wav", "*.wav: no such file: the pattern matches nothing"),
        ("info -", "-: novasr info takes files and folders, not standard input"),
    ],
)
def test_a_file_that_is_missing_is_said_with_the_remedy(
    tmp_path: Path, words: str, message: str
) -> None:
    assert_one_error_line(novasr(*words.split(), cwd=tmp_path), message)


def test_without_a_command_the_help_lists_the_commands() -> None:
    run = novasr()
    assert run.returncode == 0
    assert "enhance" in run.stdout
    assert "info" in run.stdout


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo terminal")
def test_a_terminal_gets_a_progress_bar_and_the_result_below_it(tmp_path: Path) -> None:
    import pty

    speech = write(tmp_path / "speech.wav", noise(600.0, 16_000), 16_000)
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "novasr", "enhance", str(speech)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, text=True) as run:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # Linux ends a closed terminal with EIO
            while chunk := os.read(screen, 4_096):
                shown += chunk
        out, _ = run.communicate()
    os.close(screen)
    assert run.returncode == 0
    assert b"speech.wav" in shown
    assert b"x real time" in shown
    assert out.startswith(f"{speech} -> ")
