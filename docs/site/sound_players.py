"""Players for sounds: a link to a FLAC file, which GitHub shows as a link, has one on the site."""

from __future__ import annotations

from urllib.parse import quote

from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

SUFFIX = ".flac"


def visit(self: HTML5Translator, node: addnodes.download_reference) -> None:
    """Write the player before the link to its file."""
    if node["reftarget"].endswith(SUFFIX) and "filename" in node:
        path = f"{self.builder.dlpath}/{quote(node['filename'])}"
        label = self.attval(node.astext())
        self.body.append(
            f'<audio controls preload="metadata" src="{path}" aria-label="{label}"></audio>'
        )
    HTML5Translator.visit_download_reference(self, node)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    functions = (visit, HTML5Translator.depart_download_reference)
    app.add_node(addnodes.download_reference, override=True, html=functions)
    return {"parallel_read_safe": True}
