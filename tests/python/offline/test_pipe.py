"""novasr enhance with - for standard input and output."""

from __future__ import annotations

import io
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from audio_files import noise, write

NOVASR = [sys.executable, "-m", "novasr", "enhance"]
OPEN_ENDED = b"\xff" * 4


def run(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*NOVASR, *arguments], input=given, capture_output=True, timeout=60)


def samples_of(wav: bytes) -> bytes:
    return wav[wav.index(b"data") + 8 :]


def enhanced(source: Path, *options: str) -> bytes:
    """Return the samples of what the file route makes of `source`."""
    result = source.with_name("by-file.wav")
    done = run(source, "-o", result, "--overwrite", *options)
    assert done.returncode == 0, done.stderr
    return samples_of(result.read_bytes())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_a_pipe_gives_the_same_bits_as_a_file(tmp_path: Path, subtype: str, channels: int) -> None:
    source = write(tmp_path / "a.wav", noise(1.3, 16_000, channels), 16_000, subtype)
    done = run("-", "-o", "-", given=source.read_bytes())
    assert done.stderr == b""
    assert samples_of(done.stdout) == enhanced(source)


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64"])
def test_a_minute_of_open_length_gives_the_same_bits_as_a_file(tmp_path: Path, kind: str) -> None:
    source = write(tmp_path / "a.wav", noise(60.0, 16_000), 16_000, "PCM_16", kind)
    content = source.read_bytes()
    size_at = content.index(b"data") + 4
    given = content[:size_at] + OPEN_ENDED + content[size_at + 4 :]
    if kind == "RF64":
        given = content
    done = run("-", "-o", "-", given=given)
    assert done.stderr == b""
    assert samples_of(done.stdout) == enhanced(source)
    assert done.stdout[4:8] == OPEN_ENDED


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg"])
def test_other_formats_may_come_through_a_pipe_too(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / f"a.{suffix}", noise(1.0, 16_000), 16_000)
    done = run("-", "-o", tmp_path / "b.wav", given=source.read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    assert samples_of((tmp_path / "b.wav").read_bytes()) == enhanced(source)


@pytest.mark.parametrize(
    ("name", "kind"), [("s16le", "PCM_16"), ("s24le", "PCM_24"), ("f32le", "FLOAT")]
)
def test_samples_without_a_header_go_in_and_out(tmp_path: Path, name: str, kind: str) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 22_050, 2), 22_050, kind)
    bare = samples_of(source.read_bytes())[
        : 22_050 * 2 * {"s16le": 2, "s24le": 3, "f32le": 4}[name]
    ]
    done = run("-", "-o", "-", "--raw", f"22050,2,{name}", given=bare)
    assert done.returncode == 0, done.stderr
    assert done.stdout == enhanced(source)[: len(done.stdout)]
    assert len(done.stdout) > 40_000


def test_an_answer_comes_within_100_ms(tmp_path: Path) -> None:
    """The first second of sound is answered while the pipe stays open."""
    command = [*NOVASR, "-", "-o", "-", "--raw", "16000,1,s16le"]
    block = (3000 * noise(0.02, 16_000)).astype("<i2").tobytes()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        waits, answered = [], 0
        for sent in range(1, 60):
            program.stdin.write(block)
            program.stdin.flush()
            started = time.perf_counter()
            # All but the stream's latency, 3 ms of 48 kHz, is there before more is sent.
            while answered < (sent * 960 - 400) * 2:
                assert select.select([program.stdout], [], [], 20)[0]
                answered += len(os.read(program.stdout.fileno(), 1 << 16))
            waits.append(time.perf_counter() - started)
        program.stdin.close()
        assert program.wait() == 0
    assert np.median(waits[10:]) < 0.1


def test_memory_does_not_grow_with_what_comes(tmp_path: Path) -> None:
    minute = (3000 * noise(60.0, 16_000)).astype("<i2").tobytes()
    peaks = []
    for minutes in (1, 12):
        command = [*NOVASR, "-", "-o", "-", "--raw", "16000,1,s16le"]
        with (
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as program,
        ):
            assert program.stdin is not None
            for _ in range(minutes):
                program.stdin.write(minute)
            status = Path(f"/proc/{program.pid}/status")
            if not status.exists():
                pytest.skip("reads Linux' /proc")
            peaks.append(int(status.read_text().split("VmHWM:")[1].split()[0]))
            program.stdin.close()
            assert program.wait() == 0
    assert peaks[1] - peaks[0] < 8_192


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (["-", "-o", "-"], b"", "nothing came"),
        (["-", "-o", "-"], b"no audio at all, only words", "-: not an audio file"),
        (["-", "-o", "-"], b"RIFF\x00\x00\x00\x00WAVEfmt ", "ends within the header"),
        (["-"], b"", "- is one input or output"),
        (["-", "a.wav", "-o", "-"], b"", "- is one input or output"),
        (["-", "-o", "-", "--raw", "16000"], b"", "expected RATE,CHANNELS,FORMAT"),
        (["-", "-o", "-", "--raw", "16000,1,mp3"], b"", "s16le"),
        (["-", "-o", "-", "--gain", "auto"], b"", "needs the whole recording"),
        (["a.wav", "--raw", "16000,1,s16le"], b"", "--raw tells what standard input is"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: list[str], given: bytes, message: str
) -> None:
    done = run(*arguments, given=given)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_wav_that_ends_early_is_said_and_what_came_is_used(tmp_path: Path) -> None:
    content = write(tmp_path / "a.wav", noise(2.0, 16_000), 16_000).read_bytes()
    done = run("-", "-o", "-", given=content[: len(content) // 2])
    assert b"ended after 1.00 s, its header states 2.00 s" in done.stderr
    assert len(samples_of(done.stdout)) == pytest.approx(96_000, abs=200)


def test_a_reader_that_goes_away_ends_the_work_in_one_line(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(30.0, 16_000), 16_000)
    command = f"{' '.join(NOVASR)} {source} -o - | head -c 1000 > {tmp_path / 'head'}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60)
    assert done.stderr.count(b"\n") == 1
    assert b"cannot be written: Broken pipe" in done.stderr


def test_a_mask_goes_through_a_pipe(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(0.5, 16_000, 6), 16_000, "PCM_16", "WAVEX")
    done = run("-", "-o", "-", given=source.read_bytes())
    with sf.SoundFile(io.BytesIO(done.stdout)) as made:
        assert (made.format, made.channels) == ("WAVEX", 6)
