"""The npm package as others get it: packed, installed in an empty project, bundled, and run in Chromium."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
import soundfile as sf
import web_package
from web_package import ROOT, WEB, node, run

import novasr
from novasr.parameters import INFOS

PACKAGE = json.loads((WEB / "package.json").read_text("utf-8"))
VERSION = re.search(r"project\(novasr VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


@pytest.fixture(scope="module")
def tarball(web: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    run("npm", "pack", "--pack-destination", folder, folder=web)
    [path] = folder.glob("*.tgz")
    return path


@pytest.fixture(scope="module")
def used(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a project that installs it finds, bundled by Vite and by esbuild."""
    web_package.chromium()
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    run("npm", "install", "--offline", "--no-audit", "--no-fund", tarball, folder=folder)
    shutil.copy(Path(__file__).with_name("consumer.ts"), folder / "main.ts")
    write_snippets(folder)
    return node("consumer.mjs", folder)


def write_snippets(folder: Path) -> None:
    """Write each block of JavaScript in the documentation as a module, and a program that runs them in turn."""
    pages = [WEB / "README.md", ROOT / "docs" / "web.md"]
    blocks = [
        block
        for page in pages
        for block in re.findall(r"^```js\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    ]
    assert len(blocks) >= 6
    names = [f"snippet{number}" for number, _ in enumerate(blocks)]
    for name, block in zip(names, blocks, strict=True):
        (folder / f"{name}.ts").write_text(block)
    calls = "".join(f'  await import("./{name}");\n' for name in names)
    (folder / "snippets.ts").write_text(
        f"async function run() {{\n{calls}  return {{ run: {len(names)} }};\n}}\n"
        "const tell = (result: object) => Object.assign(window, { result });\n"
        "run().then(tell, (error) => tell({ failed: String(error) }));\nexport {};\n"
    )
    shutil.copytree(WEB / "dist", folder / "public" / "novasr")
    speech, rate = sf.read(ROOT / "docs" / "audio" / "speech-16k.flac", dtype="float32")
    sf.write(folder / "public" / "speech.wav", speech[:rate], rate)


def test_it_has_the_version_and_the_licence_of_the_project() -> None:
    locked = json.loads((WEB / "package-lock.json").read_text("utf-8"))
    assert PACKAGE["version"] == locked["version"] == VERSION
    assert PACKAGE["license"] == "Apache-2.0 AND MIT"  # the engine contains musl
    assert "dependencies" not in PACKAGE


def test_it_contains_what_it_names_and_no_more(tarball: Path) -> None:
    with tarfile.open(tarball) as content:
        names = {name.removeprefix("package/") for name in content.getnames()}
        for name in ("LICENSE", "THIRD-PARTY"):
            assert content.extractfile(f"package/{name}").read() == (ROOT / name).read_bytes()
    assert {"package.json", "README.md", "NOTICE"} <= names
    for target in PACKAGE["exports"].values():
        paths = target.values() if isinstance(target, dict) else [target]
        assert {path.removeprefix("./") for path in paths} <= names
    assert {name.split("/")[0] for name in names} == {
        "dist",
        "LICENSE",
        "NOTICE",
        "README.md",
        "THIRD-PARTY",
        "package.json",
    }


@pytest.mark.parametrize("bundler", ["with-vite", "with-esbuild"])
def test_a_bundled_project_runs(bundler: str, used: dict[str, Any]) -> None:
    found = used[bundler]
    assert "failed" not in found, found
    latencies = [novasr.Stream(48_000, model=model).latency for model in ("base", "wide")]
    assert found["latencies"] == [latency / 48_000 for latency in latencies]
    assert found["mix"] == [1, 0.5]
    assert 0.1 < found["peak"] < 4
    assert found["frames"] == 48_000
    assert found["short"] == 2 * [3, 30, 300, 1_500]  # shorter than the latency, too
    assert found["rate"] == 48_000
    assert found["progress"] == 1
    assert found["aborted"] == "stop"


def test_the_examples_of_the_documentation_run(used: dict[str, Any]) -> None:
    assert used["snippets"] == {"run": 6, "problems": []}


@pytest.mark.parametrize(
    ("mistake", "remedy"),
    [
        ("unloaded", "await NovaSRNode.load(context) first"),
        ("mix", "mix is 2; choose a number from 0 to 1"),
        ("channels", "channelCount is 0; choose a number from 1 to 32"),
        ("mode", 'mode is "fast"; choose "extend" or "full"'),
        ("weights", "the weights file is not a .safetensors file"),
        ("narrow", "use new AudioContext({ sampleRate: 48000 })"),
        ("empty", "give at least one channel"),
        ("missing", "the server answers 404"),
        ("worklet", "nowhere.js"),
    ],
)
def test_an_error_says_what_to_do(mistake: str, remedy: str, used: dict[str, Any]) -> None:
    for bundler in ("with-vite", "with-esbuild"):
        assert remedy in used[bundler]["errors"][mistake]


@pytest.mark.usefixtures("web")
def test_ranges_are_those_of_the_core() -> None:
    code = "import {RANGES} from './dist/index.js'; console.log(JSON.stringify(RANGES))"
    ranges = json.loads(run("node", "--input-type=module", "--eval", code))
    names = {
        "crossover": "crossover_hz",
        "mix": "mix",
        "highBandGain": "high_band_gain_db",
        "outputGain": "output_gain_db",
    }
    assert set(ranges) == set(names)
    for name, own in names.items():
        info = INFOS[own]
        assert ranges[name] == {"low": info.low, "high": info.high, "initial": info.initial}
