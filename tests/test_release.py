"""What a release runs and contains: the check of its tag, the archives of the plugin, the container image's recipe."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import needs
import pytest

import novasr

sys.path.append(str(Path(__file__).parents[1] / "scripts"))
import run_dockerfile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PLUGIN = ROOT / "build/plugin/plugin/novasr_plugin_artefacts/Release"
shell_only = pytest.mark.skipif(os.name == "nt", reason="a shell script")


def script(name: str, *words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts" / name), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@shell_only
def test_a_tag_is_of_the_version() -> None:
    right = script("check-tag", f"v{novasr.__version__}")
    assert right.returncode == 0, right.stderr


@shell_only
@pytest.mark.parametrize("tag", ["v99.0.0", novasr.__version__, f"v{novasr.__version__}.1", ""])
def test_a_tag_of_another_version_is_refused(tag: str) -> None:
    wrong = script("check-tag", tag)
    assert wrong.returncode == 2
    assert f"tag v{novasr.__version__}" in wrong.stderr


@shell_only
def test_the_archives_of_the_plugin_are_whole(tmp_path: Path) -> None:
    """Bundle, licences and checksums; libraries can be executed, and are stripped."""
    if not PLUGIN.is_dir():
        needs.missing(f"the plugin is not built: no {PLUGIN}")
    needs.programs("cmake", "strip", packages="cmake binutils")
    result = script("pack-plugin", "made/here", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    made = tmp_path / "made/here"
    sums = dict(line.split()[::-1] for line in (made / "SHA256SUMS").read_text().splitlines())
    machine = os.uname().machine
    inside = {
        "vst3": [f"NovaSR.vst3/Contents/{machine}-linux/NovaSR.so"],
        "lv2": [f"NovaSR.lv2/{name}" for name in ("libNovaSR.so", "manifest.ttl", "dsp.ttl")],
    }
    names = {f"novasr-{novasr.__version__}-linux-{machine}-{kind}": kind for kind in inside}
    assert set(sums) == {f"{name}.zip" for name in names}
    for name, kind in names.items():
        archive = made / f"{name}.zip"
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == sums[archive.name]
        with zipfile.ZipFile(archive) as content:
            files = {entry.filename: entry for entry in content.infolist() if not entry.is_dir()}
            licences = ["LICENSE", "LICENSE-APACHE", "NOTICE", "THIRD-PARTY"]
            assert {f"{name}/{file}" for file in inside[kind] + licences} <= set(files)
            [library] = (file for file in files if file.endswith(".so"))
            assert files[library].external_attr >> 16 & 0o111
            assert b".symtab" not in content.read(library)


def instructions(word: str) -> list[str]:
    """Arguments of an instruction of the Dockerfile, in order."""
    return re.findall(rf"(?m)^{word} (.*)$", DOCKERFILE)


def test_the_image_is_built_from_what_a_source_archive_holds() -> None:
    """COPY takes, and .dockerignore lets through, what the sdist of pyproject.toml has: no more, no less."""
    copies = [words.split() for words in instructions("COPY")]
    copied = {source for *sources, _ in copies for source in sources}
    assert copied == {
        path.lstrip("/") for path in PROJECT["tool"]["scikit-build"]["sdist"]["include"]
    }
    assert all((ROOT / source).exists() for source in copied)
    for *sources, target in copies:
        assert target == "./" if len(sources) > 1 else target == sources[0]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_the_image_runs_the_command_line_as_a_user_of_its_own() -> None:
    stages = [words.split()[0] for words in instructions("FROM")]
    assert len(stages) == 2
    assert stages[0] == stages[1], "a wheel fits the Python that built it"
    minor = int(re.search(r"python:3\.(\d+)", stages[0])[1])
    assert f"cp3{minor}-*" in PROJECT["tool"]["cibuildwheel"]["build"].split()
    [entry] = instructions("ENTRYPOINT")
    assert entry.strip('["]') in PROJECT["project"]["scripts"]
    [user] = instructions("USER")
    assert f"useradd --create-home {user} " in DOCKERFILE
    assert instructions("VOLUME") == instructions("WORKDIR")[-1:] == ["/audio"]


def test_the_dockerfile_can_be_carried_out_without_docker() -> None:
    """By a script that knows its instructions; wheels.yml has Docker build the image."""
    read = run_dockerfile.read(DOCKERFILE)
    assert [word for word, _ in read] == re.findall(r"(?m)^([A-Z]+) ", DOCKERFILE)
    for word, _ in read:
        assert hasattr(run_dockerfile.Build, f"_{word.lower()}"), word


def test_control_the_script_knows_no_other_instruction(tmp_path: Path) -> None:
    with pytest.raises(run_dockerfile.DockerfileError, match="HEALTHCHECK"):
        run_dockerfile.Build(tmp_path).carry_out([("HEALTHCHECK", "NONE")])


@pytest.mark.alone
@pytest.mark.timeout(1_800)
@pytest.mark.skipif(
    os.environ.get("NOVASR_IMAGE") != "1", reason="takes minutes and 1 GB; NOVASR_IMAGE=1 adds it"
)
def test_the_image_enhances_speech() -> None:
    if os.geteuid() != 0:
        pytest.skip(run_dockerfile.missing())
    needs.programs("debootstrap", packages="debootstrap")
    result = script("run-dockerfile")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "The image works" in result.stdout
