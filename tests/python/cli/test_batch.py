"""Many files in one call: one that fails is named and skipped, the others are done."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile as sf
from audio_files import noise, write
from command_line import assert_one_error_line, novasr

from novasr.errors import AudioFileError
from novasr.training.datasets import read_recordings


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
from novasr.audio.reading import AudioReader
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


# What systems and unfinished runs leave in folders.
NEVER_INPUTS = [
    "._a.ogg",
    ".hidden.wav",
    ".novasr-0123456789ab.wav",
    ".Trash-1000/files/a.wav",
    "__MACOSX/a.wav",
    "@eaDir/a.wav",
    "$RECYCLE.BIN/a.wav",
    "System Volume Information/a.wav",
]


@pytest.mark.parametrize("name", NEVER_INPUTS)
def test_what_systems_leave_is_no_input_but_a_named_file_is(tmp_path: Path, name: str) -> None:
    make(tmp_path / "in", "a.ogg", name)
    (tmp_path / "in" / "._b.ogg").write_bytes(b"\0\5\26\7\0\2\0\0" + bytes(4_000))
    run = novasr("enhance", "in", "--recursive", "-d", "out", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert tree(tmp_path / "out") == ["a-48k.wav"]
    run = novasr("info", "in", "--recursive", cwd=tmp_path)
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)
    run = novasr("enhance", tmp_path / "in" / name, "-o", tmp_path / "named.wav")
    assert (run.returncode, run.stderr) == (0, "")


def test_data_sets_are_searched_alike(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "deep/b.flac", *NEVER_INPUTS)
    assert [recording.path.name for recording in read_recordings(tmp_path)] == ["a.wav", "b.flac"]


@pytest.mark.parametrize("command", ["enhance", "info"])
def test_files_of_other_types_are_counted_in_one_line(tmp_path: Path, command: str) -> None:
    make(tmp_path / "in", "a.wav", "b.flac", "deep/c.ogg")
    for name in ("x.xyz", "deep/y.XYZ", "notes.txt", "README", ".hidden"):
        (tmp_path / "in" / name).write_text("no audio")
    run = novasr(command, "in", "--recursive", cwd=tmp_path)
    assert run.returncode == 0
    note = "novasr: note: left out: 4 files of other types (2 .xyz, 1 .txt, 1 without suffix)\n"
    assert run.stderr == note


def test_a_folder_of_unknown_types_alone_says_so(tmp_path: Path) -> None:
    for name in ("in/a.xyz", "in/b.xyz", "data/c.xyz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no audio")
    message = "in: no audio files in this folder, only 2 files of other types (2 .xyz)"
    assert_one_error_line(novasr("enhance", "in", cwd=tmp_path), message)
    assert_one_error_line(novasr("info", "in", cwd=tmp_path), message)
    with pytest.raises(AudioFileError, match=r"only 1 file of other types \(1 .xyz\)"):
        read_recordings(tmp_path / "data")
    make(tmp_path, "a.wav")
    run = novasr("enhance", "in", "a.wav", cwd=tmp_path)
    assert run.returncode == 2
    assert "1 of 2 files: 1.0 s in " in run.stdout
    assert message in run.stderr


@pytest.mark.parametrize("pair", [("x.wav", "x.ogg"), ("x.aiff", "x.mp3"), ("x.rf64", "x.caf")])
def test_namesakes_fail_alone_and_are_told_the_remedy(
    tmp_path: Path, pair: tuple[str, str]
) -> None:
    make(tmp_path / "t", *pair, "other.wav", "x.flac")
    run = novasr("enhance", "t", "-d", "out", cwd=tmp_path)
    assert run.returncode == 2
    result = Path("out/x-48k.wav")
    assert sorted(run.stderr.splitlines()) == [
        "novasr: error: 2 of 4 files failed",
        *sorted(
            f"novasr: error: t/{one}: would become {result}, and so would t/{other}:"
            " enhance each by itself, with -o OUT"
            for one, other in (pair, pair[::-1])
        ),
    ]
    assert "2 of 4 files: 2.0 s in " in run.stdout
    assert tree(tmp_path / "out") == ["other-48k.wav", "x-48k.flac"]


def test_one_file_by_two_names_is_one_job(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "b.wav")
    (tmp_path / "out").mkdir()
    run = novasr("enhance", "a.wav", "out/../a.wav", "b.wav", "-d", "out", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "2 of 2 files: 2.0 s in " in run.stdout
    assert tree(tmp_path / "out") == ["a-48k.wav", "b-48k.wav"]


def test_no_result_takes_the_place_of_another_source(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "a-48k.wav", "b.wav")
    kept = (tmp_path / "a-48k.wav").read_bytes()
    words = ["enhance", "a.wav", "a-48k.wav", "b.wav", "--overwrite"]
    run = novasr(*words, cwd=tmp_path)
    assert run.returncode == 2
    assert "a.wav: would become a-48k.wav, which is to be enhanced, too: use -d" in run.stderr
    assert (tmp_path / "a-48k.wav").read_bytes() == kept
    assert sf.info(tmp_path / "b-48k.wav").frames == 48_000
    assert sf.info(tmp_path / "a-48k-48k.wav").frames == 48_000


@pytest.mark.skipif(sys.platform != "linux", reason="sparse files")
def test_results_that_do_not_fit_together_are_refused_before_the_work(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    header = b".snd" + struct.pack(">6I", 28, 0xFFFF_FFFF, 3, 16_000, 1, 0)  # to the end of file
    for name in ("a.au", "b.au"):
        (tmp_path / name).write_bytes(header)
        os.truncate(tmp_path / name, len(header) + free // 5)  # at 48 kHz three fifths each
    make(tmp_path, "c.wav")
    run = novasr("enhance", ".", "-d", "out", cwd=tmp_path)
    assert_one_error_line(run, "out: ", "GB are to be written and", "GB are free on that disk")
    assert tree(tmp_path) == ["a.au", "b.au", "c.wav"]


def test_a_folder_that_cannot_be_made_costs_its_files_alone(tmp_path: Path) -> None:
    make(tmp_path / "in", "a.wav", "deep/b.wav", "deep/c.wav")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "deep").write_text("in the way")
    run = novasr("enhance", "in", "-d", "out", "--recursive", cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr.count("out/deep: cannot be created: File exists") == 2
    assert tree(tmp_path / "out") == ["a-48k.wav", "deep"]


SOURCES = ["a.wav", "b.flac", "c.ogg", "d.aiff", "e.caf", "f.mp3"]


def results(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the inode and time of every file."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


def ready(folder: Path) -> Path:
    """Fill a folder with recordings, the MP3 long enough for its decoder."""
    make(folder, *SOURCES[:-1])
    write(folder / "f.mp3", 2 * noise(20.0, 16_000), 16_000)
    return folder


def test_finished_results_are_skipped_and_counted(tmp_path: Path) -> None:
    ready(tmp_path / "in")
    words = ["enhance", "in", "-d", "out", "--skip-existing"]
    assert novasr(*words, cwd=tmp_path).returncode == 0
    before = results(tmp_path / "out")
    assert len(before) == len(SOURCES)
    again = novasr(*words, cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == "0 of 6 files, 6 skipped\n"
    assert results(tmp_path / "out") == before
    (tmp_path / "out" / "c-48k.wav").unlink()
    some = novasr(*words, cwd=tmp_path)
    assert "1 of 6 files: 1.0 s in " in some.stdout
    assert some.stdout.endswith(", 5 skipped\n")
    one = novasr("enhance", "in/a.wav", "-d", "out", "--skip-existing", cwd=tmp_path)
    assert (one.returncode, one.stderr) == (0, "")
    assert one.stdout == "in/a.wav: out/a-48k.wav is complete: skipped\n"


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("share", [0.0, 0.0005, 0.5, 0.999])
def test_an_incomplete_result_is_made_anew(tmp_path: Path, source: str, share: float) -> None:
    ready(tmp_path)
    result = tmp_path / Path(source).with_suffix("").with_name(
        f"{Path(source).stem}-48k{'.flac' if source == 'b.flac' else '.wav'}"
    )
    assert novasr("enhance", source, cwd=tmp_path).returncode == 0
    whole = result.read_bytes()
    result.write_bytes(whole[: int(share * len(whole))])
    run = novasr("enhance", source, "--skip-existing", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "skipped" not in run.stdout
    assert result.read_bytes() == whole


def test_a_result_of_another_source_is_made_anew_and_a_missing_source_is_an_error(
    tmp_path: Path,
) -> None:
    make(tmp_path, "a.wav")
    assert novasr("enhance", "a.wav", cwd=tmp_path).returncode == 0
    write(tmp_path / "a.wav", noise(1.5, 16_000), 16_000)
    assert novasr("enhance", "a.wav", "--skip-existing", cwd=tmp_path).returncode == 0
    assert sf.info(tmp_path / "a-48k.wav").frames == 72_000
    (tmp_path / "a.wav").unlink()
    run = novasr("enhance", "a.wav", "--skip-existing", cwd=tmp_path)
    assert_one_error_line(run, "a.wav: no such file")
    run = novasr("enhance", "a.wav", "--skip-existing", "--overwrite", cwd=tmp_path)
    assert_one_error_line(run, "--skip-existing and --overwrite exclude each other")


def test_a_dry_run_tells_what_a_run_does_and_does_nothing(tmp_path: Path) -> None:
    make(tmp_path / "in", "new.wav", "done.flac", "kept.ogg", "twin.wav", "twin.caf")
    (tmp_path / "in" / "bad.wav").write_text("no audio")
    (tmp_path / "in" / "list.txt").write_text("no audio")
    make(tmp_path / "out", "kept-48k.wav")
    first = novasr("enhance", "in/done.flac", "-d", "out", cwd=tmp_path)
    assert first.returncode == 0
    before = results(tmp_path / "out")
    words = ["enhance", "in", "-d", "out"]
    run = novasr(*words, "--skip-existing", "--dry-run", cwd=tmp_path)
    assert run.returncode == 2
    assert run.stdout.splitlines() == [
        "in/done.flac: out/done-48k.flac is complete: skipped",
        "in/kept.ogg -> out/kept-48k.wav",
        "in/new.wav -> out/new-48k.wav",
        "would be done: 2 of 6 files, 1 skipped",
    ]
    for part in ("in/bad.wav: not an audio file", "in/twin.wav: would become", "3 of 6 files"):
        assert part in run.stderr
    run = novasr(*words, "--dry-run", cwd=tmp_path)
    assert "in/kept.ogg" not in run.stdout
    assert "out/kept-48k.wav: exists: choose another name or overwrite it" in run.stderr
    assert results(tmp_path / "out") == before
    run = novasr("enhance", "in/new.wav", "-d", "absent", "--dry-run", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("in/new.wav -> absent/new-48k.wav\n")
    assert not (tmp_path / "absent").exists()
    run = novasr("enhance", "in/new.wav", "-o", "absent/a.wav", "--dry-run", cwd=tmp_path)
    assert_one_error_line(run, "absent/a.wav: the folder is missing")


def test_of_many_results_that_exist_five_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    names = [f"{number}.wav" for number in range(8)]
    make(tmp_path / "in", *names)
    make(tmp_path / "out", *(name.replace(".", "-48k.") for name in names[:7]))
    run = novasr("enhance", "in", "-d", "out", cwd=tmp_path)
    assert run.returncode == 2
    lines = run.stderr.splitlines()
    assert [": exists: " in line for line in lines[:-2]] == [True] * 5
    assert lines[-2:] == [
        "novasr: error: 2 more exist: add --overwrite or --skip-existing",
        "novasr: error: 7 of 8 files failed",
    ]
    assert (tmp_path / "out" / "7-48k.wav").exists()
