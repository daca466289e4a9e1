"""What GitHub and archives read of the project: valid, and about what there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import needs
import pytest

import novasr

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCHEMAS = [
    *((path, "github-workflows") for path in WORKFLOWS),
    *((path, "github-issue-forms") for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")),
    (ROOT / "CITATION.cff", "citation-file-format"),
]


def check(path: Path, schema: str) -> subprocess.CompletedProcess[str]:
    needs.package("check_jsonschema", "pip install '.[test]'")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    return subprocess.run([*command, path], capture_output=True, text=True)


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=lambda value: getattr(value, "name", ""))
def test_a_file_has_the_form_that_is_expected(path: Path, schema: str) -> None:
    result = check(path, schema)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=lambda value: getattr(value, "name", ""))
def test_control_a_wrong_file_is_noticed(path: Path, schema: str, tmp_path: Path) -> None:
    wrong = tmp_path / path.name
    wrong.write_text(re.sub(r"(?m)^(on|authors|body):", "nothing:", path.read_text("utf-8")))
    assert check(wrong, schema).returncode == 1


def test_the_citation_is_of_this_version() -> None:
    found = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert found[1] == novasr.__version__


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_what_there_is(path: Path) -> None:
    """Scripts, presets of CMake, extras of the package, and tests."""
    text = path.read_text("utf-8")
    for script in re.findall(r"(?<=\./)scripts/[\w-]+", text):
        assert (ROOT / script).is_file(), script
    presets = json.loads((ROOT / "CMakePresets.json").read_text("utf-8"))
    known = {preset["name"] for preset in presets["configurePresets"]}
    assert set(re.findall(r"--preset[ =]([\w-]+)", text)) <= known
    extras = set(re.findall(r"^([\w-]+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.M))
    for listed in re.findall(r"'\.\[([\w,-]+)\]'", text):
        assert set(listed.split(",")) <= extras
    for tests in re.findall(r"(?<=\s)tests/[\w./-]+", text):
        assert (ROOT / tests).exists(), tests
    for called in re.findall(r"uses: \./(\S+)", text):
        assert "workflow_call:" in (ROOT / called).read_text("utf-8"), called
    for folder in re.findall(r"folder: (python/[\w-]+)", text):
        assert (ROOT / folder / "pyproject.toml").is_file(), folder
