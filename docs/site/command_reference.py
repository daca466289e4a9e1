"""The reference of the command line, from the commands themselves: Typer writes it, `cli.md` takes it in."""

from __future__ import annotations

import re
import subprocess
import sys

from sphinx.application import Sphinx

PAGE = "reference/cli"
# Typer leaves a block that must not be wrapped as it is, which Markdown would run together.
EXAMPLES = re.compile(r"^Examples:\n((?:  .*\n)+)", re.MULTILINE)
CODE_OR_OPTION = re.compile(r"```.*?```|`[^`]*`|(?<![\w-])--[a-z][a-z-]*", re.DOTALL)
SECTION = re.compile(r"^##+ `(novasr [\w ]+)`\n\n(.+)$", re.MULTILINE)
# Cut off after 45 characters.
SUMMARY = re.compile(r"^\* `(\w+)`: .*\.\.\.$", re.MULTILINE)


def commands() -> str:
    """Give Markdown with a section for each command."""
    writer = [sys.executable, "-m", "typer", "novasr.cli.main", "utils", "docs", "--name", "novasr"]
    text = subprocess.run(writer, capture_output=True, text=True, check=True).stdout
    text = text.partition("\n")[2]  # without its title; the page has one
    text = text.replace("\b\n", "")  # click's mark of a block that is not wrapped
    text = EXAMPLES.sub(_examples, text)
    text = CODE_OR_OPTION.sub(_marked, text)
    whole = {name.split()[-1]: summary for name, summary in SECTION.findall(text)}
    return SUMMARY.sub(lambda match: f"* `{match[1]}`: {whole[match[1]]}", text)


def _marked(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("`") else f"`{match[0]}`"


def _examples(match: re.Match[str]) -> str:
    lines = re.sub("^  ", "", match[1], flags=re.MULTILINE)
    return f"**Examples**:\n\n```bash\n{lines}```\n"


def add_commands(app: Sphinx, page: str, source: list[str]) -> None:
    """Append the reference to the page that introduces it."""
    if page == PAGE:
        source[0] += commands()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", add_commands)
    return {"parallel_read_safe": True}
