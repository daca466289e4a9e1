"""The examples in docstrings, README.md and docs/, as far as they run without sound devices."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
import typer

import novasr
from novasr.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGE = Path(novasr.__path__[0])
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text("utf-8")]
WANTS_DEVICES = {"novasr.live.stream.LiveStream"}
OPENS_DEVICES = re.compile(r"^with .*Stream\(", re.MULTILINE)


def run(examples: doctest.DocTest) -> None:
    """Run them; what is marked SKIP must at least parse."""
    for example in examples.examples:
        compile(example.source, examples.name, "single")
    report: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(examples, out=report.append)
    assert result.failed == 0, "".join(report)


def blocks(page: Path, language: str) -> list[str]:
    """Give what stands between ```language and ```."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)


def cases(language: str, besides: str = "") -> list[object]:
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for page in PAGES
        if page.stem != besides  # tests/python/sets runs those, each in a process of its own
        for number, block in enumerate(blocks(page, language), 1)
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be where talk.wav is."""
    sf.write(tmp_path / "talk.wav", 0.1 * np.random.default_rng(1).standard_normal(4800), 16_000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_docstrings_do_as_they_say(path: Path) -> None:
    name = ".".join(["novasr", *path.relative_to(PACKAGE).with_suffix("").parts])
    module = needs.package(name, "pip install '.[test]'")
    found = [examples for examples in doctest.DocTestFinder().find(module) if examples.examples]
    written = re.findall(r"^ *>>> ", path.read_text("utf-8"), re.MULTILINE)
    assert sum(len(examples.examples) for examples in found) == len(written)
    for examples in found:
        skipped = any(doctest.SKIP in example.options for example in examples.examples)
        assert skipped == (examples.name in WANTS_DEVICES)
        run(examples)


def test_control_a_wrong_docstring_is_noticed() -> None:
    for wrong in (">>> 1 + 1\n3\n", ">>> novasr.no_such_name\n", ">>> with  # doctest: +SKIP\n"):
        examples = doctest.DocTestParser().get_doctest(wrong, {"novasr": novasr}, "", None, None)
        with pytest.raises((AssertionError, SyntaxError)):
            run(examples)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("block", cases("python", besides="datasets"))
def test_a_python_block_runs(block: str) -> None:
    code = compile(block, "block", "exec")
    if not OPENS_DEVICES.search(block):
        needs.package("pedalboard", "pip install 'novasr[pedalboard]'")
        exec(code, {"audio": np.zeros((2, 4800), np.float32)})


@pytest.mark.parametrize("block", cases("bash"))
def test_a_shell_block_parses_and_names_what_there_is(block: str) -> None:
    """Scripts, commands of novasr and their options; the recordings need not be there."""
    subprocess.run(["bash", "-n"], input=block, text=True, check=True)
    for line in block.splitlines():
        program, *words = shlex.split(line, comments=True) or [""]
        if program == "novasr":
            command = typer.main.get_command(app)
            while hasattr(command, "commands"):
                command, words = command.commands[words[0]], words[1:]
            command.make_context(program, words)
        elif program.startswith("./"):
            assert (ROOT / program).is_file()


def test_the_install_of_the_readme_has_what_its_first_commands_need() -> None:
    """``--plot`` needs the extra plot, ``novasr live`` the extra live."""
    text = (ROOT / "README.md").read_text("utf-8")
    extras = re.search(r"^pip install '\.\[([a-z,]+)\]'", text, re.MULTILINE)[1].split(",")
    commands = text.partition("## Use it")[2].partition("```\n\n")[0]
    wanted = {word for word in ("plot", "live") if re.search(f" (--)?{word}\\b", commands)}
    assert wanted == {"plot", "live"}
    assert wanted <= set(extras)
