"""What the three packages distribute is under known licences, and these are in them."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata
from pathlib import Path

import needs
import pytest

PACKAGES = ("novasr", "novasr-torch", "novasr-plugin")
ROOTS = {"novasr": "Apache-2.0", "novasr-torch": "Apache-2.0", "novasr-plugin": "GPL-3.0-only"}

# The extension, and two plugins without an editor; the LibTorch engine; the VST3.
LIBRARIES = {"novasr": 3, "novasr-torch": 1, "novasr-plugin": 1}

# Of the project itself, under the licence of their package.
OWN = {".py", ".pyi", ".safetensors", ".so", ".toml", ".ttl", ".typed"}
# What a library contains, told by a text in it: its licence, and a line of the notice that it asks for.
PARTS = {
    b"6novasr": ("Apache-2.0", "Apache License"),
    b"pybind11": ("BSD-3-Clause", "Copyright (c) 2016 Wenzel Jakob"),
    b"3c1010TensorImpl": ("BSD-3-Clause", "Copyright (c) 2016-     Facebook, Inc"),
    b"JUCE v": ("GPL-3.0-only", "GNU GENERAL PUBLIC LICENSE"),
    b"4juce9Component": ("ISC", "Copyright (c) 2022 - Raw Material Software Limited"),
    b"9Steinberg8FUnknown": ("BSD-3-Clause", "(c) 2021, Steinberg Media Technologies GmbH"),
}
# Libraries of others that no package may contain unnoticed: a text in each, and a file of Debian that has it.
FOREIGN = {
    b" inflate 1.": "libz.so.1",
    b"libpng version 1.": "libpng16.so.16",
    b"JFIF": "libjpeg.so.62",
    b"truetype": "libfreetype.so.6",
}
SYSTEM = {"libc.so.6", "libgcc_s.so.1", "libm.so.6", "libstdc++.so.6"}
SYSTEM |= {"ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2"}
LOADED = {
    "novasr": set(),
    "novasr-torch": {"libc10.so", "libgomp.so.1", "libtorch.so", "libtorch_cpu.so"},
    "novasr-plugin": {"libfreetype.so.6", "libpng16.so.16", "libz.so.1"},
}
# Licences of what `pip install novasr` brings along, which ask nothing of a program that only imports it.
PERMISSIVE = re.compile(
    r"\b(MIT|ISC|BSD|Apache|0BSD|Zlib|PSF|Python Software Foundation|MPL|Mozilla|LGPL"
    r"|Lesser General Public|CC0|Unlicense|CNRI)\b",
    re.IGNORECASE,
)


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> metadata.Distribution:
    """Give an installed one, whose wheel the gate has just built."""
    try:
        return metadata.distribution(request.param)
    except metadata.PackageNotFoundError:
        needs.missing(f"{request.param} is not installed: pip install ./python/{request.param}")


def files(package: metadata.Distribution) -> list[Path]:
    """Give those that are not about the installation."""
    return [
        Path(file.locate())
        for file in package.files
        if file.parts[0].startswith("novasr") and ".dist-info" not in file.parts[0]
        if file.suffix != ".pyc"
    ]


def libraries(package: metadata.Distribution) -> list[Path]:
    found = [path for path in files(package) if path.suffix == ".so"]
    assert len(found) == LIBRARIES[package.name]
    return found


def notices(package: metadata.Distribution) -> str:
    return "\n".join(file.read_text() for file in package.files if file.parent.name == "licenses")


def test_every_file_has_a_known_licence(package: metadata.Distribution) -> None:
    """The project's own files have that of the package; any other kind has none until it is listed here."""
    assert {path.suffix for path in files(package)} <= OWN
    terms = package.metadata["License-Expression"].split(" AND ")
    assert terms[0] == ROOTS[package.name]
    declared = {
        licence
        for path in libraries(package)
        for text, (licence, _) in PARTS.items()
        if text in path.read_bytes()
    }
    assert declared == set(terms)


def test_the_notices_of_what_is_compiled_in_are_there(package: metadata.Distribution) -> None:
    text = notices(package)
    for path in libraries(package):
        content = path.read_bytes()
        for part, (_, notice) in PARTS.items():
            assert part not in content or notice in text, part


def test_no_other_library_is_compiled_in(package: metadata.Distribution) -> None:
    for path in libraries(package):
        for text, name in FOREIGN.items():
            assert text not in path.read_bytes(), name


@pytest.mark.parametrize(("text", "name"), FOREIGN.items())
def test_control_these_libraries_would_be_noticed(text: bytes, name: str) -> None:
    path = next(Path("/usr/lib").glob(f"*/{name}"), None)
    if path is None:
        needs.missing(f"{name} not found: apt-get install juce-modules-source")
    assert text in path.read_bytes()


def test_a_library_loads_only_what_every_distribution_has(package: metadata.Distribution) -> None:
    """And, for torch, what the package that it requires brings."""
    needs.programs("readelf", packages="binutils")
    for path in libraries(package):
        output = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True)
        loaded = set(re.findall(r"NEEDED.*\[(.*)\]", output.stdout))
        assert {"libc.so.6", "libstdc++.so.6"} <= loaded
        assert loaded - SYSTEM <= LOADED[package.name]


def required(name: str, found: dict[str, metadata.Distribution]) -> None:
    """Collect what a package requires, itself included, without extras."""
    if name in found:
        return
    try:
        found[name] = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return  # for another Python or system
    for line in found[name].requires or []:
        if "extra ==" not in line:
            required(re.match(r"[\w.-]+", line)[0].lower(), found)


def licence_of(package: metadata.Distribution) -> str:
    data = package.metadata
    stated = [
        data["License-Expression"] or "",
        (data["License"] or "")[:200],
        *(line for line in data.get_all("Classifier", []) if line.startswith("License ::")),
    ]
    return " ".join(stated)


def test_novasr_brings_only_permissive_packages_along() -> None:
    found: dict[str, metadata.Distribution] = {}
    required("novasr", found)
    assert {"numpy", "soundfile", "soxr", "typer"} <= set(found)
    for name, package in found.items():
        licence = licence_of(package)
        assert PERMISSIVE.search(licence), f"{name}: {licence}"
        assert not re.search(r"(?<![L\w])(AGPL|GPL)|Affero", licence), f"{name}: {licence}"


def test_praat_comes_by_its_own_extra_alone() -> None:
    """It is under the GPL, and never a part of another extra."""
    lines = [line for line in metadata.requires("novasr") if line.startswith("praat-parselmouth")]
    assert [line.partition(";")[2].strip() for line in lines] == ['extra == "praat"']
    bringing = [line for line in metadata.requires("novasr") if re.search(r"novasr\[.*praat", line)]
    assert [line.partition(";")[2].strip() for line in bringing] == ['extra == "test"']


def test_control_a_package_under_the_gpl_would_be_noticed() -> None:
    """Mutagen, which is therefore an extra of its own."""
    needs.package("mutagen", "pip install '.[tags]'")
    assert re.search(r"(?<![L\w])(AGPL|GPL)|Affero", licence_of(metadata.distribution("mutagen")))
