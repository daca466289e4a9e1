"""What happens to an existing file at the place of a result, and to a second program that writes there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import noise, write
from command_line import assert_one_error_line, novasr

from novasr.errors import AudioFileError
from novasr.filesystem.replacing import replacing
from novasr.offline.files import enhance_file

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX modes and links")
FORMATS = ["o.wav", "o.flac", "o.ogg", "o.mp3"]


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write(tmp_path / "speech.wav", noise(2.0, 16_000), 16_000)


def hidden(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".")]


@posix
@pytest.mark.parametrize("name", FORMATS)
def test_mode_and_links_survive_overwriting(tmp_path: Path, speech: Path, name: str) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / name, tmp_path / name
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    if os.geteuid() == 0:
        os.chown(real, 1234, 4321)
    before = real.stat()
    assert novasr("enhance", speech, "-o", link, "--overwrite").returncode == 0
    after = real.stat()
    assert link.is_symlink()
    assert sf.info(real).frames == 96_000
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


@posix
@pytest.mark.parametrize("name", FORMATS)
def test_a_write_protected_file_and_one_with_other_names_are_kept(
    tmp_path: Path, speech: Path, name: str
) -> None:
    target = tmp_path / name
    target.write_text("old")
    target.chmod(0o444)
    run = novasr("enhance", speech, "-o", target, "--overwrite")
    assert_one_error_line(run, f"{target}: is write-protected: allow writing or choose another")
    target.chmod(0o644)
    (tmp_path / "twin").hardlink_to(target)
    run = novasr("enhance", speech, "-o", target, "--overwrite")
    assert_one_error_line(run, f"{target}: has other names (hard links)", "remove it first")
    assert target.read_text() == (tmp_path / "twin").read_text() == "old"
    assert hidden(tmp_path) == []


@posix
def test_destinations_that_are_no_files_are_one_error_line(tmp_path: Path, speech: Path) -> None:
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    (tmp_path / "full.wav").symlink_to("/dev/full")
    for name, reason in {
        "loop.wav": "Too many levels of symbolic links",
        "full.wav": "not a regular file",
        "/dev/full": "not a regular file",
    }.items():
        run = novasr("enhance", speech, "-o", tmp_path / name, "--overwrite")
        assert_one_error_line(run, name, reason)
        with pytest.raises(AudioFileError, match=reason), replacing(tmp_path / name):
            pass
    assert_one_error_line(novasr("enhance", speech, "-d", "/dev/full"), "/dev/full")
    assert Path("/dev/full").is_char_device()
    assert hidden(tmp_path) == []


@posix
def test_a_folder_that_was_deleted_meanwhile_is_named(tmp_path: Path, speech: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        "import os, sys; from novasr.cli.main import main;"
        "os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); sys.exit(main(sys.argv[2:]))"
    )
    command = [sys.executable, "-c", code, gone, "enhance", speech, "-o", "o.wav"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert_one_error_line(run, "o.wav: the folder is missing")


def start_long_run(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Begin to enhance 20 minutes to out.wav; return when it is being written."""
    minute = noise(60.0, 16_000)
    source = write(folder / "long.wav", np.concatenate([minute] * 20), 16_000)
    command = [sys.executable, "-m", "novasr", "enhance", str(source), "-o", "out.wav", *options]
    run = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(hidden(folder)) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    return run


@pytest.mark.parametrize("options", [[], ["--overwrite"]])
def test_the_second_of_two_at_once_says_so(
    tmp_path: Path, speech: Path, options: list[str]
) -> None:
    with start_long_run(tmp_path, *options) as first:
        second = novasr("enhance", speech, "-o", "out.wav", *options, cwd=tmp_path)
        assert first.poll() is None
    assert_one_error_line(second, "out.wav: another run is writing it")
    assert first.returncode == 0
    assert sf.info(tmp_path / "out.wav").frames == 20 * 60 * 48_000
    assert hidden(tmp_path) == []


def test_what_a_killed_run_left_is_no_input_blocks_nobody_and_is_cleared_away(
    tmp_path: Path, speech: Path
) -> None:
    with start_long_run(tmp_path) as run:
        run.kill()
    (tmp_path / "long.wav").unlink()
    assert hidden(tmp_path) != []
    again = novasr("enhance", ".", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert novasr("enhance", speech, "-o", "out.wav", cwd=tmp_path).returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["out.wav", "speech-48k.wav", "speech.wav"]


def test_a_file_that_comes_up_meanwhile_is_kept(tmp_path: Path, speech: Path) -> None:
    target = tmp_path / "o.wav"

    def intrude(done: float, total: float) -> None:
        target.write_text("of another program")

    with pytest.raises(AudioFileError, match="made by another program meanwhile and is kept"):
        enhance_file(speech, target, progress=intrude)
    assert target.read_text() == "of another program"
    enhance_file(speech, target, overwrite=True, progress=intrude)
    assert sf.info(target).frames == 96_000
    assert hidden(tmp_path) == []


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    """The lock file is constantly created and deleted; no two threads may ever hold it."""
    inside, most, done = [0], [0], [0]
    refusals: set[str] = set()
    guard = threading.Lock()

    def work(number: int) -> None:
        for _ in range(200):
            try:
                with replacing(tmp_path / "o.txt") as temporary:
                    with guard:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                    temporary.write_text(f"{number}" * 1000)
                    with guard:
                        inside[0] -= 1
                        done[0] += 1
            except AudioFileError as error:
                refusals.add(str(error).partition(": ")[2])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert refusals <= {"another run is writing it: wait for its end or choose another name"}
    assert done[0] > 0
    assert len(set((tmp_path / "o.txt").read_text())) == 1
    assert hidden(tmp_path) == []
