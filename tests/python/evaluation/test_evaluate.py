"""``novasr evaluate``: tables, files and errors."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
from audio_files import noise, write
from command_line import assert_one_error_line, novasr, without_package

import novasr as novasr_package
from novasr.cli.main import app
from novasr.errors import NovasrError
from novasr.training.datasets import read_recordings

FAST = ("--metrics", "lsd", "--jobs", "1")


@pytest.fixture
def evaluate(tmp_path: Path):
    """Run ``novasr evaluate`` as users do, without network or cache."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}

    def run(*words: str | Path, **environment: str):
        return novasr("evaluate", *words, **offline, **environment)

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder / "talk.wav", noise(0.5, 48_000, top_hz=20_000), 48_000)
    write(folder / "music_1.flac", noise(0.4, 48_000, 2), 48_000)
    (folder / "manifest.csv").write_text(
        "file,seconds,bandwidth_khz,speaker\ntalk.wav,0.5,20,ann\nmusic_1.flac,0.4,8.5,music\n"
    )
    return folder


def test_a_run_prints_tables_and_writes_files_that_parse(evaluate, data: Path, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    options = ("--metrics", "lsd,mrstft,si_sdr,consistency", "--robustness", "--jobs", "2")
    files = ("--csv", out / "a.csv", "--json", out / "a.json", "--plot", out / "a.png")
    run = evaluate(data, *options, *files, "--save", out / "made")
    assert run.returncode == 0, run.stderr
    warnings = run.stderr.splitlines()
    assert [line.startswith("novasr: warning: v") for line in warnings] == [True] * 2
    for part in (
        "LSD-HF",
        "consist. dB",
        "Differences to base",
        "replaced",
        "telephone",
        "silence peak",
    ):
        assert part in run.stdout
    assert sorted(path.name for path in out.iterdir()) == ["a.csv", "a.json", "a.png", "made"]

    with (out / "a.csv").open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == 2 * 3 * (3 + 5)  # recordings, systems, variants and degraded inputs
    assert {row["system"] for row in rows} == {"sinc", "linear", "base"}
    assert all(row["lsd_hf"] in ("", "nan") for row in rows if row["kind"] == "music")

    figures = json.loads((out / "a.json").read_text(encoding="utf-8"))
    assert figures["conditions"]["degradation"] == "soxr"
    rows = [row for row in figures["summary"] if row["variant"] == "plain"]
    assert {row["kind"] for row in rows} == {"speech", "music", "all"}
    by_system = {
        row["system"]: row["means"]
        for row in rows
        if row["kind"] == "speech" and row["condition"] == "clean"
    }
    assert by_system["base"]["lsd"]["mean"] < by_system["sinc"]["lsd"]["mean"]
    assert by_system["sinc"]["consistency"]["mean"] > by_system["linear"]["consistency"]["mean"]
    assert set(figures["steady"]) == {"sinc", "linear", "base"}
    assert figures["differences"]["to"] == "base"
    apart = [
        (row["system"], row["means"]["lsd"]["mean"])
        for row in figures["differences"]["summary"]
        if (row["kind"], row["variant"], row["condition"]) == ("speech", "plain", "clean")
    ]
    base = by_system.pop("base")["lsd"]["mean"]
    expected = {name: means["lsd"]["mean"] - base for name, means in by_system.items()}
    assert dict(apart) == pytest.approx(expected)

    assert (out / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    saved = sf.info(out / "made" / "base" / "data" / "talk.wav")
    assert (saved.samplerate, saved.frames, saved.subtype) == (48_000, 24_000, "FLOAT")


def test_f0_is_scored_where_there_is_a_voice(evaluate, data: Path, tmp_path: Path):
    needs.package("pyworld", "pip install 'novasr[evaluate]'")
    run = evaluate(
        data, "--no-baselines", "--metrics", "f0", "--jobs", "1", "--csv", tmp_path / "f0.csv"
    )
    assert run.returncode == 0, run.stderr
    with (tmp_path / "f0.csv").open(encoding="utf-8") as text:
        voiced = {row["kind"]: row["voicing"] for row in csv.DictReader(text)}
    assert float(voiced["speech"]) >= 0
    assert voiced["music"] == ""


def test_markdown_limit_and_all_bins(evaluate, data: Path):
    run = evaluate(data, *FAST, "--no-baselines", "--limit", "1", "--all-bins", "--markdown")
    assert (run.returncode, run.stderr) == (0, "")
    assert "all bins" in run.stdout
    assert "| base   | speech | 1 | 1        |" in run.stdout


def test_bands_of_both_families_are_compared_in_one_run(evaluate, data: Path, tmp_path: Path):
    wide = Path(__file__).parents[2] / "families" / "wide" / "neutral.safetensors"
    files = (
        "--csv",
        tmp_path / "a.csv",
        "--json",
        tmp_path / "a.json",
        "--plot",
        tmp_path / "a.png",
    )
    words = ("--bands", "4,8,10", "--weights", "ours", "--weights", wide, "--robustness", *files)
    run = evaluate(data, *FAST, *words, "--save", tmp_path / "made")
    assert run.returncode == 0, run.stderr
    assert "Protocol p1, to 8, 16, 20 kHz by soxr" in run.stdout
    heads = [line for line in run.stdout.splitlines() if line.startswith("system")]
    assert all("band kHz" in line for line in heads if "silence" not in line)

    with (tmp_path / "a.csv").open(encoding="utf-8") as text:
        plain = [row for row in csv.DictReader(text) if row["variant"] == "plain"]
    degraded = [row for row in plain if row["system"] == "neutral" and row["condition"] != "clean"]
    assert len(degraded) == 2 * 3 * 5  # recordings, bands, conditions
    rows = [row for row in plain if row["condition"] == "clean"]
    found = {(row["system"], float(row["band_khz"])) for row in rows}
    everywhere = {(name, band) for name in ("sinc", "base", "neutral") for band in (4, 8, 10)}
    assert found == everywhere | {("linear", 4), ("linear", 8)}
    talk = {
        (row["system"], float(row["band_khz"])): row for row in rows if "talk" in row["recording"]
    }
    assert len({talk["sinc", band]["lsd_hf"] for band in (4, 8, 10)}) == 3
    for band in (4, 8, 10):  # weights that add nothing: resampling alone, with another roll-off
        difference = float(talk["neutral", band]["lsd_lf"]) - float(talk["sinc", band]["lsd_lf"])
        assert abs(difference) < 0.3
    figures = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert figures["conditions"]["bands_khz"] == [4, 8, 10]
    assert {row["band_khz"] for row in figures["summary"]} == {4, 8, 10}
    assert figures["steady"]["neutral"]["silence_peak"] is None  # silence, in dB
    saved = sorted((tmp_path / "made" / "neutral").glob("*/data/talk.wav"))
    assert [path.parts[-3] for path in saved] == ["10 kHz", "4 kHz", "8 kHz"]


def test_at_44100_hz_the_band_up_to_half_of_it_is_compared(evaluate, tmp_path: Path):
    for rate in (44_100, 48_000):
        folder = tmp_path / str(rate)
        folder.mkdir()
        write(folder / "talk.wav", noise(0.5, rate, top_hz=20_000), rate)
    files = (
        "--csv",
        tmp_path / "a.csv",
        "--json",
        tmp_path / "a.json",
        "--save",
        tmp_path / "made",
    )
    words = ("--rate", 44_100, "--bands", "8,12", "--model", "base", "--model", "wide", *files)
    metrics = ("--metrics", "lsd,modulation,distribution,mrstft,si_sdr,consistency", "--robustness")
    run = evaluate(tmp_path / "44100", tmp_path / "48000", *words, *metrics, "--jobs", 1)
    assert run.returncode == 0, run.stderr
    assert "compared at 44.1 kHz" in run.stdout
    assert json.loads((tmp_path / "a.json").read_text())["conditions"]["rate_hz"] == 44_100
    with (tmp_path / "a.csv").open(encoding="utf-8") as text:
        rows = [
            row
            for row in csv.DictReader(text)
            if (row["variant"], row["condition"]) == ("plain", "clean")
        ]
    assert len(rows) == 2 * 2 * 3  # recordings, bands; sinc, base and wide, without linear
    for row in rows:
        assert float(row["consistency"]) > 3  # -3 dB for an output in another place
        assert np.isfinite(
            [float(row[name]) for name in ("lsd_hf", "modulation", "distribution")]
        ).all()
    high = {
        (row["recording"], row["system"], row["band_khz"]): float(row["lsd_hf"]) for row in rows
    }
    for (recording, _, band), value in high.items():
        assert value <= high[recording, "sinc", band]
    for path in (tmp_path / "made").rglob("*.wav"):
        saved = sf.info(path)
        assert (saved.samplerate, saved.frames) == (44_100, 22_050)


def test_models_of_the_package_are_compared_by_name(evaluate, data: Path):
    run = evaluate(
        data, *FAST, "--model", "base", "--model", "wide", "--limit", 1, "--no-baselines"
    )
    assert run.returncode == 0, run.stderr
    assert [line.split()[0] for line in run.stdout.splitlines() if " speech " in line][:2] == [
        "base",
        "wide",
    ]
    assert_one_error_line(evaluate(data, "--model", "wider"), "must be one of base, wide")


def test_an_error_is_one_line_and_leaves_nothing_behind(evaluate, data: Path, tmp_path: Path):
    slow = tmp_path / "slow"
    slow.mkdir()
    write(slow / "slow.wav", noise(0.2, 44_100), 44_100)
    before = sorted(data.parent.rglob("*"))
    run = evaluate(slow, *FAST, "--no-baselines", "--json", tmp_path / "a.json")
    assert_one_error_line(
        run, "slow.wav: is at 44100 Hz", "needs 48000 Hz: convert it to 48000 Hz, or"
    )
    assert sorted(data.parent.rglob("*")) == before


@pytest.mark.parametrize("count", [1, 3])
def test_unusable_recordings_are_refused_before_any_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int
):
    from novasr.evaluation import systems

    monkeypatch.setattr(systems, "download", lambda name: pytest.fail("reached for the hub"))
    for number in range(count):
        write(tmp_path / f"{number}.wav", noise(0.3, 16_000), 16_000)
    with pytest.raises(NovasrError) as caught:
        app(["evaluate", str(tmp_path), "--metrics=lsd"], standalone_mode=False)
    told = capsys.readouterr().err + str(caught.value)
    assert "0.wav: is at 16000 Hz, evaluation needs 48000 Hz: converting it would not" in told


def test_a_file_of_a_run_is_labelled_by_its_folder(tmp_path: Path):
    from novasr.evaluation.systems import choose

    for run in ("small", "large"):
        (tmp_path / run).mkdir()
        novasr_package.export_weights(tmp_path / run / "weights.safetensors")
    files = [str(tmp_path / run / "weights.safetensors") for run in ("small", "large")]
    systems, _ = choose(files, baselines=False)
    assert [system.name for system in systems] == ["small", "large"]


SPEECH = Path(__file__).parents[3] / "docs" / "audio" / "speech-48k.flac"


def test_studio_is_scored_with_its_bank(evaluate, tmp_path: Path):
    """A bank of the very recording brings it nearer than wide does; half of its levels half as far."""
    needs.package("faiss", "pip install 'novasr[studio]'")
    folder, bank, out = (tmp_path / name for name in ("talk", "talk.novabank", "out.json"))
    folder.mkdir()
    audio, rate = sf.read(SPEECH)
    sf.write(folder / "twice.wav", np.tile(audio, 2), rate)
    assert novasr("bank", "build", folder, "-o", bank).returncode == 0
    distances = []
    for words in ((), ("--index-rate", "0.5")):
        run = evaluate(
            folder,
            *("--model", "wide", "--model", "studio", "--bank", bank, *words),
            *("--no-baselines", "--json", out, *FAST),
        )
        assert run.returncode == 0, run.stderr
        rows = json.loads(out.read_text())["summary"]
        found = {
            row["system"]: row["means"]["lsd_hf"]["mean"]
            for row in rows
            if row["variant"] == "plain"
        }
        assert list(found) == ["wide", "studio"]
        distances.append(found["studio"])
    assert distances[0] < distances[1] < found["wide"]


def test_studio_without_a_bank_and_a_bank_without_studio(evaluate, data: Path):
    needs.package("faiss", "pip install 'novasr[studio]'")
    bank = data / "no.novabank"
    assert_one_error_line(evaluate(data, *FAST, "--model", "studio"), "give it as bank")
    assert_one_error_line(evaluate(data, *FAST, "--bank", bank), "bank is for the model studio")
    rate = evaluate(data, *FAST, "--model", "wide", "--index-rate", "0.5")
    assert_one_error_line(rate, "index_rate is for the model studio")
    assert_one_error_line(evaluate(data, *FAST, "--weights", "studio"), "model='studio'")
    words = (data, *FAST, "--model", "studio", "--bank", bank)
    assert_one_error_line(evaluate(*words), "no.novabank: no such file")


def damage(folder: Path, *names: str) -> None:
    """Damage FLAC files in the middle: they still open and report their length."""
    for name in names:
        path = write(folder / name, noise(0.5, 48_000), 48_000)
        content = bytearray(path.read_bytes())
        content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
        path.write_bytes(content)


@pytest.mark.parametrize("manifest", [True, False])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_bad_recording_is_named_and_left_out(
    evaluate, data: Path, tmp_path: Path, manifest: bool, jobs: int
):
    rows = (data / "manifest.csv").read_text()
    (data / "manifest.csv").write_text(rows + "bad.flac,0.5,20,ann\n")
    if not manifest:
        (data / "manifest.csv").unlink()
    damage(data, "bad.flac")
    out = tmp_path / "a.json"
    words = (data, "--metrics", "lsd", "--no-baselines", "--json", out)
    run = evaluate(*words, "--jobs", str(jobs))
    assert run.returncode == 0
    assert run.stderr.startswith(f"novasr: warning: left out: {data / 'bad.flac'}: ")
    assert run.stderr.count("\n") == 1
    assert json.loads(out.read_text())["conditions"]["recordings"] == 2


def test_a_missing_recording_is_left_out_and_too_many_are_an_error(evaluate, data: Path):
    rows = (data / "manifest.csv").read_text()
    (data / "manifest.csv").write_text(rows + "absent.wav,0.5,20,ann\n")
    run = evaluate(data, *FAST, "--no-baselines")
    assert run.returncode == 0
    assert f"left out: {data / 'absent.wav'}: no such file" in run.stderr
    damage(data, "bad.flac")
    (data / "manifest.csv").write_text(rows + "absent.wav,,,ann\nbad.flac,,,ann\n")
    run = evaluate(data, *FAST, "--no-baselines")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.count("left out: ") == 2
    assert "novasr: error: 2 of 4 recordings cannot be used: mend or remove them" in run.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nowhere", "nowhere: no such folder"),
        ("data --weights none.bin", "none.bin.*no such file"),
        ("data --metrics=lsd,pesq", "'pesq': choose from lsd, detail, mod"),
        ("data --bands 4,b", "--bands takes numbers with commas between, not '4,b'"),
        ("data --rate 32000", "rate: 44100 .. 48000 Hz, not 32000"),
        ("data --bands 2", "4 .. 23 kHz, not 2"),
        ("data --bands 10 --protocol p2", "degradation 'mask' needs a whole ratio of rates"),
        ("data --csv absent/a.csv", "absent/a.csv: the folder is missing"),
        ("data --json data", "data: cannot be written: it is not a file"),
        ("short", "short.wav: 480 frames, evaluation needs 2400"),
        ("broken", "broken.wav: holds NaN"),
        ("twins --save made", "a.wav: --save would name it as .*a.flac"),
    ],
)
def test_bad_input_is_named(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, message: str
):
    for name in ("short", "broken", "twins"):
        (tmp_path / name).mkdir()
    write(tmp_path / "short" / "short.wav", noise(0.01, 48_000), 48_000)
    broken = np.full((4800, 1), np.nan, np.float32)
    write(tmp_path / "broken" / "broken.wav", broken, 48_000, "FLOAT")
    for name in ("a.wav", "a.flac"):
        write(tmp_path / "twins" / name, noise(0.1, 48_000), 48_000)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NovasrError, match=message):
        app(["evaluate", "--no-baselines", "--metrics=lsd", *words.split()], standalone_mode=False)


@pytest.mark.parametrize("package", ["soxr", "pyworld", "matplotlib"])
def test_a_missing_package_is_named_with_the_remedy(
    evaluate, data: Path, tmp_path: Path, package: str
):
    run = evaluate(
        data, "--plot", tmp_path / "a.png", PYTHONPATH=without_package(tmp_path, package)
    )
    extra = "plot" if package == "matplotlib" else "evaluate"
    assert_one_error_line(run, package, f"pip install 'novasr[{extra}]'")


def test_the_class_is_the_manifests_or_told_by_name_speaker_or_note(tmp_path: Path):
    rows = {
        "a.wav": (",,", "speech"),
        "b.wav": ("birds,x,", "birds"),
        "music_c.wav": (",x,", "music"),
        "d.wav": (",sfx,", "sfx"),
        "e.wav": (",x,a scale sung twice", "singing"),
        "f.wav": (",Samsung,", "speech"),
    }
    lines = ["file,seconds,bandwidth_khz,class,speaker,note"]
    for name, (cells, _) in rows.items():
        (tmp_path / name).touch()
        lines.append(f"{name},1,20,{cells}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    assert [recording.kind for recording in read_recordings(tmp_path)] == [
        kind for _, kind in rows.values()
    ]
