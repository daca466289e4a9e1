"""Sets on a Ray cluster of two nodes, which runs on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import generated
import needs
import numpy as np
import pytest
import soundfile as sf
from command_line import assert_one_error_line, novasr

from novasr import enhance

COUNT = 40
START_SECONDS = 120
TEMPORARY = tempfile.mkdtemp(prefix="ray-")  # short: paths of sockets end at 107 characters
ENVIRONMENT = {
    **os.environ,
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_TMPDIR": TEMPORARY,
    "RAY_AUTH_MODE": "disabled",
}


class Cluster:
    """Nodes of one core each, in sessions of their own: what ends them ends nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = 20_000 + os.getpid() % 5_000
        self.address = f"127.0.0.1:{self.port}"
        self.nodes: list[subprocess.Popen] = []

    def start(self, *words: str) -> None:
        """Start a node, and wait until the cluster has it."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
        command += ["--object-store-memory=80000000", "--disable-usage-stats"]
        command += ["--node-ip-address=127.0.0.1", "--min-worker-port=0", "--max-worker-port=0"]
        log = (self._folder / f"node{len(self.nodes)}.log").open("w")
        with log:
            node = subprocess.Popen(
                [*command, *words],
                env=ENVIRONMENT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.nodes.append(node)
        self._wait(Path(log.name))

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            assert self.nodes[-1].poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        code = f"""
import ray, time
while not ray.is_initialized():
    try:
        ray.init(address={self.address!r}, log_to_driver=False, logging_level="critical")
    except ConnectionError:  # the port is open before all is ready
        time.sleep(0.5)
while ray.cluster_resources().get("CPU", 0) < {len(self.nodes)}:
    time.sleep(0.2)
"""
        words = [sys.executable, "-W", "ignore", "-c", code]
        subprocess.run(words, env=ENVIRONMENT, check=True, timeout=START_SECONDS)

    def end(self, number: int, how: signal.Signals) -> None:
        """End a node with all its processes, by their ids."""
        node = self.nodes[number]
        inside = subprocess.run(["pgrep", "-g", str(node.pid)], capture_output=True, text=True)
        for pid in inside.stdout.split():
            os.kill(int(pid), how)
        node.wait(30)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    needs.package("ray", "pip install '.[test]'")
    nodes = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        nodes.start("--head", f"--port={nodes.port}", "--include-dashboard=false")
        nodes.start(f"--address={nodes.address}")
        yield nodes
    finally:
        for number in reversed(range(len(nodes.nodes))):
            if nodes.nodes[number].poll() is None:
                nodes.end(number, signal.SIGKILL)
        shutil.rmtree(TEMPORARY, ignore_errors=True)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    return generated.write_files(folder, generated.items(COUNT, 11, broken=0.1))


@pytest.fixture(scope="module")
def local(manifest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("local") / "out"
    assert novasr("enhance", "--manifest", manifest, "-d", folder).returncode == 0
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("journal.jsonl", "report.html")
    }


def in_ray(cluster: Cluster, code: str) -> dict:
    """Run a program in the cluster; it prints JSON in its last line."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**ENVIRONMENT, "RAY_ADDRESS": cluster.address},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


class TestMapBatches:
    def test_recordings_as_arrays(self, cluster, tmp_path):
        audio = 0.1 * np.random.default_rng(1).standard_normal((16_000, 2)).astype(np.float32)
        sf.write(tmp_path / "two.flac", audio, 16_000)
        made = in_ray(
            cluster,
            f"""
import json, ray
from novasr.ray import Enhance
ray.init(log_to_driver=False)
found = ray.data.read_audio({str(tmp_path)!r}, include_paths=True)
made = found.map_batches(Enhance, batch_size=4, concurrency=1).take_all()
row = made[0]
print(json.dumps({{"columns": sorted(row), "rate": int(row["sample_rate"]), "status": row["status"],
                  "band": row["bandwidth_in"], "audio": row["amplitude"].tolist()}}))
""",
        )
        wanted = [
            "amplitude",
            "bandwidth_in",
            "path",
            "reason",
            "sample_rate",
            "status",
            "warnings",
        ]
        assert made["columns"] == wanted
        assert (made["rate"], made["status"]) == (48_000, "enhanced")
        stored, _ = sf.read(tmp_path / "two.flac", dtype="float32")
        np.testing.assert_allclose(np.array(made["audio"]).T, enhance(stored, 16_000), atol=1e-7)

    def test_recordings_as_files(self, cluster, manifest, tmp_path):
        made = in_ray(
            cluster,
            f"""
import json, ray
from novasr.ray import Enhance
ray.init(log_to_driver=False)
found = ray.data.read_binary_files({str(manifest.parent)!r}, include_paths=True)
found = found.filter(lambda row: not row["path"].endswith("jsonl"))
found.map_batches(Enhance, fn_constructor_kwargs={{"model": "wide"}}, batch_size=8, concurrency=1
                 ).write_parquet({str(tmp_path)!r})
rows = ray.data.read_parquet({str(tmp_path)!r}).take_all()
print(json.dumps([[row["path"], row["status"], row["reason"], row["bytes"][:4].hex()] for row in rows]))
""",
        )
        assert len(made) == COUNT
        statuses = {status for _, status, _, _ in made}
        assert {"enhanced", "full band", "failed"} <= statuses
        for path, status, reason, head in made:
            assert bool(reason) == (status != "enhanced")
            if status == "enhanced":
                assert bytes.fromhex(head) == (b"RIFF" if path.endswith(".wav") else b"fLaC")


class TestSetOnCluster:
    def test_a_cluster_makes_the_same_bytes(self, cluster, manifest, local, tmp_path):
        run = novasr(
            "enhance",
            "--manifest",
            manifest,
            "-d",
            tmp_path / "out",
            "--ray",
            cluster.address,
            RAY_TMPDIR=TEMPORARY,
            RAY_AUTH_MODE="disabled",
        )
        assert run.returncode == 0, run.stderr
        assert files(tmp_path / "out") == files(local)

    def test_an_address_without_a_cluster_is_an_error(self, cluster, manifest, tmp_path):
        run = novasr("enhance", "--manifest", manifest, "-d", tmp_path, "--ray", "127.0.0.1:9")
        assert_one_error_line(run, "--ray 127.0.0.1:9", "ray start --head")

    def test_a_killed_call_goes_on(self, cluster, manifest, local, tmp_path):
        words = [sys.executable, "-m", "novasr", "enhance", "--manifest", str(manifest), "--json"]
        words += ["-d", str(tmp_path / "out"), "--ray", cluster.address]
        for wanted in (1, 9, 5):
            with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as run:
                assert run.stdout is not None
                done = 0
                while done < wanted:
                    done += '"unit"' in run.stdout.readline()
                run.kill()
        last = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True)
        assert last.returncode == 0, last.stderr
        assert files(tmp_path / "out") == files(local)

    def test_a_lost_worker_and_a_lost_node_lose_nothing(self, cluster, manifest, local, tmp_path):
        words = ["enhance", "--manifest", str(manifest), "-d", str(tmp_path / "out")]
        words += ["--ray", cluster.address, "--json"]
        with subprocess.Popen(
            [sys.executable, "-m", "novasr", *words],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            text=True,
        ) as run:
            assert run.stdout is not None
            done = 0
            for line in run.stdout:
                done += json.loads(line)["event"] == "unit"
                if done == 4:
                    workers = subprocess.run(
                        ["pgrep", "-f", "^ray::_run"], capture_output=True, text=True
                    ).stdout.split()
                    assert workers
                    os.kill(int(workers[0]), signal.SIGKILL)
                    done += 1
                elif done == 12:
                    cluster.end(1, signal.SIGKILL)
                    done += 1
            run.wait()
        assert run.returncode == 0
        assert files(tmp_path / "out") == files(local)
        journal = (tmp_path / "out" / "journal.jsonl").read_text().splitlines()
        units = [json.loads(line)["unit"] for line in journal[1:]]
        assert len(units) == len(set(units)) == COUNT
