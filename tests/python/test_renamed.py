"""The old names of modules import what has moved, and say where it is now."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from importlib import import_module

import pytest

import novasr
from novasr._renamed import MOVED

NEEDS_PEDALBOARD = "novasr.effect"


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without any old name imported."""
    for old in MOVED:
        parent, _, name = old.rpartition(".")
        monkeypatch.delitem(sys.modules, old, raising=False)
        if parent in sys.modules:
            monkeypatch.delitem(vars(sys.modules[parent]), name, raising=False)


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("old", sorted(MOVED))
def test_an_old_name_is_the_module_of_today_and_says_so(old: str) -> None:
    if old == NEEDS_PEDALBOARD:
        pytest.importorskip("pedalboard")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        module = import_module(old)
    assert module is import_module(MOVED[old])
    assert module.__name__ == module.__spec__.name == MOVED[old]
    said = [str(one.message) for one in warned if one.category is DeprecationWarning]
    ours = [text for text in said if text.startswith(f"{old} is now {MOVED[old]}:")]
    assert len(ours) == 1


@pytest.mark.usefixtures("forgotten")
def test_the_warning_points_at_the_line_that_imports() -> None:
    with pytest.warns(DeprecationWarning, match="is now") as warned:
        from novasr.files import enhance_file
    assert [warning.filename for warning in warned] == [__file__]
    assert enhance_file is novasr.enhance_file


@pytest.mark.usefixtures("forgotten")
def test_an_old_name_is_an_attribute_of_the_package() -> None:
    with pytest.warns(DeprecationWarning, match="is now"):
        assert novasr.analysis.file_info is novasr.file_info


@pytest.mark.usefixtures("forgotten")
def test_a_pickle_from_before_loads() -> None:
    old = b"cnovasr.analysis\nVerdict\n(Vleave\nVfull band\ntR."
    with pytest.warns(DeprecationWarning, match="is now"):
        assert pickle.loads(old) == novasr.Verdict("leave", "full band")


def test_functions_of_whole_recordings_stay_where_the_module_was() -> None:
    from novasr import offline

    assert offline.enhance is novasr.enhance
    assert offline.enhance_file is novasr.enhance_file
    assert {"enhance", "enhance_file"} <= set(dir(offline))
    with pytest.raises(AttributeError, match=r"'novasr\.offline' has no attribute 'nothing'"):
        offline.nothing  # noqa: B018


def test_the_package_itself_uses_new_names_alone() -> None:
    code = "import sys, novasr, novasr.cli.main; from novasr import *; print(set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:novasr", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not [old for old in MOVED if repr(old) in run.stdout]
    assert repr("novasr.offline.files") in run.stdout
