"""The documentation site: it builds without warnings, is complete, and leads nowhere that is not there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import needs
import numpy as np
import pytest
import soundfile as sf
import typer
import web_package

import novasr
import novasr.live
from novasr.cli.main import app

ROOT = Path(__file__).parents[1]
LOADED = {
    "audio": "src",
    "img": "src",
    "script": "src",
    "source": "src",
    "link": "href",
    "iframe": "src",
}


@dataclass
class Page(HTMLParser):
    """What a page refers to, and where in it one can go."""

    path: Path
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[tuple[str, str]] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given:
            self.loaded.append((tag, given[LOADED[tag]]))

    def file(self, target: str) -> Path:
        """Give the file that a relative address names."""
        path = unquote(urlsplit(target).path)
        return (self.path.parent / path).resolve() if path else self.path.resolve()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it, warnings as errors."""
    for package in ("sphinx", "furo", "myst_parser", "breathe"):
        needs.package(package, "pip install '.[docs]'")
    needs.package("pedalboard", "pip install '.[pedalboard]'")
    needs.programs("doxygen", packages="doxygen")
    if shutil.which("clang++-19") and shutil.which("npm"):
        web_package.build()  # the page for the browser, a part of the site
    folder = tmp_path_factory.mktemp("site")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = [ROOT / "scripts" / "build-docs", folder]
    run = subprocess.run(script, capture_output=True, text=True, env=os.environ | {"PATH": path})
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in sorted(site.rglob("*.html"))}


GITHUB_PAGES = [
    path for path in sorted((ROOT / "docs").rglob("*.md")) if path.parent.name != "site"
]


@pytest.mark.parametrize("path", GITHUB_PAGES, ids=lambda path: path.stem)
def test_a_page_reads_well_on_github(path: Path) -> None:
    """It has a title and text; only the reference has directives, and says so."""
    text = path.read_text("utf-8")
    if path.parent.name != "audio":
        assert text.startswith("# ")
    words = re.sub(r"^[#>].*", "", re.sub(r"```.*?```", "", text, flags=re.S), flags=re.M).split()
    assert len(words) > 8
    if path.parent.name == "reference":
        assert "\n> On GitHub " in text
    else:
        assert not re.search(r"^(```|:::+) *\{", text, re.M)


def remote(address: str) -> bool:
    return bool(urlsplit(address).netloc)


def test_a_link_leads_to_a_page_and_a_place_in_it(pages: dict[Path, Page]) -> None:
    assert sum(len(page.links) for page in pages.values()) > 500
    for page in pages.values():
        for link in page.links:
            if remote(link) or link.startswith("mailto:"):
                continue
            target = page.file(link)
            assert target.is_file(), f"{page.path.name}: {link}"
            place = unquote(urlsplit(link).fragment)
            if place and target in pages:
                assert place in pages[target].ids, f"{page.path.name}: {link}"


def test_what_github_cannot_show_is_on_the_site(site: Path) -> None:
    """The text of files outside docs/, and the program; not what is said to readers on GitHub."""
    pages = {
        "install": "juce-modules-source libportaudio2",
        "changelog": "Keep a Changelog",
        "contributing": "NOVASR_SHARED",
        "bench-programs": "novasr_bench_chain",
        "cpp": "int main(",
    }
    for page, text in pages.items():
        shown = re.sub("<[^>]+>", "", (site / f"{page}.html").read_text("utf-8"))
        assert text in shown, page
    for path in (site / "reference").glob("*.html"):
        assert "On GitHub" not in path.read_text("utf-8")


def test_a_page_loads_only_files_of_the_site(site: Path, pages: dict[Path, Page]) -> None:
    for page in pages.values():
        for tag, address in page.loaded:
            if tag == "link" and page.file(address).suffix == ".html":
                continue  # rel=next and the like: nothing is loaded
            assert not remote(address), f"{page.path.name}: {address}"
            assert page.file(address).is_file(), f"{page.path.name}: {address}"
    for style in site.rglob("*.css"):
        text = style.read_text("utf-8")
        for wanted in ("@import", "url(//", "url(http", 'url("http', "url('http"):
            assert wanted not in text, style.name


def test_sounds_come_in_pairs_and_play(pages: dict[Path, Page], site: Path) -> None:
    gallery = pages[(site / "listen.html").resolve()]
    sounds = [gallery.file(address) for tag, address in gallery.loaded if tag == "audio"]
    assert [sound.name for sound in sounds] == [
        "speech-16k.flac",
        "speech-48k.flac",
        "telephone-8k.flac",
        "telephone-48k.flac",
    ]
    for sound in sounds:
        assert sf.info(sound).duration > 1


@pytest.mark.parametrize(
    ("before", "after", "below_hz"),
    [("speech-16k", "speech-48k", 6_000), ("telephone-8k", "telephone-48k", 3_400)],
)
def test_a_pair_has_the_same_level(before: str, after: str, below_hz: float) -> None:
    """As listen.md says: to 0.1 dB within the band of the input."""

    def level_db(name: str) -> float:
        audio, rate = sf.read(ROOT / "docs" / "audio" / f"{name}.flac")
        power = np.abs(np.fft.rfft(audio)) ** 2 / len(audio) ** 2
        return 10 * np.log10(power[np.fft.rfftfreq(len(audio), 1 / rate) < below_hz].sum())

    assert level_db(after) == pytest.approx(level_db(before), abs=0.1)


def test_the_reference_has_every_public_name(pages: dict[Path, Page], site: Path) -> None:
    ids = pages[(site / "reference" / "python.html").resolve()].ids
    names = {f"novasr.{name}" for name in [*novasr.__all__, "NovaSR"]}
    names |= {f"novasr.live.{name}" for name in novasr.live.__all__ if name != "DeviceError"}
    assert names - ids == set()
    for member in ("Stream.process", "Stream.set", "live.LiveStream.updates", "NovaSR.model"):
        assert f"novasr.{member}" in ids


def test_the_reference_has_every_command(pages: dict[Path, Page], site: Path) -> None:
    page = pages[(site / "reference" / "cli.html").resolve()]
    text = page.path.read_text("utf-8")
    group = typer.main.get_command(app)
    commands = {f"novasr {name}": command for name, command in group.commands.items()}
    for name, command in list(commands.items()):
        children = getattr(command, "commands", {})
        commands |= {f"{name} {child}": value for child, value in children.items()}
    assert len(commands) > 10
    for name, command in commands.items():
        assert name.replace(" ", "-") in page.ids, name
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    assert option in text, f"{name} {option}"


def test_the_reference_has_every_public_declaration(pages: dict[Path, Page], site: Path) -> None:
    """Classes, functions, enumerations and constants of the C++ headers."""
    ids = pages[(site / "reference" / "cpp.html").resolve()].ids
    doxygen = site.parent / "cache" / "doxygen"
    index = ElementTree.parse(doxygen / "index.xml").getroot()
    wanted = {}
    for compound in index.iter("compound"):
        name = compound.findtext("name", "")
        if compound.get("kind") in ("class", "struct") and name.startswith("novasr::"):
            wanted[compound.get("refid")] = name
        elif name == "novasr":
            members = {m.get("refid"): m.findtext("name") for m in compound.iter("member")}
            wanted |= {k: v for k, v in members.items() if "_1a" in k}
    assert len(wanted) > 50
    private = {"novasr::WorkerEngine::Stream"}
    assert {name for key, name in wanted.items() if key not in ids} - private == set()


def test_every_header_is_read(site: Path) -> None:
    headers = {path.name for path in (ROOT / "cpp" / "include" / "novasr").glob("*.hpp")}
    page = (site / "reference" / "cpp.html").read_text("utf-8")
    assert {name for name in headers if name not in page} == set()


def test_a_newcomer_gets_from_the_start_page_to_a_sound_in_the_browser(
    site: Path, tmp_path: Path
) -> None:
    """On a desktop and on a telephone, without scrolling sideways."""
    web_package.build()
    web_package.chromium()
    found = web_package.node("newcomer.mjs", site, tmp_path)
    assert set(found) == {"desktop", "phone"}
    for screen, route in found.items():
        assert route["problems"] == [], screen
        assert max(route["widths"]) <= route["width"], screen
        assert not route["clock"].startswith("0:00"), screen
        for name in ("start", "guide", "page", "result"):
            assert (tmp_path / f"{screen}-{name}.png").stat().st_size > 20_000
