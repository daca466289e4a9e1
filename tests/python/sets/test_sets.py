"""Sets of recordings, through the command line: what comes out, and what is left after it was killed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import generated
import needs
import numpy as np
import pytest
import soundfile as sf
from command_line import assert_one_error_line, novasr, without_package

from novasr import enhance_file
from novasr.weights.load import load_weights

COUNT = 48
FORMATS = ("manifest", "shards", "tables")
OF_A_RUN = ("journal.jsonl", "report.html")


@pytest.fixture(scope="module")
def recordings():
    return generated.items(COUNT, 3, broken=0.1)


@pytest.fixture(scope="module")
def sources(recordings, tmp_path_factory):
    needs.package("pyarrow", "pip install '.[test]'")
    folder = tmp_path_factory.mktemp("sources")
    generated.write_shards(folder / "shards", recordings, 3)
    generated.write_tables(folder / "tables", recordings, 3)
    return {
        "manifest": ["--manifest", generated.write_files(folder / "files", recordings)],
        "shards": [folder / "shards"],
        "tables": [folder / "tables"],
    }


@pytest.fixture(scope="module")
def undisturbed(sources, tmp_path_factory):
    """Give the results of runs that nothing disturbed, one for each format."""
    results = {}
    for name, words in sources.items():
        results[name] = tmp_path_factory.mktemp("undisturbed") / name
        run = novasr("enhance", *words, "-d", results[name])
        assert run.returncode == 0, run.stderr
    return results


def content(folder: Path) -> dict[str, str]:
    """Give the digest of each file; nothing unfinished may lie about."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in OF_A_RUN]
    assert not [path for path in files if path.name.startswith(".")]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def report(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "report.jsonl").read_text().splitlines()]


def decoded(data: bytes, folder: Path, suffix: str):
    path = folder / f"member{suffix}"
    path.write_bytes(data)
    return sf.read(path)


def owners(shard: Path) -> list[tuple]:
    with tarfile.open(shard) as tar:
        return [(member.mtime, member.uname, member.uid, member.mode) for member in tar]


class TestResults:
    @pytest.mark.parametrize("name", FORMATS)
    def test_the_report_tells_what_became_of_each_recording(self, name, undisturbed, recordings):
        lines = report(undisturbed[name])
        assert len(lines) == len({line["id"] for line in lines}) == COUNT
        by_number = {int(Path(line["result"]).stem): line for line in lines if name != "tables"}
        for number, line in by_number.items():
            item = recordings[number]
            if item.full and item.broken is None:
                assert line["status"] == "full band"
            elif item.broken in ("nothing", "empty wav"):
                assert line["status"] == "empty"
            elif item.broken in ("text", "header", "noise"):
                assert line["status"] in ("failed", "empty")
            elif item.broken is None:
                assert line["status"] == "enhanced"
                assert line["seconds"] == pytest.approx(item.seconds, abs=0.15)
            assert bool(line["reason"]) == (line["status"] != "enhanced")

    def test_a_manifest_has_the_same_lines_with_other_files(self, sources, undisturbed):
        before = [json.loads(line) for line in sources["manifest"][1].read_text().splitlines()]
        folder = undisturbed["manifest"]
        after = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
        digest = load_weights().sha256
        for old, new, told in zip(before, after, report(folder), strict=True):
            kept = {key: new[key] for key in old if key != "audio_filepath"}
            assert kept == {key: old[key] for key in old if key != "audio_filepath"}
            path = folder / new["audio_filepath"]
            assert path.is_file()
            if told["status"] == "enhanced":
                assert sf.info(path).samplerate == 48_000
                assert (new["model"], new["weights_sha256"]) == ("base", digest)
                assert new["bandwidth_in"] == pytest.approx(7_000, abs=600)
            else:
                original = sources["manifest"][1].parent / old["audio_filepath"]
                assert path.read_bytes() == original.read_bytes()
                assert new["model"] is None

    def test_results_are_those_of_enhance_file(self, sources, undisturbed, tmp_path):
        line = next(
            line for line in report(undisturbed["manifest"]) if line["status"] == "enhanced"
        )
        source = sources["manifest"][1].parent / line["id"]
        alone = tmp_path / Path(line["result"]).name
        enhance_file(source, alone)
        assert alone.read_bytes() == (undisturbed["manifest"] / line["result"]).read_bytes()

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # its open files
    def test_shards_open_in_webdataset_with_keys_and_other_members_as_they_were(
        self, sources, undisturbed, tmp_path
    ):
        webdataset = needs.package("webdataset", "pip install '.[test]'")
        for path in sorted(sources["shards"][0].glob("*.tar")):
            made = undisturbed["shards"] / path.name
            before, after = (
                list(webdataset.WebDataset(str(shard), shardshuffle=False, empty_check=False))
                for shard in (path, made)
            )
            assert [sample["__key__"] for sample in after] == [s["__key__"] for s in before]
            assert [sample["txt"] for sample in after] == [sample["txt"] for sample in before]
            assert [sample["json"] for sample in after] == [sample["json"] for sample in before]
            assert owners(made) == owners(path)
            told = {line["result"]: line for line in report(undisturbed["shards"])}
            for sample in after:
                sound = next(key for key in sample if key in ("wav", "flac", "mp3", "ogg", "aiff"))
                if told[f"{sample['__key__']}.{sound}"]["status"] == "enhanced":
                    assert decoded(sample[sound], tmp_path, f".{sound}")[1] == 48_000

    def test_tables_open_in_datasets_with_other_columns_as_they_were(
        self, sources, undisturbed, tmp_path
    ):
        datasets = needs.package("datasets", "pip install '.[test]'")
        told = {line["id"]: line for line in report(undisturbed["tables"])}
        for path in sorted(sources["tables"][0].glob("*.parquet")):
            before, after = (
                datasets.Dataset.from_parquet(
                    str(place), cache_dir=str(tmp_path), keep_in_memory=True
                ).cast_column("audio", datasets.Audio(decode=False))
                for place in (path, undisturbed["tables"] / path.name)
            )
            assert after.column_names == before.column_names
            assert after["number"][:] == before["number"][:]
            assert after["text"][:] == before["text"][:]
            for row, (old, new) in enumerate(zip(before["audio"], after["audio"], strict=True)):
                if told[f"{path.name}/{row}"]["status"] == "enhanced":
                    assert decoded(new["bytes"], tmp_path, Path(new["path"]).suffix)[1] == 48_000
                else:
                    assert new == old
        stated = datasets.Dataset.from_parquet(
            str(undisturbed["tables"] / path.name), cache_dir=str(tmp_path), keep_in_memory=True
        )
        assert stated.features["audio"].sampling_rate == 48_000

    def test_lhotse_opens_the_cuts_of_results(self, recordings, tmp_path):
        lhotse = needs.package("lhotse", "pip install '.[test]'")
        cuts = []
        for number, item in enumerate(recordings[:12]):
            if item.broken or item.name.endswith(("mp3", "ogg")):
                continue
            path = tmp_path / "in" / item.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(item.content)
            recording = lhotse.Recording.from_file(path, recording_id=f"r{number}")
            cuts.append(lhotse.MonoCut(f"c{number}", 0.25, 0.5, 0, recording=recording))
        lhotse.CutSet.from_cuts(cuts).to_file(tmp_path / "cuts.jsonl.gz")
        run = novasr("enhance", "--manifest", tmp_path / "cuts.jsonl.gz", "-d", tmp_path / "out")
        assert run.returncode == 0, run.stderr
        made = lhotse.CutSet.from_file(tmp_path / "out" / "cuts.jsonl.gz")
        assert [cut.id for cut in made] == [cut.id for cut in cuts]
        for old, new in zip(cuts, made, strict=True):
            assert (new.start, new.duration) == (old.start, old.duration)
            audio = new.load_audio()
            assert audio.shape[1] == round(new.duration * new.sampling_rate)
            if new.custom["model"]:
                assert new.sampling_rate == 48_000

    def test_segments_of_one_file_share_a_result(self, tmp_path):
        sf.write(tmp_path / "long.wav", np.zeros(32_000), 16_000)
        lines = [{"audio_filepath": "long.wav", "offset": at, "duration": 1.0} for at in (0.0, 1.0)]
        (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
        run = novasr("enhance", "--manifest", tmp_path / "in.jsonl", "-d", tmp_path / "out")
        assert run.returncode == 0, run.stderr
        made = (tmp_path / "out" / "in.jsonl").read_text().splitlines()
        assert [json.loads(line)["offset"] for line in made] == [0.0, 1.0]
        assert len(report(tmp_path / "out")) == 1

    def test_names_that_differ_in_the_suffix_alone_stay_apart(self, tmp_path):
        for name, kind in (
            ("a.wav", "WAV"),
            ("a.flac", "FLAC"),
            ("a.mp3", "MP3"),
            ("a.ogg", "OGG"),
        ):
            sf.write(tmp_path / name, np.zeros(16_000), 16_000, format=kind)
        lines = [{"audio_filepath": f"a.{kind}"} for kind in ("wav", "flac", "mp3", "ogg")]
        (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
        assert (
            novasr("enhance", "--manifest", tmp_path / "in.jsonl", "-d", tmp_path / "o").returncode
            == 0
        )
        results = [line["result"] for line in report(tmp_path / "o")]
        assert results == ["a.wav", "a.flac", "a.mp3.flac", "a.ogg.flac"]

    def test_the_page_has_histograms_and_examples(self, undisturbed):
        for folder in undisturbed.values():
            page = (folder / "report.html").read_text()
            assert page.count("<figure>") == 12
            assert "http" not in page.replace("http-equiv", "")


class TestNames:
    """No result takes the place of another one, of a source, or of what somebody else keeps in the folder."""

    @staticmethod
    def manifest(folder: Path, names: list[str], called: str = "in.jsonl") -> Path:
        for number, name in enumerate(names):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            kind = {".mp3": "MP3", ".flac": "FLAC", ".ogg": "OGG"}.get(path.suffix, "WAV")
            sf.write(path, np.full(16_000, 0.01 * (number + 1)), 16_000, format=kind)
        path = folder / called
        path.write_text("".join(json.dumps({"audio_filepath": name}) + "\n" for name in names))
        return path

    @pytest.mark.parametrize("names", [["a.wav", "a.WAV"], ["a.wav", "a.mp3", "a.mp3.flac"]])
    def test_two_results_of_one_name_are_refused(self, names, tmp_path):
        run = novasr(
            "enhance", "--manifest", self.manifest(tmp_path, names), "-d", tmp_path / "out"
        )
        assert_one_error_line(run, "as another recording of the set would: rename one")

    def test_two_spellings_of_a_path_are_one_recording(self, tmp_path):
        manifest = self.manifest(tmp_path, ["a.wav", "./a.wav"])
        assert novasr("enhance", "--manifest", manifest, "-d", tmp_path / "out").returncode == 0
        assert len(report(tmp_path / "out")) == 1
        assert len((tmp_path / "out" / "in.jsonl").read_text().splitlines()) == 2

    def test_a_line_that_is_added_takes_nobodys_place(self, tmp_path):
        out = tmp_path / "out"
        words = ("enhance", "--manifest", tmp_path / "in.jsonl", "-d", out)
        self.manifest(tmp_path, ["g/s/x.wav"])
        assert novasr(*words).returncode == 0
        self.manifest(tmp_path, ["g/s/x.wav", "g/x.wav"])
        assert novasr(*words).returncode == 0
        made = [
            json.loads(line)["audio_filepath"]
            for line in (out / "in.jsonl").read_text().splitlines()
        ]
        assert made == ["s/x.wav", "x.wav"]
        peaks = [np.abs(sf.read(out / name)[0][10_000:40_000]).mean() for name in made]
        assert peaks == pytest.approx([0.01, 0.02], rel=0.05)

    def test_another_manifest_does_not_share_a_folder(self, tmp_path):
        one, other = (self.manifest(tmp_path / name, ["a.wav"]) for name in ("train", "dev"))
        assert novasr("enhance", "--manifest", one, "-d", tmp_path / "out").returncode == 0
        before = content(tmp_path / "out")
        run = novasr("enhance", "--manifest", other, "-d", tmp_path / "out")
        assert_one_error_line(run, "manifest", "dev/in.jsonl")
        assert content(tmp_path / "out") == before

    def test_sources_below_the_results_are_refused(self, tmp_path):
        manifest = self.manifest(tmp_path, ["n/a.wav", "n/out/a.wav"])
        before = (tmp_path / "n/out/a.wav").read_bytes()
        run = novasr("enhance", "--manifest", manifest, "-d", tmp_path / "n/out")
        assert_one_error_line(run, "lies in it")
        assert (tmp_path / "n/out/a.wav").read_bytes() == before

    def test_a_folder_with_other_files_is_refused(self, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "a.wav").write_text("precious")
        words = (
            "enhance",
            "--manifest",
            self.manifest(tmp_path, ["in/a.wav"]),
            "-d",
            tmp_path / "mine",
        )
        assert_one_error_line(novasr(*words), "holds other files", "--overwrite")
        assert (tmp_path / "mine" / "a.wav").read_text() == "precious"
        assert novasr(*words, "--overwrite").returncode == 0

    def test_shares_of_other_settings_do_not_share_a_folder(self, tmp_path):
        manifest = self.manifest(tmp_path, ["s/a.wav", "s/b.wav", "s/c.wav", "s/d.wav"])
        words = ("enhance", "--manifest", manifest, "-d", tmp_path / "out")
        assert novasr(*words, "--shard", "0/2").returncode == 0
        run = novasr(*words, "--shard", "1/2", "--model", "wide")
        assert_one_error_line(run, "model", "'wide'")

    @pytest.mark.parametrize("name", ["journal.jsonl", "report.jsonl.gz"])
    def test_a_manifest_is_not_called_like_what_novasr_writes(self, name, tmp_path):
        run = novasr("enhance", "--manifest", tmp_path / name, "-d", tmp_path / "out")
        assert_one_error_line(run, "rename it")


class TestTars:
    """Members that webdataset does not write, but others do."""

    @staticmethod
    def shard(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as tar:
            for member, data in members:
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        return path

    @staticmethod
    def sound(kind: str) -> bytes:
        file = io.BytesIO()
        sf.write(file, np.full(16_000, 0.1), 16_000, format=kind)
        return file.getvalue()

    def test_results_of_one_sample_keep_their_names_apart_and_links_lead_to_them(self, tmp_path):
        link = tarfile.TarInfo("y.mp3")
        link.type, link.linkname = tarfile.LNKTYPE, "x.mp3"
        members = [
            (tarfile.TarInfo("x.mp3"), self.sound("MP3")),
            (tarfile.TarInfo("x.ogg"), self.sound("OGG")),
            (link, b""),
            (tarfile.TarInfo("a" * 150 + ".txt"), b"a long name"),
        ]
        self.shard(tmp_path / "in" / "s.tar", members)
        run = novasr("enhance", tmp_path / "in", "-d", tmp_path / "out")
        assert run.returncode == 0, run.stderr
        with tarfile.open(tmp_path / "out" / "s.tar") as made:
            names = made.getnames()
            assert names == ["x.flac", "x.ogg.flac", "y.mp3", "a" * 150 + ".txt"]
            assert made.getmember("y.mp3").linkname == "x.flac"
            assert made.extractfile("a" * 150 + ".txt").read() == b"a long name"

    @pytest.mark.parametrize("place", range(1, 5))
    def test_a_header_that_is_damaged_is_not_taken_for_the_end(self, place, tmp_path):
        members = [(tarfile.TarInfo(f"{n}.wav"), self.sound("WAV")) for n in range(5)]
        path = self.shard(tmp_path / "in" / "s.tar", members)
        with tarfile.open(path) as tar:
            offset = tar.getmembers()[place].offset
        data = bytearray(path.read_bytes())
        data[offset + 150] ^= 0xFF  # in its checksum
        path.write_bytes(data if place % 2 else data[:offset])
        run = novasr("enhance", tmp_path / "in", "-d", tmp_path / "out")
        assert run.returncode == 2
        assert "s.tar: damaged" in run.stderr
        assert not (tmp_path / "out" / "s.tar").exists()

    def test_what_is_stored_sparsely_is_stored_whole(self, tmp_path):
        needs.programs("tar", packages="tar")
        (tmp_path / "in").mkdir()
        with (tmp_path / "zeros.bin").open("wb") as file:
            file.truncate(1 << 20)
            file.seek(1 << 19)
            file.write(b"middle")
        for kind in ("gnu", "posix"):
            target = tmp_path / "in" / f"{kind}.tar"
            words = ["tar", f"--format={kind}", "--sparse", "-cf", target, "zeros.bin"]
            subprocess.run(words, cwd=tmp_path, check=True)
        run = novasr("enhance", tmp_path / "in", "-d", tmp_path / "out")
        assert run.returncode == 0, run.stderr
        for kind in ("gnu", "posix"):
            with tarfile.open(tmp_path / "out" / f"{kind}.tar") as made:
                member = made.getmembers()[0]
                assert member.name == "zeros.bin"
                assert made.extractfile(member).read() == (tmp_path / "zeros.bin").read_bytes()


class TestShares:
    @pytest.mark.parametrize("name", FORMATS)
    def test_the_shares_of_a_set_are_the_set(self, name, sources, undisturbed, tmp_path):
        for index in range(3):
            run = novasr("enhance", *sources[name], "-d", tmp_path, "--shard", f"{index}/3")
            assert run.returncode == 0, run.stderr
        parts = [tmp_path / f"report-0000{index}-of-00003.jsonl" for index in range(3)]
        lines = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
        whole = report(undisturbed[name])
        assert sorted(lines, key=lambda line: line["id"]) == sorted(
            whole, key=lambda line: line["id"]
        )
        results = [key for key in content(undisturbed[name]) if "." in key and "jsonl" not in key]
        for key in results:
            assert (tmp_path / key).read_bytes() == (undisturbed[name] / key).read_bytes()


def kills(place: str, after: int) -> str:
    """A sitecustomize by which a run is killed inside a write, or between a result and its line in the journal."""
    return f"""
import os, signal, sys

place, left = {place!r}, {after}


def kill():
    parent = os.environ.get("NOVASR_TEST_PARENT")
    if parent:
        os.kill(int(parent), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


class Finder:
    def find_spec(self, name, path, target=None):
        if name == "novasr.sets.run" and place == "journal":
            from novasr.sets import journal

            add = journal.Journal.add

            def counted(self, unit, made):
                global left
                left -= 1
                if left <= 0:
                    kill()
                add(self, unit, made)

            journal.Journal.add = counted
            os.environ.pop("NOVASR_TEST_PARENT", None)
        if name == "novasr.sets.workers" and place == "write":
            os.environ.setdefault("NOVASR_TEST_PARENT", str(os.getpid()))
            import soundfile

            write = soundfile.SoundFile.write

            def counted_write(self, data):
                global left
                left -= 1
                if left <= 0:
                    write(self, data[: len(data) // 2])
                    kill()
                write(self, data)

            soundfile.SoundFile.write = counted_write


sys.meta_path.insert(0, Finder())
"""


class TestResuming:
    @pytest.mark.parametrize("name", FORMATS)
    def test_killed_runs_end_in_the_bytes_of_an_undisturbed_one(
        self, name, sources, undisturbed, tmp_path
    ):
        words = [sys.executable, "-m", "novasr", "enhance", *map(str, sources[name])]
        words += ["-d", str(tmp_path / "out")]
        chance, kinds = random.Random(name), []
        for place in ("write", "journal", None, "write", None):
            environment = dict(os.environ)
            if place is not None:
                hook = Path(tempfile.mkdtemp(dir=tmp_path))
                (hook / "sitecustomize.py").write_text(kills(place, chance.randint(1, 2)))
                environment["PYTHONPATH"] = str(hook)
            with subprocess.Popen(
                words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as run:
                try:
                    run.wait(60 if place else chance.uniform(0.5, 4.0))
                except subprocess.TimeoutExpired:
                    run.kill()
            kinds.append((place, run.returncode))
        assert kinds[:2] == [("write", -signal.SIGKILL), ("journal", -signal.SIGKILL)]
        last = subprocess.run(words, capture_output=True, text=True)
        assert last.returncode == 0, last.stderr
        assert content(tmp_path / "out") == content(undisturbed[name])

    def test_what_is_done_is_not_done_again(self, sources, undisturbed):
        folder = undisturbed["shards"]
        before = {path: path.stat().st_mtime_ns for path in folder.glob("*.tar")}
        run = novasr("enhance", *sources["shards"], "-d", folder)
        assert run.returncode == 0
        assert "nothing was left to do" in run.stdout
        assert before == {path: path.stat().st_mtime_ns for path in folder.glob("*.tar")}

    def test_a_result_that_was_lost_or_whose_source_changed_is_made_again(self, tmp_path):
        for name in ("a", "b", "c"):
            sf.write(tmp_path / f"{name}.wav", 0.1 * np.ones(16_000), 16_000)
        (tmp_path / "in.jsonl").write_text(
            "\n".join(json.dumps({"audio_filepath": f"{name}.wav"}) for name in "abc")
        )
        words = ("enhance", "--manifest", tmp_path / "in.jsonl", "-d", tmp_path / "out", "--json")
        assert novasr(*words).returncode == 0
        (tmp_path / "out" / "a.wav").unlink()
        sf.write(tmp_path / "b.wav", 0.2 * np.ones(24_000), 16_000)
        run = novasr(*words)
        events = [json.loads(line) for line in run.stdout.splitlines()]
        assert sorted(event["unit"] for event in events if event["event"] == "unit") == [
            "a.wav",
            "b.wav",
        ]
        assert sf.info(tmp_path / "out" / "b.wav").frames == 72_000

    def test_other_settings_are_refused_until_it_begins_anew(self, sources, undisturbed, tmp_path):
        folder = tmp_path / "out"
        shutil.copytree(undisturbed["shards"], folder)
        words = ("enhance", *sources["shards"], "-d", folder, "--model", "wide")
        assert_one_error_line(novasr(*words), "journal.jsonl", "model", "'base'", "--overwrite")
        assert content(folder) == content(undisturbed["shards"])
        assert novasr(*words, "--overwrite").returncode == 0
        assert content(folder) != content(undisturbed["shards"])

    def test_two_calls_do_not_work_on_one_part(self, sources, tmp_path):
        words = [sys.executable, "-m", "novasr", "enhance", *map(str, sources["manifest"])]
        with subprocess.Popen([*words, "-d", str(tmp_path)], stdout=subprocess.PIPE) as first:
            deadline = time.monotonic() + 20
            while not (tmp_path / "journal.jsonl").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            second = novasr("enhance", *sources["manifest"], "-d", tmp_path)
            assert_one_error_line(second, "another run is writing it")
            first.send_signal(signal.SIGINT)
            first.communicate()
        assert first.returncode == 130
        assert not list(tmp_path.glob(".novasr-work*"))

    def test_no_worker_outlives_the_run(self, sources, tmp_path):
        words = [sys.executable, "-m", "novasr", "enhance", *map(str, sources["manifest"])]
        with subprocess.Popen(
            [*words, "-d", str(tmp_path), "--json"], stdout=subprocess.PIPE
        ) as run:
            line = b""
            while b'"unit"' not in line:
                line = run.stdout.readline()
            children = subprocess.run(
                ["pgrep", "-P", str(run.pid)], capture_output=True, text=True
            ).stdout.split()
            assert len(children) >= 2
            run.kill()
        deadline = time.monotonic() + 5
        while any(Path(f"/proc/{pid}/exe").exists() for pid in children):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def test_a_recording_that_failed_is_tried_again(self, tmp_path):
        manifest = TestNames.manifest(tmp_path, ["in/a.wav"])
        whole = (tmp_path / "in" / "a.wav").read_bytes()
        (tmp_path / "in" / "a.wav").write_bytes(whole[:1_000])
        words = ("enhance", "--manifest", manifest, "-d", tmp_path / "out")
        assert "1 recordings could not be read" in novasr(*words).stderr
        (tmp_path / "in" / "a.wav").write_bytes(whole)
        assert novasr(*words).stderr == ""
        assert report(tmp_path / "out")[0]["status"] == "enhanced"

    def test_a_journal_without_results_binds_nobody(self, tmp_path):
        manifest = TestNames.manifest(tmp_path, ["in/a.wav"])
        words = ("enhance", "--manifest", manifest, "-d", tmp_path / "out")
        needs.package("ray", "pip install '.[test]'")
        assert novasr(*words, "--ray", "127.0.0.1:9").returncode == 2
        assert novasr(*words, "--model", "wide").returncode == 0


class TestErrors:
    def test_too_many_failures_end_the_work(self, sources, tmp_path):
        run = novasr("enhance", *sources["manifest"], "-d", tmp_path, "--max-failures", 0)
        assert run.returncode == 2
        assert "--max-failures 0" in run.stderr
        assert not (tmp_path / "report.jsonl").exists()

    @pytest.mark.parametrize(
        ("line", "part"),
        [
            ("{", "is no JSON"),
            ('{"audio": "a.wav"}', "audio_filepath"),
            ("[1]", "audio_filepath"),
            ('{"audio_filepath": "a\\u0000.wav"}', "no file can be called"),
            ('{"audio_filepath": "a\\ud83d.wav"}', "no file can be called"),
            (
                '{"recording": {"sources": ["a.wav"], "sampling_rate": 1, "num_samples": 1}}',
                "only those in files",
            ),
            (
                '{"recording": {"sources": [{"type": "file", "source": "a.wav"}], "sampling_rate": 1,'
                ' "num_samples": 1, "transforms": [{"name": "Resample"}]}}',
                "transforms",
            ),
            (
                '{"recording": {"sources": [{"type": "url", "source": "http://a"}], "sampling_rate": 1,'
                ' "num_samples": 1, "id": "a"}}',
                "'url'",
            ),
        ],
    )
    def test_a_line_that_is_none_is_named(self, line, part, tmp_path):
        (tmp_path / "in.jsonl").write_text(f'{{"audio_filepath": "a.wav"}}\n{line}\n')
        run = novasr("enhance", "--manifest", tmp_path / "in.jsonl", "-d", tmp_path / "out")
        assert_one_error_line(run, "in.jsonl:2", part)
        assert not (tmp_path / "out").exists()

    def test_results_do_not_take_the_place_of_sources(self, tmp_path):
        (tmp_path / "in").mkdir()
        sf.write(tmp_path / "in" / "a.wav", np.zeros(16_000), 16_000)
        (tmp_path / "in.jsonl").write_text('{"audio_filepath": "in/a.wav"}')
        for folder in (tmp_path / "in", tmp_path):
            run = novasr("enhance", "--manifest", tmp_path / "in.jsonl", "-d", folder)
            assert_one_error_line(run, "choose another")

    @pytest.mark.parametrize(
        ("words", "part"),
        [
            (["--manifest", "none.jsonl", "-d", "out"], "no such manifest"),
            (["--manifest", "in.jsonl"], "-d FOLDER"),
            (["--manifest", "in.jsonl", "-d", "out", "--shard", "4/4"], "from 0 to N - 1"),
            (["--manifest", "in.jsonl", "-d", "out", "--plot"], "--plot does not go with a set"),
            (["--manifest", "in.jsonl", "a.wav", "-d", "out"], "names all inputs"),
            (["--manifest", "in.jsonl", "-d", "out", "--column", "a"], "--column"),
            (["a.wav", "--shard", "0/2"], "--shard is for sets"),
            (["none.tar", "-d", "out"], "no such file"),
            ([], "name audio files or folders, or a --manifest"),
        ],
    )
    def test_a_call_that_cannot_be_is_explained(self, words, part, tmp_path):
        (tmp_path / "in.jsonl").write_text('{"audio_filepath": "a.wav"}')
        assert_one_error_line(novasr("enhance", *words, cwd=tmp_path), part)

    @pytest.mark.parametrize("name", FORMATS)
    def test_a_full_disk_ends_the_work_and_is_named(self, name, sources, tmp_path):
        words = [sys.executable, "-m", "novasr", "enhance", *map(str, sources[name])]
        run = subprocess.run(
            [*words, "-d", str(tmp_path / "out"), "--jobs", "1"],
            capture_output=True,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000)),
        )
        assert run.returncode == 2
        assert run.stderr.startswith(f"novasr: error: {tmp_path / 'out'}"), run.stderr
        assert "cannot be written: " in run.stderr
        assert not (tmp_path / "out" / "report.jsonl").exists()
        assert not [*(tmp_path / "out").glob("*.tar"), *(tmp_path / "out").glob("*.parquet")]

    def test_a_journal_of_others_is_kept(self, sources, tmp_path):
        (tmp_path / "journal.jsonl").write_text("Monday: rain\n")
        run = novasr("enhance", *sources["manifest"], "-d", tmp_path)
        assert_one_error_line(run, "journal.jsonl: is no journal of novasr")
        assert (tmp_path / "journal.jsonl").read_text() == "Monday: rain\n"

    def test_tables_without_pyarrow_name_the_remedy(self, sources, tmp_path):
        path = without_package(tmp_path, "pyarrow")
        run = novasr("enhance", *sources["tables"], "-d", tmp_path / "out", PYTHONPATH=path)
        assert_one_error_line(run, "pip install 'novasr[datasets]'")

    def test_a_damaged_shard_ends_the_work_and_is_named(self, sources, tmp_path):
        (tmp_path / "in").mkdir()
        whole = next(sources["shards"][0].glob("*.tar")).read_bytes()
        (tmp_path / "in" / "half.tar").write_bytes(whole[: len(whole) // 2])
        run = novasr("enhance", tmp_path / "in", "-d", tmp_path / "out")
        assert run.returncode == 2
        assert "half.tar" in run.stderr
        assert not list((tmp_path / "out").glob("*.tar"))

    def test_columns_are_named_where_there_are_several_or_none(self, tmp_path):
        pa = needs.package("pyarrow", "pip install '.[test]'")
        parquet = needs.package("pyarrow.parquet", "pip install '.[test]'")
        sound = (tmp_path / "a.wav", np.zeros(16_000), 16_000)
        sf.write(*sound)
        data = sound[0].read_bytes()
        table = pa.table({"left": pa.array([data]), "right": pa.array([data]), "n": pa.array([1])})
        parquet.write_table(table, tmp_path / "t.parquet")
        words = ("enhance", tmp_path / "t.parquet", "-d", tmp_path / "out")
        assert_one_error_line(novasr(*words), "--column")
        assert_one_error_line(novasr(*words, "--column", "n"), "int64")
        assert_one_error_line(novasr(*words, "--column", "x"), "left, right, n")
        assert novasr(*words, "--column", "left").returncode == 0
        made = parquet.read_table(tmp_path / "out" / "t.parquet")
        assert made["right"][0].as_py() == data
        assert decoded(made["left"][0].as_py(), tmp_path, ".wav")[1] == 48_000
