"""What is missing is skipped on a desk and fails in CI."""

from __future__ import annotations

import needs
import pytest


@pytest.mark.parametrize(
    "ask",
    [
        lambda: needs.missing("no golden outputs"),
        lambda: needs.package("no_such_package", "pip install it"),
        lambda: needs.programs("sh", "no-such-program", packages="it"),
    ],
    ids=["material", "package", "program"],
)
def test_what_is_missing_is_skipped_and_in_ci_fails(monkeypatch: pytest.MonkeyPatch, ask) -> None:
    monkeypatch.setattr(needs, "IN_CI", False)
    with pytest.raises(pytest.skip.Exception):
        ask()
    monkeypatch.setattr(needs, "IN_CI", True)
    with pytest.raises(pytest.fail.Exception, match="unset CI"):
        ask()


def test_control_what_is_there_is_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "IN_CI", True)
    assert needs.package("json", "").loads("1") == 1
    needs.programs("sh", packages="dash")
