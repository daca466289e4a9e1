"""The page to listen to."""

from __future__ import annotations

import os
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import noise, write

from novasr.cli.main import app
from novasr.errors import AudioFileError, ParameterError
from novasr.evaluation import page as pages
from novasr.evaluation.page import Version, choose_clips, make_folder, require_page, same_level
from novasr.evaluation.protocols import by_soxr, crossover_hz
from novasr.evaluation.runner import Score
from novasr.families.task import Task


class References(HTMLParser):
    """Collects what a page refers to, and its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def level_below(hertz: float, audio: np.ndarray, rate_hz: int) -> float:
    """RMS, up to a factor that is common to signals of one length in seconds."""
    spectrum = np.fft.rfft(audio)[: round(hertz * len(audio) / rate_hz)]
    return float(np.sqrt(np.sum(np.abs(spectrum) ** 2)) / len(audio))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for number, level in enumerate((0.01, 0.1, 1.0)):
        audio = level * 10 * noise(0.5, 48_000, top_hz=20_000)
        write(folder / f"a<b> {number}.wav", audio, 48_000, "FLOAT")
    write(folder / "music_1.wav", noise(0.5, 48_000, top_hz=20_000), 48_000)
    return folder


def test_a_page_holds_every_version_at_one_level_and_needs_nothing_else(
    data: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page"
    words = ["evaluate", str(data), "--metrics=lsd", "--jobs=1", "--bands=8,10"]
    baselines = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in baselines.items():
            patch.setenv(name, value)
        app([*words, "--page", str(page)], standalone_mode=False)
    text = (page / "index.html").read_text(encoding="utf-8")
    assert "://" not in text
    found = References(text)
    assert len(found.links) == len(set(found.links))
    assert {path.name for path in page.iterdir()} == {"index.html", *found.links}
    # 3 recordings of speech and one of music; input, sinc, linear at 8 kHz alone, base, original
    assert len(found.links) == 4 * 2 * (5 + 4)
    headings = [line for line in found.text if " of band 8 kHz: " in line]
    assert [line.split(" of band")[0] for line in headings] == [
        "speech, best",
        "speech, median",
        "speech, worst",
        "music, best",
    ]
    assert any("a<b> 0.wav" in line for line in headings)

    for original in page.glob("*-original.flac"):
        versions = sorted(page.glob(f"{original.name[:2]}-*.flac"))
        audio = [sf.read(path) for path in versions]
        assert versions[0].stem.endswith("-input")
        assert {rate for _, rate in audio[1:]} == {48_000}
        crossover = 0.8875 * audio[0][1] / 2  # soxr's filter falls from 0.91 of the band on
        levels = [level_below(crossover, *version) for version in audio]
        np.testing.assert_allclose(levels, levels[-1], rtol=0.01)
        assert max(np.abs(samples).max() for samples, _ in audio) < 0.99
        lengths = [len(samples) / rate for samples, rate in audio]
        np.testing.assert_allclose(lengths, 0.5, atol=1e-3)


def test_levels_are_matched_without_clipping() -> None:
    tone = np.sin(np.arange(4_800) / 10)
    versions = [Version(str(gain), 48_000, gain * tone) for gain in (0.1, 0.0, 4.0, 0.5)]
    found = same_level(versions, 24_000)
    for item in (found[0], found[2], found[3]):
        np.testing.assert_allclose(item.audio, 0.5 * tone)
    assert not found[1].audio.any()
    peaky = Version("peaky", 48_000, np.eye(1, 4_800)[0])
    together = same_level([peaky, versions[-1]], 24_000)
    assert np.abs(together[0].audio).max() == pytest.approx(0.98)
    rms = [np.sqrt(np.mean(item.audio**2)) for item in together]
    assert rms[0] == pytest.approx(rms[1])


def test_the_level_is_that_of_the_band_which_all_versions_share() -> None:
    """Of white noise cut at 4 kHz a sixth of the power is left: no reason to make it 8 dB louder."""
    task = Task(8_000, 48_000, 4_000.0)
    original = 0.1 * np.random.default_rng(1).standard_normal(48_000)
    low = by_soxr(original, task)
    versions = [Version("input", 8_000, low), Version("original", 48_000, original)]
    found = same_level(versions, crossover_hz(task))
    np.testing.assert_allclose(found[0].audio, low, rtol=0.002)
    np.testing.assert_array_equal(found[1].audio, original)


def test_a_page_that_cannot_be_written_leaves_the_other_results(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*words: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pages, "_draw", full)
    words = ["--metrics=lsd", "--jobs=1", "--no-baselines", f"--csv={tmp_path / 'a.csv'}"]
    with pytest.raises(AudioFileError, match="page: cannot be written: No space left"):
        app(["evaluate", str(data), *words, f"--page={tmp_path / 'page'}"], standalone_mode=False)
    assert (tmp_path / "a.csv").read_text().startswith("recording,kind")
    assert f"written: {tmp_path / 'a.csv'}" in capsys.readouterr().out
    assert not (tmp_path / "page" / "index.html").exists()


def test_names_that_are_no_text_are_shown_with_a_mark(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = write(folder / "a.wav", noise(0.2, 48_000), 48_000)
    path.rename(folder / os.fsdecode(b"caf\xe9.wav"))
    words = ["--metrics=lsd", "--jobs=1", "--no-baselines", f"--page={tmp_path / 'page'}"]
    app(["evaluate", str(folder), *words], standalone_mode=False)
    assert "caf?.wav</h2>" in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("count", "ranks"), [(1, ["best"]), (2, ["best", "worst"]), (3, ["best", "median", "worst"])]
)
def test_clips_are_ranked_by_the_judge_alone(count: int, ranks: list[str]) -> None:
    blank = Score("", "speech", "", "base", "plain", "clean", 8.0, {})
    scores = [
        replace(blank, recording=str(number), values={"lsd": 9.0 - number})
        for number in range(count)
    ]
    scores += [replace(score, system="sinc", values={"lsd": 1.0}) for score in scores]
    scores += [replace(scores[0], variant="matched", values={"lsd": 0.0})]
    scores += [replace(scores[0], condition="mp3", values={"lsd": 0.0})]
    scores += [replace(scores[0], band_khz=4.0)]
    clips = choose_clips(scores, "base")
    assert [(clip.band_khz, clip.rank) for clip in clips] == [
        *((8.0, rank) for rank in ranks),
        (4.0, "best"),
    ]
    assert clips[0].recording == str(count - 1)
    assert clips[0].lsd == {"base": 10.0 - count, "sinc": 1.0}


def test_what_cannot_hold_a_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AudioFileError, match="file: cannot hold a page: it is not a folder"):
        make_folder(tmp_path / "file")
    with pytest.raises(AudioFileError, match="file/page: cannot be created: Not a directory"):
        make_folder(tmp_path / "file" / "page")
    with pytest.raises(ParameterError, match="add lsd to --metrics"):
        require_page(["mrstft"])
