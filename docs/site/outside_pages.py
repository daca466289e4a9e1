"""What the site has and GitHub cannot show: files from outside docs/ as pages, and the contents at the side.

On GitHub, pages of docs/ lead to these files by links; the site takes their text in.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

CONTENTS = Path(__file__).with_name("contents.md")
OUTSIDE = {
    "changelog": "../CHANGELOG.md",
    "contributing": "../CONTRIBUTING.md",
    "bench-programs": "../bench/README.md",
}
README_PARTS = {"Install": "Use it", "Dependencies": "More"}  # title: the next one's
# A link to a program, alone on its line.
PROGRAM = re.compile(r"^\[\S+\]\((\.\./examples/\S+\.cpp)\)$", re.MULTILINE)
# A quote for readers of GitHub alone.
ASIDE = re.compile(r"^> On GitHub\b.*\n(?:> .*\n)*\n?", re.MULTILINE)


def included(path: str, start: str = "", end: str = "") -> str:
    """Give the directive that takes in a file, or what stands in it between two titles."""
    options = [f':start-after: "{start}"', f':end-before: "{end}"'] if start else []
    folder = "../docs/" if "/" in path.removeprefix("../") else "docs/"
    return "\n".join([f"```{{include}} {path}", f":relative-docs: {folder}", *options, "```", ""])


def install_page() -> str:
    """Give the parts of README.md on installing."""
    parts = [
        f"## {title}\n\n{included('../README.md', f'## {title}', f'## {following}')}"
        for title, following in README_PARTS.items()
    ]
    return "\n".join(parts).removeprefix("#")


def rewrite(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace what is made for GitHub."""
    text = source[0]
    if page in OUTSIDE:
        text = included(OUTSIDE[page])
    elif page == "install":
        text = install_page()
    elif page == "index":
        text += "\n" + CONTENTS.read_text("utf-8")
    text = PROGRAM.sub(r"```{literalinclude} \1\n:language: cpp\n```", ASIDE.sub("", text))
    for inside, outside in OUTSIDE.items():
        text = text.replace(f"]({outside})", f"]({inside}.md)")
    source[0] = text


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", rewrite)
    return {"parallel_read_safe": True}
