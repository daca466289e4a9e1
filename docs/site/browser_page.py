"""The page for the browser as a part of the site, if ./scripts/build-web has built it: at try/index.html."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

BUILT = Path(__file__).parents[2] / "web" / "site"
# On GitHub it leads to the source.
LINK = re.compile(r"\[([^]]+)\]\(\.\./web/page/index\.html\)")


def add_page(app: Sphinx, config: Config) -> None:
    """Copy the page beside the others."""
    if BUILT.is_dir():
        config.html_extra_path = [str(BUILT)]


def link_page(app: Sphinx, name: str, source: list[str]) -> None:
    """Let links to it lead there; without it they are plain words."""
    link = r'<a href="try/index.html">\1</a>' if BUILT.is_dir() else r"\1"
    source[0] = LINK.sub(link, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", add_page)
    app.connect("source-read", link_page)
    return {"parallel_read_safe": True}
