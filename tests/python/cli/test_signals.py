"""Ctrl-C, SIGTERM and SIGHUP: work ends soon and cleanly, regardless of further signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from audio_files import noise, write

from novasr import Stream, enhance

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)


@pytest.fixture(scope="module")
def long_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three names for the same half hour of noise."""
    folder = tmp_path_factory.mktemp("long")
    minute = noise(60.0, 16_000)
    write(folder / "a.wav", np.concatenate([minute] * 30), 16_000)
    for name in ("b.wav", "c.wav"):
        (folder / name).symlink_to("a.wav")
    return folder


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize(
    ("signals", "code"),
    [([INT], 130), ([INT] * 5, 130), ([TERM] * 4, 143), ([HUP] * 3, 129), ([TERM, INT, HUP], 143)],
)
def test_signals_end_a_batch_and_leave_nothing(
    long_files: Path, tmp_path: Path, jobs: int, signals: list[signal.Signals], code: int
) -> None:
    words = ["enhance", str(long_files), "-d", str(tmp_path), "--jobs", str(jobs)]
    command = [sys.executable, "-m", "novasr", *words]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(HUP, signal.SIG_DFL),  # under nohup it would be ignored
    ) as run:
        deadline = time.monotonic() + 60
        while len(os.listdir(tmp_path)) < jobs and time.monotonic() < deadline:
            time.sleep(0.01)
        for number in signals:
            run.send_signal(number)
            time.sleep(0.02)
        out, err = run.communicate(timeout=60)
    told = b"novasr: interrupted: 0 of 3 files done; --skip-existing goes on where it ended\n"
    assert (run.returncode, out, err) == (code, b"", told)
    assert os.listdir(tmp_path) == []


def test_an_interrupted_batch_counts_what_is_done(long_files: Path, tmp_path: Path) -> None:
    write(tmp_path / "0.wav", noise(0.5, 16_000), 16_000)
    words = ["enhance", tmp_path / "0.wav", long_files, "-d", tmp_path / "out", "--jobs", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "novasr", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert b"0.wav -> " in run.stdout.readline()
        run.send_signal(INT)
        _, err = run.communicate(timeout=60)
    assert (run.returncode, err.count(b"\n")) == (130, 1)
    assert err.startswith(b"novasr: interrupted: 1 of 4 files done; --skip-existing ")


def test_a_single_file_is_interrupted_silently(long_files: Path, tmp_path: Path) -> None:
    words = ["enhance", long_files / "a.wav", "-d", tmp_path]
    with subprocess.Popen(
        [sys.executable, "-m", "novasr", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        deadline = time.monotonic() + 60
        while not os.listdir(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(INT)
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (130, b"", b"")


def test_a_clean_up_that_hangs_can_be_killed() -> None:
    script = """if True:
        import time
        from novasr.cli import signals

        signals.CLEAN_UP_SECONDS = 0.5
        with signals.stopping_once():
            try:
                print("works", flush=True)
                time.sleep(60)
            finally:
                time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as run:
        run.stdout.readline()
        run.send_signal(INT)
        time.sleep(0.1)
        run.send_signal(INT)
        time.sleep(1)
        assert run.poll() is None
        run.send_signal(INT)
        assert run.wait(10) == 130


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(120.0, 16_000), 16_000)
    command = [sys.executable, "-m", "novasr", "enhance", str(source)]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_IGN) for number in (INT, HUP)],
    ) as run:
        deadline = time.monotonic() + 60
        while len(os.listdir(tmp_path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(INT)
        run.send_signal(HUP)
    assert run.returncode == 0


@pytest.mark.alone
def test_an_array_of_twenty_minutes_answers_ctrl_c_within_0_3_s() -> None:
    audio = np.resize(noise(60.0, 16_000), 20 * 60 * 16_000)
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), INT)

    threading.Timer(1.0, interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        enhance(audio, 16_000)
    assert time.monotonic() - sent[0] < 0.3


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 2), (44_100, 1)])
def test_the_pieces_of_an_array_give_the_bits_of_the_whole(
    engine: str, rate: int, channels: int
) -> None:
    for frames in (0, channels, 8_191, 8_192, 8_193, 20_001):
        audio = noise(1.0, frames, channels) if frames else np.empty((0, channels), np.float32)
        stream = Stream(rate, channels, output_rate=48_000, engine=engine, offline=True)
        whole = np.concatenate([stream.process(audio), stream.flush()])[stream.latency :]
        assert np.array_equal(enhance(audio, rate, engine=engine, force=True), whole)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux' /proc")
def test_an_array_needs_the_memory_of_its_result_once() -> None:
    code = (
        "import numpy as np, novasr; from pathlib import Path\n"
        "def peak(): return int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
        "audio = np.full(16000 * 600, 0.1, np.float32); audio[::3] = -0.1\n"
        "novasr.enhance(audio[:16000], 16000); before = peak()\n"
        "print((peak() - before, novasr.enhance(audio, 16000).nbytes / 1024, peak() - before)[1:])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    result, grown = eval(run.stdout)
    assert grown < 1.1 * result  # in one call and a copy of it: twice as much
