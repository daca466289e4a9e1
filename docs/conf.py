"""The documentation site: ``./scripts/build-docs``."""

from __future__ import annotations

import sys
from pathlib import Path

import novasr

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "site"))

project = "NovaSR Live"
author = "The NovaSR Live authors"
copyright = f"2026 {author}"
version = release = novasr.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "breathe",
    "browser_page",
    "command_reference",
    "cpp_comments",
    "outside_pages",
    "sound_players",
]
exclude_patterns = ["audio/README.md", "site/contents.md"]
templates_path: list[str] = []

# Links and anchors between pages are those of GitHub, and every one is checked.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!novasr\.).*"),  # types in words: "ndarray of float32, shape (frames,)"
    ("cpp:.*", r"(?!novasr::).*"),  # the standard library
]
smartquotes_action = "D"  # dashes alone

# `name` in a docstring is a link where it is a public name.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings state them, with shapes and ranges
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_param = napoleon_use_rtype = False  # types in words are no links
python_maximum_signature_line_length = 60
cpp_maximum_signature_line_length = 60
breathe_default_project = "novasr"
breathe_default_members = ("members",)

html_theme = "furo"
html_title = f"{project} {version}"
html_favicon = "../web/page/public/icon.svg"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_js_files = [("players.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#8a3b12", "color-brand-content": "#8a3b12"},
    "dark_css_variables": {"color-brand-primary": "#ffab73", "color-brand-content": "#ffab73"},
}
