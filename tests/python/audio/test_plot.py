"""plot_spectrograms: a PNG that appears complete or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import needs
import pytest
import soundfile as sf
from audio_files import noise, write
from command_line import novasr

from novasr.audio.plot import plot_spectrograms
from novasr.errors import AudioFileError, NovasrError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    before = write(tmp_path / "a $1$ [b].wav", noise(2.0, 16_000), 16_000)
    return before, write(tmp_path / "after.wav", noise(2.0, 48_000, 2), 48_000)


@pytest.fixture
def _matplotlib() -> None:
    needs.package("matplotlib", "pip install 'novasr[plot]'")


@pytest.mark.usefixtures("_matplotlib")
def test_two_files_become_one_png(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    picture = tmp_path / "picture.png"
    plot_spectrograms(*pair, picture)
    content = picture.read_bytes()
    assert content.startswith(PNG_SIGNATURE)
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (1200, 768)


@pytest.mark.usefixtures("_matplotlib")
@pytest.mark.parametrize("frames", [1, 100, 16_000 * 90])
def test_short_and_long_files_are_drawn(tmp_path: Path, frames: int) -> None:
    before = tmp_path / "a.flac"
    with sf.SoundFile(before, "w", 16_000, 1) as file:
        for start in range(0, frames, 16_000):
            file.write(noise(1.0, 16_000)[: frames - start])
    plot_spectrograms(before, before, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.usefixtures("_matplotlib")
def test_a_picture_that_cannot_be_written_is_an_error(
    tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    with pytest.raises(AudioFileError, match="create it first"):
        plot_spectrograms(*pair, tmp_path / "absent" / "picture.png")


def test_without_matplotlib_the_error_says_what_to_install(
    tmp_path: Path, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(NovasrError, match=r"pip install 'novasr\[plot\]'"):
        plot_spectrograms(*pair, tmp_path / "picture.png")
    assert not (tmp_path / "picture.png").exists()


@pytest.mark.usefixtures("_matplotlib")
def test_every_format_that_is_read_is_drawn(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    needs.programs("ffmpeg", "ffprobe", packages="ffmpeg")
    source = tmp_path / "a.m4a"
    subprocess.run(["ffmpeg", "-v", "error", "-i", pair[0], source], check=True)
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(2 * write(tmp_path / "b.mp3", noise(2.0, 16_000), 16_000).read_bytes())
    for path in (source, joined):
        plot_spectrograms(path, pair[1], tmp_path / "picture.png")
        assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.usefixtures("_matplotlib")
def test_a_picture_that_fails_does_not_fail_its_file(
    tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    (tmp_path / "result.png").mkdir()
    result = tmp_path / "result.wav"
    run = novasr("enhance", pair[0], "-o", result, "--plot", "--overwrite")
    assert run.returncode == 0
    assert "no plot: " in run.stderr
    assert sf.info(result).frames == 96_000
