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
    """Return the samples that the file route makes from `source`."""
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
    """The first second of audio is answered while the pipe stays open."""
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
        (["-", "-o", "-", "--raw", "16000,1,s16le,more"], b"", "expected RATE,CHANNELS,FORMAT"),
        (["-", "-o", "-", "--raw", "0,1,s16le"], b"", "expected RATE,CHANNELS,FORMAT"),
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


def file_route(source: Path, name: str, *options: str) -> str:
    """Return the messages of the file route with the result at `name`."""
    done = run(source, "-o", source.with_name(name), *options)
    return done.stderr.decode().replace(str(source), "-")


def pipe_route(source: Path, name: str, *options: str) -> str:
    done = run("-", "-o", source.with_name(name), *options, given=source.read_bytes())
    return done.stderr.decode()


def test_a_file_into_a_pipe_says_nothing_and_names_the_tags_that_do_not_go(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000)
    assert run(source, "-o", "-").stderr == b""
    with sf.SoundFile(tmp_path / "a.flac", "w", 16_000, 1) as file:
        file.artist = "Ada"
        file.write(noise(1.0, 16_000))
    done = run(tmp_path / "a.flac", "-o", "-")
    assert b"artist is not kept: let -o name a file" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_both_routes_say_the_same_of_what_they_change(tmp_path: Path) -> None:
    audio = 12 * noise(1.0, 8_000, top_hz=3_000)
    audio[100:103] = np.nan
    source = write(tmp_path / "a.wav", audio, 8_000, "FLOAT")
    by_file = file_route(source, "b.wav", "--bits", "16")
    by_pipe = pipe_route(source, "c.wav", "--bits", "16").replace("c.wav", "b.wav")
    assert by_pipe == by_file
    for said in ("3 NaN or infinite samples", "samples were clipped", "stays empty"):
        assert said in by_pipe
    done = run("-", "-o", "-", "--bits", "16", given=source.read_bytes())
    assert b"3 NaN or infinite samples" in done.stderr
    assert b"samples were clipped" in done.stderr
    assert b"--gain auto" not in done.stderr  # which a pipe cannot have


@pytest.mark.parametrize("kind", ["exists", "links", "protected"])
def test_both_routes_refuse_the_same_results(tmp_path: Path, kind: str) -> None:
    source = write(tmp_path / "a.wav", noise(0.5, 16_000), 16_000)
    result = tmp_path / "b.wav"
    options = [] if kind == "exists" else ["--overwrite"]
    result.write_text("old")
    if kind == "links":
        (tmp_path / "c.wav").hardlink_to(result)
    if kind == "protected":
        result.chmod(0o444)
    by_pipe = pipe_route(source, "b.wav", *options)
    assert by_pipe == file_route(source, "b.wav", *options)
    assert by_pipe.count("\n") == 1
    assert result.read_text() == "old"


def test_a_result_that_another_program_makes_meanwhile_is_kept(tmp_path: Path) -> None:
    command = [*NOVASR, "-", "-o", tmp_path / "b.wav", "--raw", "16000,1,s16le"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stderr is not None
        program.stdin.write(bytes(32_000))
        program.stdin.flush()
        while not list(tmp_path.glob(".novasr-*.wav")):
            time.sleep(0.01)
        (tmp_path / "b.wav").write_text("other")
        program.stdin.close()
        assert b"has been made by another program meanwhile" in program.stderr.read()
        assert program.wait() == 2
    assert (tmp_path / "b.wav").read_text() == "other"


def test_the_source_of_a_pipe_is_never_its_result(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(0.5, 16_000), 16_000)
    before = source.read_bytes()
    with source.open("rb") as file:
        command = [*NOVASR, "-", "-o", source, "--overwrite"]
        done = subprocess.run(command, stdin=file, capture_output=True)
    assert b"is the source itself" in done.stderr
    assert source.read_bytes() == before


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_full_band_is_kept_where_it_can_be_known_and_else_said(tmp_path: Path, suffix: str) -> None:
    audio = noise(2.0, 48_000, top_hz=20_000)
    source = write(tmp_path / f"a.{suffix}", audio, 48_000, "PCM_16")
    kept = enhanced(source)
    if suffix == "wav":
        assert kept == samples_of(source.read_bytes())
    from_file = run(source, "-o", "-")
    assert samples_of(from_file.stdout) == kept
    assert b"stored as it is" in from_file.stderr
    coming = run("-", "-o", "-", given=source.read_bytes())
    if suffix == "wav":
        assert samples_of(coming.stdout) != kept
        assert b"already full band to 20.1 kHz" in coming.stderr
        assert b"extended all the same, as a pipe is not looked through" in coming.stderr
        assert b"--force" in coming.stderr
    else:
        assert samples_of(coming.stdout) == kept
        assert b"stored as it is" in coming.stderr
    assert coming.stderr.count(b"\n") == 1
    assert run("-", "-o", "-", "--force", given=source.read_bytes()).stderr == b""


def test_no_room_to_keep_what_comes_is_one_line(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    source = write(tmp_path / "a.flac", noise(20.0, 16_000), 16_000)
    folder = tmp_path / "kept"
    folder.mkdir()
    done = subprocess.run(
        [*NOVASR, "-", "-o", "-"],
        input=source.read_bytes(),
        capture_output=True,
        env={**os.environ, "TMPDIR": str(folder)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000)),
    )
    assert done.returncode == 2
    said = f"-: no room in {folder} to keep what comes (File too large): let TMPDIR name"
    assert said in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["slow", "text", "cut"])
def test_messages_call_a_pipe_by_its_name(tmp_path: Path, kind: str) -> None:
    rate = 4_000 if kind == "slow" else 16_000
    content = write(tmp_path / "a.flac", noise(2.0, rate), rate).read_bytes()
    given = {"slow": content, "text": b"only words " * 99, "cut": content[: len(content) // 2]}[
        kind
    ]
    done = run("-", "-o", tmp_path / "b.wav", given=given)
    assert done.returncode == 2
    assert done.stderr.decode().startswith("novasr: error: -: ")
    assert "standard-input" not in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_without_ffmpeg_the_remedy_for_a_pipe_is_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    given = np.random.default_rng(1).bytes(5_000)
    done = run("-", "-o", tmp_path / "a.wav", given=given)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"ffmpeg -i - -f wav -" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_of_a_damaged_file_is_taken_from_a_pipe_too(tmp_path: Path) -> None:
    content = write(tmp_path / "a.flac", noise(2.0, 16_000), 16_000).read_bytes()
    given = content[: len(content) // 2]
    done = run("-", "-o", tmp_path / "b.wav", "--allow-truncated", given=given)
    assert done.returncode == 0, done.stderr
    assert b"novasr: warning: -: truncated" in done.stderr or b"damaged" in done.stderr


@pytest.mark.parametrize("raw", [True, False])
def test_a_pipe_without_samples_is_an_error_and_leaves_nothing(tmp_path: Path, raw: bool) -> None:
    header = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000).read_bytes()[:44]
    options = ["--raw", "16000,1,s16le"] if raw else []
    for result in (tmp_path / "b.wav", Path("-")):
        done = run("-", "-o", result, *options, given=b"" if raw else header)
        assert done.returncode == 2
        assert b"error: -: holds no audio (0 frames)" in done.stderr
        assert done.stdout == b""
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_a_warning_names_the_pipe_once(tmp_path: Path) -> None:
    content = write(tmp_path / "a.wav", noise(2.0, 16_000), 16_000).read_bytes()
    done = run("-", "-o", "-", given=content[: len(content) // 2])
    assert b"warning: -: ended after 1.00 s" in done.stderr


@pytest.mark.parametrize(
    ("name", "width"), [("s16le", "PCM_16"), ("s32le", "PCM_32"), ("f32le", "FLOAT")]
)
def test_a_file_goes_into_a_pipe_as_the_samples_that_are_named(
    tmp_path: Path, name: str, width: str
) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000, 2), 16_000, width)
    done = run(source, "-o", "-", "--raw", f"44100,2,{name}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == enhanced(source, "--rate", "44100")[: len(done.stdout)]
    assert len(done.stdout) == 44_100 * 2 * (2 if name == "s16le" else 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--raw", "48000,1,s16le"], "has 2 channels, and --raw names 1"),
        (["--raw", "48000,2,s16le", "--rate", "16000"], "leave out --rate"),
        (["--raw", "48000,2,s16le", "--bits", "24"], "leave out --rate, --bits"),
        (["--raw", "4000,2,s16le"], "rate must be"),
    ],
)
def test_samples_that_a_file_cannot_become_are_refused(
    tmp_path: Path, options: list[str], message: str
) -> None:
    source = write(tmp_path / "a.wav", noise(0.5, 16_000, 2), 16_000)
    done = run(source, "-o", "-", *options)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()


def edited(content: bytes, at: int, field: bytes) -> bytes:
    return content[:at] + field + content[at + len(field) :]


@pytest.mark.parametrize("channels", [1, 2])
def test_24_bits_in_four_bytes_are_read_as_from_a_file(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.wav"
    content = write(path, noise(1.0, 16_000, channels), 16_000, "PCM_32").read_bytes()
    at = content.index(b"data") + 8
    words = np.frombuffer(content[at:], "<i4") >> 8  # as arecord writes S24_LE
    path.write_bytes(edited(content[:at], 34, b"\x18\0") + words.astype("<i4").tobytes())
    done = run("-", "-o", "-", given=path.read_bytes())
    assert samples_of(done.stdout) == enhanced(path)


@pytest.mark.parametrize("bits", [12, 20])
def test_a_width_between_two_is_read_as_from_a_file(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "a.wav"
    width = "PCM_16" if bits == 12 else "PCM_24"
    content = write(path, noise(1.0, 16_000), 16_000, width).read_bytes()
    path.write_bytes(edited(content, content.index(b"fmt ") + 22, bytes([bits, 0])))
    done = run("-", "-o", "-", given=path.read_bytes())
    assert samples_of(done.stdout) == enhanced(path)


def test_a_chunk_before_the_samples_may_be_large(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000)
    content = source.read_bytes()
    chunk = b"id3 " + (17_000_001).to_bytes(4, "little") + bytes(17_000_002)
    done = run("-", "-o", "-", given=content[:36] + chunk + content[36:])
    assert samples_of(done.stdout) == enhanced(source)


@pytest.mark.parametrize(("at", "field"), [(22, bytes(2)), (24, bytes(4)), (12, b"\xff" * 4)])
def test_a_damaged_header_is_one_line(tmp_path: Path, at: int, field: bytes) -> None:
    content = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000).read_bytes()
    done = run("-", "-o", "-", given=edited(content, at, field))
    assert done.returncode == 2
    assert b"a WAV of a kind that is not read" in done.stderr or b"damaged WAV" in done.stderr
    assert done.stderr.count(b"\n") == 1
