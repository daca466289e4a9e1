"""Many files in one call: one that fails is named and left behind, the others are done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile as sf
from audio_files import noise, write
from command_line import assert_one_error_line, novasr


def make(folder: Path, *names: str) -> Path:
    """Fill a folder with a second of noise under each name."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, noise(1.0, 16_000), 16_000)
    return folder


def tree(folder: Path) -> list[str]:
    """List the files below a folder, hidden ones included."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


# What libraries raise on rare files cannot be had at will: here reading bad.wav raises it.
FAULTY = """
import sys
from novasr.cli.main import main
from novasr.reading import AudioReader
read = AudioReader.blocks
def blocks(self):
    if self.path.name == "bad.wav":
        raise {error}
    return read(self)
AudioReader.blocks = blocks
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["enhance", "info"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ZeroDivisionError('division by zero')", "unexpected ZeroDivisionError: division by zero"),
        ("MemoryError", "not enough memory"),
        ("OSError(5, 'Input/output error')", "unexpected OSError: [Errno 5] Input/output error"),
    ],
)
def test_an_error_that_nobody_expected_costs_one_file(
    tmp_path: Path, command: str, error: str, reason: str
) -> None:
    make(tmp_path / "in", "a.wav", "bad.wav", "c.flac")
    words = [command, "in", *(["-d", "out"] if command == "enhance" else [])]
    code = FAULTY.format(error=error)
    run = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 2
    first = run.stderr.splitlines()[0]
    assert first.startswith(f"novasr: error: in/bad.wav: {reason}")
    assert "Traceback" not in run.stderr
    if "unexpected" in reason:
        assert first.endswith("(NOVASR_DEBUG=1 shows where)")
    if command == "enhance":
        assert tree(tmp_path / "out") == ["a-48k.wav", "c-48k.flac"]
    else:
        assert [line[:5] for line in run.stdout.splitlines()] == ["in/a.", "in/c."]


def test_a_name_too_long_for_its_result_costs_one_file(tmp_path: Path) -> None:
    name = "x" * 250 + ".wav"
    make(tmp_path, name, "a.wav")
    run = novasr("enhance", ".", cwd=tmp_path)
    assert run.returncode == 2
    assert "File name too long" in run.stderr
    assert (tmp_path / "a-48k.wav").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["enhance", "in", "-d", "out"], ["info", "in"], ["--help"]])
def test_a_full_standard_output_is_one_line_and_the_work_is_done(
    tmp_path: Path, words: list[str], unbuffered: str
) -> None:
    make(tmp_path / "in", "a.wav", "b.wav")
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "novasr", *words],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )
    message = "novasr: error: standard output: cannot be written: No space left on device\n"
    assert (run.returncode, run.stderr) == (2, message)
    if words[0] == "enhance":
        assert tree(tmp_path / "out") == ["a-48k.wav", "b-48k.wav"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes and descriptors")
def test_a_reader_that_leaves_early_is_no_error_and_the_work_is_done(tmp_path: Path) -> None:
    make(tmp_path / "in", "a.wav", "b.wav")
    command = [sys.executable, "-m", "novasr", "enhance", "in", "-d", "out"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 141
    assert tree(tmp_path / "out") == ["a-48k.wav", "b-48k.wav"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX descriptors")
@pytest.mark.parametrize("missing", [1, 2])
def test_it_works_without_standard_streams(tmp_path: Path, missing: int) -> None:
    make(tmp_path, "a.wav")
    command = f'"{sys.executable}" -m novasr enhance a.wav {missing}>&-'
    run = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert sf.info(tmp_path / "a-48k.wav").frames == 48_000


def test_an_unexpected_error_of_any_command_is_one_line(tmp_path: Path) -> None:
    code = (
        "import sys; from novasr.cli import main; import novasr.live.devices as devices;"
        "devices.__dict__.clear(); sys.exit(main.main(['devices']))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert_one_error_line(run, "unexpected ImportError", "NOVASR_DEBUG=1")
