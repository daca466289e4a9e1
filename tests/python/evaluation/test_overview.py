"""The page with the four axes."""

from __future__ import annotations

import json
from pathlib import Path

import needs
import numpy as np
import pytest
from audio_files import noise, write
from command_line import assert_one_error_line, novasr, without_package

from novasr.cli.main import app
from novasr.errors import AudioFormatError, NovasrError
from novasr.evaluation import benchmark, systems
from novasr.evaluation.benchmark import ModelFigure
from novasr.evaluation.overview import pareto, usual_systems
from novasr.families.task import Task
from novasr.weights.export import export_torchscript, export_weights

WIDE = Path(__file__).parents[2] / "families" / "wide" / "neutral.safetensors"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder / "talk.wav", noise(1.0, 48_000), 48_000)
    write(folder / "music_1.flac", noise(1.0, 48_000, 2), 48_000)
    rows = ("talk.wav,1,22,ann", "music_1.flac,1,22,music")
    (folder / "manifest.csv").write_text("\n".join(["file,seconds,bandwidth_khz,speaker", *rows]))
    return folder


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = ModelFigure("native", 100.0, 3.0, 10.0, 80.0, 190.0, 4.0)
    monkeypatch.setattr(benchmark, "measure_model", lambda name, weights: figure)
    monkeypatch.setattr(benchmark, "measure_resampler", lambda name: figure)


@pytest.mark.usefixtures("measured")
def test_the_page_has_every_axis_of_every_system(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs.package("visqol", "pip install 'novasr[evaluate]'")
    files = ["--json", str(tmp_path / "a.json"), "--plot", str(tmp_path / "a.png")]
    app(["report", str(data), "--jobs", "1", *files], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "2 recordings, 0.0 minutes" in printed
    assert "Protocol p1, to 8, 12, 16, 24 kHz by soxr" in printed
    assert "Mode: full from a network's own rate, extend from others; timed: extend" in printed
    for heading in ("Fidelity", "Adaptability", "Speed", "Size"):
        assert f"\n{heading}" in printed
    lines = [line.split() for line in printed.splitlines()]
    assert [line[:2] for line in lines if line[:1] == ["speech"]] == [
        ["speech", band] for band in ("4", "6", "8", "12")
    ]
    assert ["base", "native", "100", "3.0", "80", "190"] in lines
    assert ["base", "23,248", "48", "1,169", "4"] in lines
    assert ["wide", "535,296", "1,075", "99", "4"] in lines
    assert ["sinc", "0", "0", "-", "4"] in lines

    figures = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert (
        figures["conditions"].items()
        >= {
            "recordings": 2,
            "protocol": "p1",
            "degradation": "soxr",
            "timed_mode": "extend",
        }.items()
    )
    assert {row["recordings"] for row in figures["summary"]} == {1, 2}
    scored = {
        (row["system"], row["band_khz"], "visqol" in row["means"]) for row in figures["summary"]
    }
    bands = {(4.0, False), (6.0, False), (8.0, True), (12.0, False)}
    assert scored == {(name, *band) for name in ("sinc", "base", "wide") for band in bands}
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_networks_are_measured_with_a_band_to_add(tmp_path: Path) -> None:
    low, high = (benchmark._banded_noise(1.0, rate) for rate in (16_000, 48_000))
    for noise_in, rate in ((low, 16_000), (high, 48_000)):
        power = np.abs(np.fft.rfft(noise_in)) ** 2
        hertz = np.fft.rfftfreq(rate, 1 / rate)
        assert power[hertz > 7_010].max() < 1e-9 * power[hertz < 6_990].mean()
    for found in (
        benchmark.measure_model("base", None, budget=0.05),
        benchmark.measure_model("neutral", WIDE, budget=0.05),
    ):
        assert found.speed > 1
        assert 0 < found.p50_us <= found.p99_us
        assert 0 < found.memory_mb < 200
    assert found.latency_ms == pytest.approx(
        1000 * 511 / 48_000
    )  # docs/architecture.md: WideEngine
    assert found.engine == "native"
    resampler = benchmark.measure_resampler("sinc", budget=0.05)
    assert resampler.engine == "soxr"
    assert resampler.speed > 1
    assert resampler.latency_ms is None


@pytest.mark.parametrize("block_ms", [0.05, 0.125, 10.0])
def test_noise_stays_noise_in_short_blocks(block_ms: float) -> None:
    blocks = benchmark._blocks_of_noise(block_ms, 48_000)
    assert blocks.shape[1] == round(48 * block_ms)
    assert np.abs(blocks).max(axis=1).min() > 0
    assert 0.01 < blocks.std() < 0.1
    power = np.abs(np.fft.rfft(blocks.ravel())) ** 2
    hertz = np.fft.rfftfreq(blocks.size, 1 / 48_000)
    assert power[hertz > 7_010].max() < 1e-9 * power[hertz < 6_990].mean()


def test_torchscript_is_measured_as_such(tmp_path: Path) -> None:
    if "torch" not in benchmark.default_engines():
        needs.missing("the LibTorch engine is not built")
    script = tmp_path / "base.ts"
    export_torchscript(script)
    assert benchmark.measure_model("base", script, budget=0.01).engine == "torch"


def test_models_are_listed_once_and_what_shares_a_name_by_its_path(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("base.safetensors", "a/run/weights.safetensors")]
    paths.append(tmp_path / "b/run/weights.safetensors")
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        export_weights(path)
    given = list(map(str, paths))
    found = usual_systems(["wide", "ours", *given, given[0]])
    assert [system.name for system in found] == ["sinc", "base", "wide", *given]


def test_models_of_another_rate_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Task(8_000, 16_000, 4_000.0)
    task_of = systems.task_of
    monkeypatch.setattr(systems, "task_of", lambda item: slow if item == "wide" else task_of(item))
    with pytest.raises(AudioFormatError, match="wide gives 16000 Hz, base 48000 Hz"):
        usual_systems([])


def test_the_front_holds_what_nothing_beats() -> None:
    points = {"a": (1.0, 1.0), "b": (2.0, 3.0), "c": (3.0, 2.0), "d": (2.0, 2.5), "e": (9.0, 3.5)}
    assert pareto(points) == ["a", "b", "e"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nowhere", "nowhere: no such folder"),
        ("data --weights none.bin", "none.bin.*no such file"),
        ("data --json data", "data: cannot be written: it is not a file"),
        ("data --plot a.pdf", "a.pdf: the name must end in .png"),
    ],
)
def test_bad_input_is_named_before_anything_is_measured(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NovasrError, match=message):
        app(["report", *words.split()], standalone_mode=False)


@pytest.mark.parametrize("package", ["soxr", "visqol", "matplotlib"])
def test_a_missing_package_is_named_with_the_remedy(
    data: Path, tmp_path: Path, package: str
) -> None:
    path = without_package(tmp_path, package)
    run = novasr("report", data, "--plot", tmp_path / "a.png", PYTHONPATH=path)
    extra = "plot" if package == "matplotlib" else "evaluate"
    assert_one_error_line(run, package, f"pip install 'novasr[{extra}]'")
