"""novasr enhance: how its options combine, and its messages when they cannot."""

from __future__ import annotations

from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
from audio_files import cut, noise, tones, write
from command_line import assert_one_error_line, novasr, without_package


def make(folder: Path, *names: str, rate: int = 16_000, seconds: float = 1.0) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, noise(seconds, rate), rate)


def tree(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["-", "-o", "made.wav", "--dry-run"], "--dry-run"),
        (["a.wav", "-o", "-", "-d", "out"], "-d"),
        (["-", "-o", "made.wav", "--skip-existing"], "--skip-existing"),
        (["a.wav", "-o", "-", "--jobs", "2"], "--jobs"),
        (["-", "-o", "made.wav", "--recursive"], "--recursive"),
        (["-", "-o", "made.wav", "--plot"], "--plot"),
    ],
)
def test_options_that_do_not_go_with_a_pipe_are_named(
    tmp_path: Path, words: list[str], option: str
) -> None:
    make(tmp_path, "a.wav")
    run = novasr("enhance", *words, cwd=tmp_path)
    assert_one_error_line(run, f"{option} does not go with -: ")
    assert tree(tmp_path) == ["a.wav"]


def test_a_file_that_is_called_minus_is_a_file(tmp_path: Path) -> None:
    make(tmp_path, "a.wav")
    (tmp_path / "a.wav").rename(tmp_path / "-")
    run = novasr("enhance", "./-", "-o", "made.wav", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert sf.info(tmp_path / "made.wav").frames == 48_000


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_pictures_of_namesakes_have_names_of_their_own(
    tmp_path: Path, overwrite: list[str]
) -> None:
    needs.package("matplotlib", "pip install 'novasr[plot]'")
    make(tmp_path, "x.wav", "x.flac", "y.wav")
    words = ["x.wav", "x.flac", "y.wav", "--plot", "--jobs", "2", *overwrite]
    run = novasr("enhance", *words, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    pictures = [name for name in tree(tmp_path) if name.endswith(".png")]
    assert pictures == ["x-48k.flac.png", "x-48k.wav.png", "y-48k.png"]
    assert [f"plot: {name}" in run.stdout for name in pictures] == [True] * 3


def test_a_picture_that_was_not_drawn_is_not_announced(tmp_path: Path) -> None:
    needs.package("matplotlib", "pip install 'novasr[plot]'")
    make(tmp_path, "a.wav")
    (tmp_path / "a-48k.png").mkdir()
    run = novasr("enhance", "a.wav", "--plot", "--overwrite", cwd=tmp_path)
    assert run.returncode == 0
    assert "no plot: a-48k.png" in run.stderr
    assert "plot:" not in run.stdout


def test_without_matplotlib_a_picture_is_refused_before_the_work(tmp_path: Path) -> None:
    make(tmp_path, "a.wav")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    path = without_package(hidden, "matplotlib")
    run = novasr("enhance", "a.wav", "--plot", cwd=tmp_path, PYTHONPATH=path)
    assert_one_error_line(run, "plots need matplotlib: pip install 'novasr[plot]'")
    assert not (tmp_path / "a-48k.wav").exists()


@pytest.mark.parametrize("options", [[], ["--skip-existing"], ["--overwrite"]])
def test_the_result_of_another_input_is_no_input(tmp_path: Path, options: list[str]) -> None:
    make(tmp_path, "a.wav", "b.flac")
    assert novasr("enhance", "a.wav", "b.flac", cwd=tmp_path).returncode == 0
    before = tree(tmp_path)
    run = novasr("enhance", *before, *options, cwd=tmp_path)
    assert "novasr: note: left out: 2 results of other inputs" in run.stderr
    assert run.returncode == (0 if options else 2)
    assert ("a-48k.wav: exists" in run.stderr) == (not options)
    assert tree(tmp_path) == before


def test_the_result_of_another_input_is_no_input_for_another_folder_either(
    tmp_path: Path,
) -> None:
    make(tmp_path, "a.wav", "b.flac")
    assert novasr("enhance", "a.wav", "b.flac", cwd=tmp_path).returncode == 0
    run = novasr("enhance", *tree(tmp_path), "-d", "other", cwd=tmp_path)
    assert run.stderr == "novasr: note: left out: 2 results of other inputs\n"
    assert run.returncode == 0
    assert tree(tmp_path / "other") == ["a-48k.wav", "b-48k.flac"]
    run = novasr("enhance", "a-48k.wav", "-d", "alone", "--force", cwd=tmp_path)
    assert run.returncode == 0
    assert tree(tmp_path / "alone") == ["a-48k-48k.wav"]


def test_a_file_that_is_named_twice_is_one_job(tmp_path: Path) -> None:
    make(tmp_path, "in/a.wav", "in/b.wav")
    run = novasr("enhance", "in/a.wav", "in/a.wav", "in", "-d", "out", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "2 of 2 files" in run.stdout
    assert tree(tmp_path / "out") == ["a-48k.wav", "b-48k.wav"]


def test_skipping_sees_width_and_says_what_it_does_not_see(tmp_path: Path) -> None:
    make(tmp_path, "a.wav")
    assert novasr("enhance", "a.wav", cwd=tmp_path).returncode == 0
    words = ["enhance", "a.wav", "--skip-existing"]
    unseen = novasr(*words, "--gain", "-3", "--mode", "full", cwd=tmp_path)
    assert "complete: skipped" in unseen.stdout
    assert "novasr: note: skipped by rate, width and length" in unseen.stderr
    assert "--gain --mode" in unseen.stderr
    wider = novasr(*words, "--bits", "24", cwd=tmp_path)
    assert "note: a-48k.wav: is replaced: its samples are PCM_16, not PCM_24" in wider.stderr
    assert sf.info(tmp_path / "a-48k.wav").subtype == "PCM_24"
    again = novasr(*words, "--bits", "24", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert "complete: skipped" in again.stdout


def test_what_is_no_result_is_replaced_with_a_note_and_the_source_never(tmp_path: Path) -> None:
    make(tmp_path, "user.wav", "user-48k.wav")
    write(tmp_path / "self.wav", noise(1.0, 48_000, top_hz=7_000), 48_000)
    run = novasr("enhance", "user.wav", "--skip-existing", cwd=tmp_path)
    assert run.returncode == 0
    assert "note: user-48k.wav: is replaced: it is at 16 kHz, not at 48 kHz" in run.stderr
    run = novasr("enhance", "self.wav", "-o", "self.wav", "--skip-existing", cwd=tmp_path)
    assert_one_error_line(run, "self.wav: is the source itself")


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gain", "100"], "gain must be -60 .. 60 dB or 'auto', not 100.0"),
        (["--rate", "5"], "rate must be 8000 .. 192000 Hz or 'source', not 5"),
        (["--weights", "nothere.bin"], "nothere.bin"),
        (["--mode", "bogus"], "bogus"),
        (["--quality", "99"], "quality must be 0 .. 10, not 99"),
        (
            ["-o", "made.opus", "--rate", "44100"],
            "Opus cannot hold 44.1 kHz, only 8, 12, 16, 24, 48: choose another --rate",
        ),
        (["-o", "made.mp3", "--rate", "96000"], "MP3 cannot hold 96 kHz, only 8, "),
    ],
)
def test_a_dry_run_refuses_what_a_run_refuses(
    tmp_path: Path, rate: int, options: list[str], message: str
) -> None:
    make(tmp_path, "a.wav", rate=rate)
    for dry in ([], ["--dry-run"]):
        run = novasr("enhance", "a.wav", *options, *dry, cwd=tmp_path)
        assert_one_error_line(run, message)
    assert tree(tmp_path) == ["a.wav"]


def test_a_dry_run_refuses_rates_and_channels_that_a_run_refuses(tmp_path: Path) -> None:
    make(tmp_path, "slow.wav", rate=4_000)
    write(tmp_path / "six.wav", noise(1.0, 16_000, 6), 16_000)
    write(tmp_path / "nine.wav", noise(1.0, 16_000, 9), 16_000)
    for words, message in [
        (["slow.wav", "-o", "made.wav"], "slow.wav: "),
        (["six.wav", "-o", "made.mp3"], "made.mp3: MP3 cannot hold 6 channels, 2 at most"),
        (["nine.wav", "-o", "made.flac"], "made.flac: FLAC cannot hold 9 channels, 8 at most"),
    ]:
        for dry in ([], ["--dry-run"]):
            run = novasr("enhance", *words, *dry, cwd=tmp_path)
            assert_one_error_line(run, message)


def test_a_wrong_option_of_a_batch_is_said_once(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "b.wav")
    run = novasr("enhance", "a.wav", "b.wav", "--weights", "nothere.bin", cwd=tmp_path)
    assert_one_error_line(run, "nothere.bin")


@pytest.mark.parametrize(
    ("name", "wider"), [("m.wav", True), ("m.caf", True), ("m.flac", False), ("m.mp3", False)]
)
def test_the_remedy_for_clipping_is_one_that_the_format_has(
    tmp_path: Path, name: str, wider: bool
) -> None:
    write(tmp_path / "loud.wav", 5 * tones(1.0, 16_000, [500.0]), 16_000)
    run = novasr("enhance", "loud.wav", "-o", name, "--gain", "6", cwd=tmp_path)
    assert run.returncode == 0
    assert "samples were clipped" in run.stderr
    assert ("--subtype float" in run.stderr) == wider


def test_info_takes_what_is_there_as_its_message_says(tmp_path: Path) -> None:
    cut(write(tmp_path / "a.wav", noise(2.0, 16_000), 16_000))
    assert_one_error_line(novasr("info", "a.wav", cwd=tmp_path), "(--allow-truncated)")
    run = novasr("info", "a.wav", "--allow-truncated", cwd=tmp_path)
    assert run.returncode == 0
    assert "1.20 s" in run.stdout
    assert "warning: a.wav: truncated" in run.stderr


def test_without_ffmpeg_the_remedy_names_two_files_and_text_is_no_audio(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is no audio " * 50)
    (tmp_path / "picture.mp3").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1_000))
    (tmp_path / "odd.wav").write_bytes(np.random.default_rng(1).bytes(5_000))
    (tmp_path / "empty").mkdir()
    path = str(tmp_path / "empty")
    for name in ("text.wav", "picture.mp3"):
        run = novasr("info", name, cwd=tmp_path, PATH=path)
        assert run.stderr == f"novasr: error: {name}: not an audio file\n"
    run = novasr("info", "odd.wav", cwd=tmp_path, PATH=path)
    assert_one_error_line(run, "install ffmpeg", "ffmpeg -i odd.wav odd-pcm.wav")
    (tmp_path / "odd.wav").rename(tmp_path / "it's odd.wav")
    run = novasr("info", "it's odd.wav", cwd=tmp_path, PATH=path)
    assert_one_error_line(run, """ffmpeg -i 'it'"'"'s odd.wav' 'it'"'"'s odd-pcm.wav'""")


@pytest.mark.parametrize(
    ("rate", "hertz"), [("16000", 16_000), ("source", 16_000), ("8000", 8_000)]
)
def test_a_rate_at_which_nothing_is_added_is_a_warning(
    tmp_path: Path, rate: str, hertz: int
) -> None:
    make(tmp_path, "a.wav")
    run = novasr("enhance", "a.wav", "--rate", rate, cwd=tmp_path)
    assert run.returncode == 0
    assert f"warning: a.wav: at {hertz} Hz nothing is left of what the model adds" in run.stderr


@pytest.mark.parametrize(
    ("rate", "name"),
    [("24000", "a-24k.wav"), ("44100", "a-44.1k.wav"), ("source", "a-enhanced.wav")],
)
def test_a_result_is_named_after_its_rate_and_found_again(
    tmp_path: Path, rate: str, name: str
) -> None:
    make(tmp_path / "in", "a.wav")
    assert novasr("enhance", "in", "--rate", rate, cwd=tmp_path).returncode == 0
    assert tree(tmp_path / "in") == sorted(["a.wav", name])
    again = novasr("enhance", "in", "--rate", rate, "--skip-existing", cwd=tmp_path)
    assert again.returncode == 0
    assert tree(tmp_path / "in") == sorted(["a.wav", name])
    assert "is complete: skipped" in again.stdout
