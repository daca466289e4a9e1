"""A recording that cannot be written does not end the sound, says so, and is carried on."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from command_line import assert_one_error_line, novasr
from processes import audio_process, busyness

from novasr.live.recording import Recording

RATE = 48_000


@pytest.fixture
def recorded(jack, peers, live, tmp_path: Path):
    """Give a stream with a tone in it, what it records, and its name in the end."""
    folder = tmp_path / "disk"
    folder.mkdir()
    server = jack(RATE, 256, synchronous=False)
    pair = peers(tone=True)
    process = live("-i", "mic", "-o", "spk", "--record", folder / "talk.wav")
    process.wait_for("running", 20)
    process.wait_for_sound(2)
    return process, folder / "talk.part.wav", folder / "talk.wav", server, pair


def limit_files(process, size: int) -> None:
    """Let the audio process write no file longer than that: as a disk that is full."""
    hard = resource.prlimit(audio_process(process.pid), resource.RLIMIT_FSIZE)[1]
    resource.prlimit(audio_process(process.pid), resource.RLIMIT_FSIZE, (size, hard))


def assert_the_sound_goes_on(process) -> None:
    process.forget()
    process.wait_for_sound(1)
    assert process.stats[-1]["restarts"] == 0
    assert not [event for event in process.events if event["kind"] == "lost"]


def assert_aligned(path: Path) -> None:
    """A tone below the crossover passes the chain as it is: off by one frame would be 0.02 in the median."""
    before, after = sf.read(path)[0].T
    heard = np.flatnonzero(np.abs(before) > 0.1)[0] + RATE // 10
    for part in (slice(heard, heard + RATE // 4), slice(-RATE // 4, None)):
        assert np.abs(before[part]).max() > 0.3
        assert np.median(np.abs(after[part] - before[part])) < 0.005


def test_a_disk_that_is_full_for_a_while(recorded) -> None:
    process, partial, record, _, _ = recorded
    limit_files(process, partial.stat().st_size + 400_000)
    warning = process.wait_for("warning", 4)["message"]
    assert "the recording stopped after" in warning
    assert os.strerror(27) in warning  # EFBIG
    saved = sf.info(partial).frames
    assert saved >= 400_000 // 8
    time.sleep(1)
    stats = process.wait_for_stats()
    assert stats["record_problem"] == os.strerror(27)
    assert stats["record_lost"] > RATE // 2
    assert_the_sound_goes_on(process)

    limit_files(process, resource.RLIM_INFINITY)
    goes_on = process.wait_for("warning", 5, count=2)["message"]
    time.sleep(1)
    stats = process.wait_for_stats()
    assert stats["record_problem"] == ""
    assert goes_on == f"the recording goes on: {stats['record_lost'] / RATE:.1f} s are missing"
    assert process.interrupt()[0] == 130
    assert sf.info(record).frames > saved + RATE // 2
    assert_aligned(record)
    assert f"{stats['record_lost']} frames are missing" in process.wait_for_the_end("warning")


@pytest.mark.parametrize("restart", [False, True])
def test_a_folder_that_vanishes_for_a_while(recorded, restart: bool) -> None:
    process, partial, record, _, _ = recorded
    shutil.rmtree(partial.parent)
    if restart:
        os.kill(audio_process(process.pid), signal.SIGKILL)
        process.wait_for("recovered", 5)
    assert "the recording stopped after" in process.wait_for("warning", 4)["message"]
    if not restart:
        assert_the_sound_goes_on(process)
    partial.parent.mkdir()
    assert "the recording goes on" in process.wait_for("warning", 5, count=2)["message"]
    assert process.wait_for_stats()["record_lost"] > 0
    time.sleep(1)
    assert process.interrupt()[0] == 130
    assert_aligned(record)


def test_a_file_that_is_removed_is_told_in_the_end(recorded) -> None:
    process, partial, record, _, _ = recorded
    shutil.rmtree(partial.parent)
    process.wait_for_stats()
    assert process.interrupt()[0] == 130
    assert f"{record}: the recording is gone" in process.wait_for_the_end("warning")


def test_a_name_that_is_taken_meanwhile_is_left_alone(recorded) -> None:
    process, partial, record, _, _ = recorded
    record.write_bytes(b"mine")
    time.sleep(0.5)
    assert process.interrupt()[0] == 130
    assert record.read_bytes() == b"mine"
    assert f"{partial}: the recording keeps this name" in process.wait_for_the_end("warning")
    assert_aligned(partial)


def test_devices_that_come_back_at_another_rate(recorded, jack, peers) -> None:
    process, partial, record, server, pair = recorded
    server.kill()
    pair.kill()
    process.wait_for("lost", 5)
    saved = sf.info(partial).frames
    jack(44_100, 256, synchronous=False)
    peers(tone=True)
    process.wait_for("recovered", 10)
    assert "44100 Hz and 1 channel(s)" in process.wait_for("warning", 2)["message"]
    process.wait_for_sound(2)
    assert process.interrupt()[0] == 130
    assert (sf.info(record).samplerate, sf.info(record).frames) == (RATE, saved)


def test_a_disk_that_does_not_answer(recorded) -> None:
    process, partial, _, _, _ = recorded
    partial.unlink()
    os.mkfifo(partial)  # opening it waits for a reader
    time.sleep(6)  # longer than the audio process may say nothing
    assert_the_sound_goes_on(process)
    code, seconds = process.interrupt()
    assert code == 130
    assert seconds < 0.6 * busyness()
    assert "the disk does not answer" in str(process.events)


def test_a_full_disk_at_the_start_is_an_error_that_leaves_nothing(
    jack, peers, tmp_path: Path
) -> None:
    jack(RATE, 256, synchronous=False)
    peers()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        run = novasr(
            "live", "--headless", "-i", "mic", "-o", "spk", "--record", tmp_path / "talk.wav"
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_one_error_line(run, "talk", "the recording cannot be written", "full")
    assert not list(tmp_path.glob("talk*"))


def test_a_wav_file_that_is_full_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    sf.write(path, np.zeros((1, 2), np.float32), RATE, "FLOAT")
    header = path.read_bytes().rpartition(b"data")[0] + b"data"
    size = 2**32 - 2**19
    with path.open("r+b") as file:  # four hours and more, of which the disk holds nothing
        file.write(header + (size - len(header) - 4).to_bytes(4, "little"))
        file.truncate(size)
    recording = Recording(path, "WAV", RATE, 1, latency=0)
    recording.start()
    seconds = recording.seconds
    block = np.zeros((RATE, 1), np.float32)
    recording.write(block, block)
    recording.write(block, block)
    recording.close()
    assert (recording.seconds, recording.lost) == (seconds, 2 * RATE)
    assert "a WAV file holds 4 GiB, a .w64 file more" in recording.problem
    assert len(recording.news) == 1
    assert path.stat().st_size == size
