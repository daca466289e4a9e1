"""What one model family alone may know stands in its folder alone: rates, ratio, names of tensors."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALLOWED = Path(__file__).with_name("model_facts_allowed.txt")
SEARCHED = ("cpp", "plugin/source", "python/novasr", "cmake")
SUFFIXES = {".cpp", ".hpp", ".h", ".inl", ".py", ".pyi", ".cmake"}
OWN_FOLDER = re.compile(r"(cpp/src|python/novasr)/families/[^/]+/")
FACTS = re.compile(
    r"""\b16[_']?000(\.0f?)?\b | \b48[_']?000(\.0f?)?\b  # rates
    | (?<![\w.])[*/]\s*3(\.0f?)?\b(?!\.\d) | \b3\s\*\s   # ratio
    | \bconv_(pre|post)\b | \bresblocks\b                # tensors
    """,
    re.VERBOSE,
)


def facts() -> list[tuple[str, str]]:
    """Give the path and the text of each line outside the families' folders that states such a fact."""
    files = (path for folder in SEARCHED for path in (ROOT / folder).rglob("*"))
    listed = sorted(path.relative_to(ROOT).as_posix() for path in files)
    paths = [p for p in listed if Path(p).suffix in SUFFIXES and not OWN_FOLDER.match(p)]
    return [
        (path, line.strip())
        for path in paths
        for line in (ROOT / path).read_text(encoding="utf-8").splitlines()
        if FACTS.search(line)
    ]


def allowed() -> list[tuple[str, str]]:
    """Read the list: `path | part of the line | reason`."""
    entries = []
    for line in ALLOWED.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            path, part, reason = (field.strip() for field in line.split(" | "))
            assert reason, f"{ALLOWED.name}: no reason given in: {line}"
            entries.append((path, part))
    return entries


def test_no_other_file_knows_them():
    entries = allowed()
    unknown = [
        f"{path}: {line}"
        for path, line in facts()
        if not any(path == where and part in line for where, part in entries)
    ]
    assert not unknown, "derive these from the engine's format, or give a reason: " + "\n".join(
        unknown
    )


def test_the_list_of_exceptions_is_up_to_date():
    found = facts()
    stale = [
        f"{where} | {part}"
        for where, part in allowed()
        if not any(path == where and part in line for path, line in found)
    ]
    assert not stale, f"no longer there, take them off {ALLOWED.name}: {stale}"
