"""Links to Markdown files outside docs/, which GitHub follows, lead to the pages that include these files."""

from __future__ import annotations

from sphinx.application import Sphinx

PAGES = {
    "../CHANGELOG.md": "changelog.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../bench/README.md": "bench-programs.md",
}


def redirect_links(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace their targets."""
    for outside, inside in PAGES.items():
        source[0] = source[0].replace(f"]({outside})", f"]({inside})")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", redirect_links)
    return {"parallel_read_safe": True}
