"""``novasr bank``."""

import json
import shutil
from pathlib import Path

import audio_files
import needs
import pytest
from command_line import assert_one_error_line, novasr, without_package

needs.package("faiss", "pip install 'novasr[studio]'")
needs.package("torch", "pip install 'novasr[train]'")

RATE_HZ = 48_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("me")
    for name in ("one", "two"):
        audio_files.write(folder / f"{name}.flac", audio_files.noise(6.0, RATE_HZ), RATE_HZ)
    return folder


def test_a_bank_is_built_and_described(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "me.novabank"
    built = novasr("bank", "build", folder, "-o", path)
    assert (built.returncode, built.stderr) == (0, "")
    assert "0.2 minutes, recordings: 2, speakers: 1\n" in built.stdout
    assert "licence not said: 0.2 minutes" in built.stdout
    assert novasr("bank", "info", path).stdout == built.stdout
    described = json.loads(novasr("bank", "info", "--json", path).stdout)
    assert (described["version"], described["bytes"]) == (1, path.stat().st_size)
    assert [item["file"] for item in described["recordings"]] == ["one.flac", "two.flac"]
    assert described["minutes"] == pytest.approx(0.2, abs=0.01)
    assert str(folder) not in path.read_bytes().decode("latin1")  # nothing of the maker's computer
    before = path.read_bytes()
    refused = novasr("bank", "build", folder, "-o", path, "--minutes", "0.5", "--seed", "1")
    assert_one_error_line(refused, "me.novabank: exists", "--overwrite")
    assert path.read_bytes() == before
    again = novasr("bank", "build", folder, "-o", path, "--overwrite")
    assert (again.returncode, path.read_bytes()) == (0, before)


def test_what_is_left_out_is_said(folder: Path, tmp_path: Path) -> None:
    mixed, path = tmp_path / "mixed", tmp_path / "mixed.novabank"
    shutil.copytree(folder, mixed)
    for name in ("third", "fourth"):
        audio_files.write(mixed / f"{name}.wav", audio_files.noise(3.0, 16_000), 16_000)
    built = novasr("bank", "build", mixed, "-o", path)
    assert built.returncode == 0
    assert "left out: 2 of 4 recordings, whose band ends below 18 kHz (the widest: " in built.stderr
    assert "recordings: 2," in built.stdout


def test_each_folder_is_a_voice_whatever_it_is_called(folder: Path, tmp_path: Path) -> None:
    for name in ("anna", "bo"):
        shutil.copytree(folder, tmp_path / name / "wav")
    folders = [tmp_path / name / "wav" for name in ("anna", "bo")]
    built = novasr("bank", "build", *folders, "-o", tmp_path / "two.novabank")
    assert "speakers: 2" in built.stdout
    assert built.stderr == ""
    built = novasr("bank", "build", tmp_path, "-o", tmp_path / "one.novabank")
    assert "its folders anna, bo count as one voice" in built.stderr
    assert "speakers: 1" in built.stdout


def test_what_is_not_free_is_named(folder: Path, tmp_path: Path) -> None:
    mixed = shutil.copytree(folder, tmp_path / "mixed")
    audio_files.write(mixed / "third.flac", audio_files.noise(12.0, RATE_HZ), RATE_HZ)
    (mixed / "manifest.csv").write_text(
        "file,seconds,bandwidth_khz,speaker,licence\n"
        "one.flac,6,24,anna,\ntwo.flac,6,24,anna,CC BY-NC 4.0\nthird.flac,12,24,anna,CC0\n"
    )
    built = novasr("bank", "build", mixed, "-o", tmp_path / "free.novabank", "--free-only")
    assert built.returncode == 0, built.stderr
    assert "left out: 2 of 3 recordings, whose licence is CC BY-NC 4.0, none" in built.stderr
    assert "recordings: 1," in built.stdout


def test_a_folder_is_no_bank(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.wav"
    audio_files.write(source, audio_files.noise(1.0, 16_000), 16_000)
    refused = novasr("enhance", source, "--model", "studio", "--bank", folder)
    assert_one_error_line(refused, "is a folder: give a file that novasr bank build has made")


def test_below_the_lowest_cut_off_it_is_said_that_the_bank_has_no_part(
    folder: Path, tmp_path: Path
) -> None:
    bank, source = tmp_path / "me.novabank", tmp_path / "dull.wav"
    assert novasr("bank", "build", folder, "-o", bank).returncode == 0
    audio_files.write(source, audio_files.noise(3.0, RATE_HZ, top_hz=2_000), RATE_HZ)
    run = novasr("enhance", source, "--model", "studio", "--bank", bank)
    assert run.returncode == 0, run.stderr
    assert "below 3.2 kHz nothing is looked up in the bank" in run.stderr


def test_errors_are_one_line(folder: Path, tmp_path: Path) -> None:
    narrow, path = tmp_path / "narrow", tmp_path / "b.novabank"
    narrow.mkdir()
    audio_files.write(narrow / "n.wav", audio_files.noise(12.0, 16_000), 16_000)
    refused = novasr("bank", "build", narrow, "-o", path)
    assert_one_error_line(refused, "no recording reaches 18 kHz", "full-band recordings")
    refused = novasr("bank", "build", folder, "-o", path, "--free-only")
    assert_one_error_line(refused, "build without --free-only")
    refused = novasr("bank", "build", tmp_path / "nowhere", "-o", path)
    assert_one_error_line(refused, "nowhere: no such folder")
    refused = novasr("bank", "build", folder, "-o", folder / "one.flac")
    assert_one_error_line(refused, "one.flac: a bank's name ends in .novabank")
    assert_one_error_line(novasr("bank", "info", folder / "one.flac"), "is no bank, or damaged")
    assert not path.exists()


def test_a_missing_faiss_is_named_with_its_remedy(folder: Path, tmp_path: Path) -> None:
    search_path = without_package(tmp_path, "faiss")
    refused = novasr("bank", "build", folder, "-o", tmp_path / "b.novabank", PYTHONPATH=search_path)
    assert_one_error_line(refused, "faiss-cpu", "pip install 'novasr[studio]'")
