"""Put the VST3 plugin where hosts look, and take it away: only what this module put there."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sys
from pathlib import Path

import novasr
from novasr.errors import PluginError
from novasr.plugin.bundle import BUNDLE_NAME, find_bundle
from novasr.weights.torch_runtime import find_torch_engine

_RESOURCES = Path("Contents", "Resources")
_MARKER = _RESOURCES / "novasr-install.json"  # SHA-256 of every other file
_ENGINE_POINTER = _RESOURCES / "torch-engine.txt"  # read by the plugin


def user_folder() -> Path:
    """Give the folder in which hosts look for the VST3 plugins of this user."""
    if sys.platform == "win32":
        return Path(os.environ["LOCALAPPDATA"], "Programs", "Common", "VST3")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Audio" / "Plug-Ins" / "VST3"
    return Path.home() / ".vst3"


def system_folder() -> Path:
    """Give the folder in which hosts look for the VST3 plugins of all users."""
    if sys.platform == "win32":
        return Path(os.environ["COMMONPROGRAMFILES"], "VST3")
    if sys.platform == "darwin":
        return Path("/Library/Audio/Plug-Ins/VST3")
    return Path("/usr/local/lib/vst3")


def install(folder: Path) -> Path:
    """Copy the plugin into `folder`, in place of one that was installed there before.

    Parameters
    ----------
    folder : Path
        Made if it is missing.

    Returns
    -------
    Path
        The new bundle.

    Raises
    ------
    PluginError
        If there is no plugin to copy, if something of that name was not put there by this function or
        was altered since, or if the folder cannot be written.
    """
    source, target = find_bundle(), folder / BUNDLE_NAME
    _refuse_foreign(target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = _aside(folder)
        try:
            shutil.copytree(source, fresh)
            _write_resources(fresh)
            _replace(target, fresh)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        msg = f"{folder}: cannot be written: {error.strerror or error}"
        raise PluginError(msg) from error
    return target


def uninstall(folder: Path) -> Path:
    """Remove the plugin that :func:`install` put into `folder`.

    Returns
    -------
    Path
        What was removed.

    Raises
    ------
    PluginError
        If it is not there, was not put there by :func:`install` or was altered since, or cannot be
        removed.
    """
    target = folder / BUNDLE_NAME
    if not os.path.lexists(target):
        raise PluginError(f"nothing to remove at {target} (--to FOLDER if it is elsewhere)")
    _refuse_foreign(target)
    doomed = _aside(folder)
    try:
        target.rename(doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        msg = f"{target}: cannot be removed: {error.strerror or error}"
        raise PluginError(msg) from error
    return target


def _aside(folder: Path) -> Path:
    """Give a new name on the same file system, which no host takes for a plugin."""
    return folder / f".novasr-{secrets.token_hex(6)}"


def _write_resources(bundle: Path) -> None:
    (bundle / _RESOURCES).mkdir(exist_ok=True)
    if (engine := find_torch_engine()) is not None:
        (bundle / _ENGINE_POINTER).write_bytes(os.fsencode(engine))
    content = {"version": novasr.__version__, "files": _fingerprint(bundle)}
    (bundle / _MARKER).write_text(json.dumps(content, indent=1))


def _replace(target: Path, fresh: Path) -> None:
    """Rename `fresh` to `target`; hosts see the one or the other, or nothing for an instant."""
    if not target.exists():
        fresh.rename(target)
        return
    old = _aside(target.parent)
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _refuse_foreign(target: Path) -> None:
    if not os.path.lexists(target):
        return
    remedy = "move it away first, or choose another folder with --to"
    try:
        written = json.loads((target / _MARKER).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        written = None
    if written is None or target.is_symlink():
        raise PluginError(f"{target}: was not installed by novasr: {remedy}")
    try:
        found = _fingerprint(target)
    except OSError:
        found = None
    if written != found:
        raise PluginError(f"{target}: was altered after novasr installed it: {remedy}")


def _fingerprint(bundle: Path) -> dict[str, str]:
    return {
        path.relative_to(bundle).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(bundle.rglob("*"))
        if path.is_file() and path != bundle / _MARKER
    }
