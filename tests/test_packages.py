"""The three packages: what is in them, under which licence, and that the source archives are whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import needs
import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "novasr": ROOT,
    "novasr-torch": ROOT / "python/novasr-torch",
    "novasr-plugin": ROOT / "python/novasr-plugin",
}
GPL = b"GNU GENERAL PUBLIC LICENSE"
VERSION = re.search(r"project\(novasr VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


def run(folder: Path, *words: str | Path, **environment: str) -> None:
    command = [sys.executable, *map(str, words)]
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=os.environ | environment
    )
    assert result.returncode == 0, result.stdout + result.stderr


def build_sdist(name: str, folder: Path) -> Path:
    """Build the source archive of a package, as pip and build do, and unpack it."""
    needs.package("scikit_build_core", "pip install 'scikit-build-core>=1.0,<2'")
    code = "import sys; from scikit_build_core.build import build_sdist as b; b(sys.argv[1])"
    run(SOURCES[name], "-c", code, folder)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(folder)
    [unpacked] = (path for path in folder.iterdir() if path.is_dir())
    assert unpacked.name == f"{name.replace('-', '_')}-{VERSION}"
    return unpacked


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sdist("novasr", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(source: Path) -> zipfile.ZipFile:
    """The wheel of novasr, built from nothing but its source archive."""
    words = [
        "-m",
        "pip",
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "-w",
        "wheels",
        ".",
    ]
    run(source, *words, CCACHE_BASEDIR=str(source))
    [path] = (source / "wheels").glob("novasr-*.whl")
    assert path.stat().st_size < 5e6
    return zipfile.ZipFile(path)


def of_wheel(wheel: zipfile.ZipFile) -> Message:
    [name] = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def of_installed(name: str) -> metadata.Distribution:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        needs.missing(f"{name} is not installed: pip install ./python/{name}")


def test_nothing_in_novasr_is_under_the_gpl(wheel: zipfile.ZipFile) -> None:
    assert of_wheel(wheel)["License-Expression"] == "Apache-2.0 AND BSD-3-Clause"
    assert of_wheel(wheel).get_all("License-File") == ["LICENSE", "NOTICE", "THIRD-PARTY"]
    for name in wheel.namelist():
        assert GPL not in wheel.read(name), name
        assert b"JUCE v" not in wheel.read(name), name


def test_control_the_plugin_would_be_noticed() -> None:
    files = of_installed("novasr-plugin").files
    contents = [Path(file.locate()).read_bytes() for file in files if file.suffix != ".pyc"]
    assert any(GPL in content for content in contents)
    assert any(b"JUCE v" in content for content in contents)


def test_novasr_needs_no_torch(wheel: zipfile.ZipFile) -> None:
    required = [line for line in of_wheel(wheel).get_all("Requires-Dist") if "extra ==" not in line]
    assert required
    assert not any("torch" in line for line in required)
    libraries = [name for name in wheel.namelist() if name.endswith(".so")]
    assert {"_native", "novasr_base", "novasr_wide"} == {
        Path(name).name.partition(".")[0] for name in libraries
    }
    assert not any(b"libtorch" in wheel.read(name) for name in libraries)
    requires = re.search(r"^requires = (.*)$", (ROOT / "pyproject.toml").read_text(), re.M)[1]
    assert "torch" not in requires


def test_novasr_brings_its_weights_and_its_types(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    tracked = {path.relative_to(ROOT / "python").as_posix() for path in package_files()}
    assert tracked <= names
    folders = {name.partition("/")[0] for name in names}
    assert folders == {"novasr", f"novasr-{VERSION}.dist-info"}


def package_files() -> list[Path]:
    found = (ROOT / "python/novasr").rglob("*")
    return [path for path in found if path.is_file() and path.suffix not in {".pyc", ".so"}]


def test_the_extras_bring_the_other_packages(wheel: zipfile.ZipFile) -> None:
    lines = of_wheel(wheel).get_all("Requires-Dist")
    assert 'novasr-torch; extra == "torch"' in lines
    assert 'novasr-plugin; extra == "plugin"' in lines
    assert 'novasr[plugin]; extra == "pedalboard"' in lines
    assert 'novasr[live,pedalboard,plot,torch]; extra == "all"' in lines


@pytest.mark.parametrize(
    ("name", "licences", "required"),
    [
        ("novasr-torch", ["LICENSE", "NOTICE", "THIRD-PARTY"], ["torch==2.13.0"]),
        ("novasr-plugin", ["LICENSE", "LICENSE-APACHE", "NOTICE", "THIRD-PARTY"], []),
    ],
)
def test_a_further_package_has_its_own_licence_and_the_version_of_novasr(
    name: str, licences: list[str], required: list[str]
) -> None:
    found = of_installed(name)
    assert found.version == metadata.version("novasr") == VERSION
    assert found.metadata.get_all("License-File") == licences
    assert found.requires == [f"novasr=={VERSION}", *required]
    texts = [file.read_text() for file in found.files if file.parent.name == "licenses"]
    assert len(texts) == len(licences)
    assert any(GPL.decode() in text for text in texts) == (name == "novasr-plugin")
    tag = next(line for line in found.read_text("WHEEL").splitlines() if line.startswith("Tag: "))
    assert tag.startswith("Tag: py3-none-")


@pytest.mark.parametrize("name", ["novasr-torch", "novasr-plugin"])
def test_the_source_archive_of_a_further_package_configures(name: str, tmp_path: Path) -> None:
    """With the sources of the whole repository out of reach; the gate builds them from there."""
    unpacked = build_sdist(name, tmp_path)
    assert (unpacked / "plugin").is_dir() == (name == "novasr-plugin")
    define = "NOVASR_TORCH" if name == "novasr-torch" else "NOVASR_PLUGIN"
    python = f"-DPython_EXECUTABLE={sys.executable}"
    words = ["cmake", "-S", str(unpacked), "-B", str(tmp_path / "b"), f"-D{define}=ON", python]
    needs.programs("cmake", packages="cmake")
    result = subprocess.run(words, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_source_archive_of_novasr_has_no_gpl_file(source: Path) -> None:
    assert not (source / "plugin").exists()
    for path in source.rglob("*"):
        assert path.is_dir() or GPL not in path.read_bytes(), path
