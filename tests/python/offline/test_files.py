"""enhance_file: formats, lengths, alignment, memory, and what it leaves behind after an error."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
from audio_files import burst, cut, damaged_files, noise, tones, write

from novasr.audio import writing
from novasr.audio.reading import AudioReader
from novasr.errors import AudioFileError, AudioFormatError, NovasrError, WeightsError
from novasr.offline.files import enhance_file

DAMAGED = [
    ("missing", "no such file"),
    ("folder", "is a folder"),
    ("empty", "empty file"),
    ("text", "not an audio file"),
    ("text as MP3", "not an audio file"),
    ("random bytes", "not an audio file"),
    ("raw", "not an audio file"),
    ("no channels", "Channel count is zero"),
    ("no frames", "holds no audio"),
    ("no header end", "damaged"),
    ("cut WAV", "truncated, 1.20 s of 2.00 s are there"),
    ("cut RF64", "truncated, 1.20 s of 2.00 s are there"),
    ("cut AIFF", "truncated, 1.20 s of 2.00 s are there"),
    ("cut FLAC", "of 2.00 s are there"),
    ("cut MP3", "truncated, 1.19 s of 2.09 s are there"),
    ("corrupt FLAC", "of 2.00 s are there"),
    ("rate too low", "4000"),
]


@pytest.mark.parametrize(
    ("name", "subtype", "expected"),
    [
        ("a.wav", "PCM_U8", ("a-48k.wav", "WAV", "PCM_16")),
        ("a.wav", "PCM_16", ("a-48k.wav", "WAV", "PCM_16")),
        ("a.wav", "PCM_24", ("a-48k.wav", "WAV", "PCM_24")),
        ("a.wav", "PCM_32", ("a-48k.wav", "WAV", "PCM_32")),
        ("a.wav", "FLOAT", ("a-48k.wav", "WAV", "FLOAT")),
        ("a.wav", "DOUBLE", ("a-48k.wav", "WAV", "DOUBLE")),
        ("a.wav", "ULAW", ("a-48k.wav", "WAV", "PCM_16")),
        ("a.flac", "PCM_16", ("a-48k.flac", "FLAC", "PCM_16")),
        ("a.flac", "PCM_24", ("a-48k.flac", "FLAC", "PCM_24")),
        ("a.ogg", "VORBIS", ("a-48k.wav", "WAV", "PCM_16")),
        ("a.mp3", "MPEG_LAYER_III", ("a-48k.wav", "WAV", "PCM_16")),
        ("a.aiff", "PCM_24", ("a-48k.wav", "WAV", "PCM_24")),
        ("a.caf", "ALAC_24", ("a-48k.wav", "WAV", "PCM_24")),
        ("a.rf64", "PCM_16", ("a-48k.wav", "WAV", "PCM_16")),
        ("a.w64", "PCM_16", ("a-48k.wav", "WAV", "PCM_16")),
    ],
)
def test_every_format_becomes_48_khz_and_keeps_its_sample_width(
    tmp_path: Path, name: str, subtype: str, expected: tuple[str, str, str]
) -> None:
    source = write(tmp_path / name, noise(1.25, 16_000), 16_000, subtype)
    result = enhance_file(source)
    made = sf.info(result.destination)
    assert (result.destination.name, made.format, made.subtype) == expected
    assert (made.samplerate, made.frames, made.channels) == (48_000, 60_000, 1)
    assert (result.frames, result.output_frames, result.seconds) == (20_000, 60_000, 1.25)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("b.wav", ("WAV", "FLOAT")),
        ("b.flac", ("FLAC", "PCM_24")),
        ("b.ogg", ("OGG", "VORBIS")),
        ("b.opus", ("OGG", "OPUS")),
        ("b.mp3", ("MP3", "MPEG_LAYER_III")),
        ("b.AIF", ("AIFF", "FLOAT")),
        ("b.caf", ("CAF", "FLOAT")),
        ("b.rf64", ("RF64", "FLOAT")),
    ],
)
def test_the_suffix_of_the_destination_decides_the_format(
    tmp_path: Path, name: str, expected: tuple[str, str]
) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000, "FLOAT")
    made = sf.info(enhance_file(source, tmp_path / name).destination)
    assert (made.format, made.subtype) == expected
    assert made.frames == 48_000


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("frames", [1, 999, 12_345])
def test_the_result_has_the_exact_length(tmp_path: Path, rate: int, frames: int) -> None:
    source = write(tmp_path / "a.wav", noise(1.6, rate)[:frames], rate)
    result = enhance_file(source)
    expected = round(frames * 48_000 / rate)
    assert result.output_frames == expected
    assert sf.info(result.destination).frames == expected


@pytest.mark.parametrize("mode", ["extend", "full"])
@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_the_result_is_aligned_with_the_source(tmp_path: Path, rate: int, mode: str) -> None:
    source = write(tmp_path / "a.wav", burst(2.0, rate, centre=1.1), rate, "FLOAT")
    made, _ = sf.read(enhance_file(source, mode=mode).destination)
    expected = burst(2.0, 48_000, centre=1.1)[:, 0]
    agreement = np.correlate(made[48_000:58_000], expected[48_100:57_900], "valid")
    assert abs(int(np.argmax(agreement)) - 100) <= 1  # half a frame at 48 kHz rounds either way


@pytest.mark.parametrize("channels", [2, 6])
def test_every_channel_stays_in_its_place(tmp_path: Path, channels: int) -> None:
    hertz = [400.0 + 300.0 * channel for channel in range(channels)]
    source = write(tmp_path / "a.wav", tones(1.0, 16_000, hertz), 16_000)
    made, _ = sf.read(enhance_file(source).destination)
    loudest = np.argmax(np.abs(np.fft.rfft(made, axis=0)), axis=0)
    assert loudest.tolist() == hertz


def test_nan_and_infinite_samples_become_zero_and_are_counted(tmp_path: Path) -> None:
    audio = noise(1.0, 16_000, 2)
    audio[100, 0], audio[200:203, 1] = np.nan, np.inf
    result = enhance_file(write(tmp_path / "a.wav", audio, 16_000, "FLOAT"))
    made, _ = sf.read(result.destination)
    assert result.replaced == 4
    assert np.isfinite(made).all()


def test_clipping_is_counted_where_the_format_clips(tmp_path: Path) -> None:
    loud = write(tmp_path / "a.wav", 5 * tones(1.0, 16_000, [500.0]), 16_000, "FLOAT")
    kept = enhance_file(loud, tmp_path / "float.wav")
    cut_off = enhance_file(loud, tmp_path / "pcm.flac")
    assert kept.peak == pytest.approx(1.5, rel=0.1)
    assert kept.clipped == 0
    assert cut_off.clipped > 10_000


def test_tags_survive(tmp_path: Path) -> None:
    with sf.SoundFile(tmp_path / "a.flac", "w", 16_000, 1) as file:
        file.title = "Interview"
        file.write(noise(1.0, 16_000))
    with sf.SoundFile(enhance_file(tmp_path / "a.flac").destination) as made:
        assert made.title == "Interview"


def test_a_wav_beyond_4_gib_is_written_as_rf64(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_WAV_LIMIT_BYTES", 90_000)
    source = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000)
    assert sf.info(enhance_file(source).destination).format == "RF64"
    with pytest.raises(AudioFormatError, match=r"choose \.wav"):
        enhance_file(source, tmp_path / "b.aiff")


def test_reading_an_mp3_in_blocks_equals_reading_it_at_once(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mp3", 2 * noise(20.0, 16_000), 16_000)
    whole, _ = sf.read(source, dtype="float32", always_2d=True)
    with AudioReader(source) as reader:
        blocks = np.concatenate(list(reader.blocks()))
    np.testing.assert_allclose(blocks, whole, atol=1e-6)


def test_a_wav_streamed_without_its_length_is_no_error(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000)
    content = bytearray(source.read_bytes())
    content[4:8] = content[40:44] = b"\xff" * 4
    source.write_bytes(content)
    assert enhance_file(source).output_frames == 48_000


@pytest.mark.parametrize(("kind", "message"), DAMAGED)
def test_an_unusable_source_is_named_and_nothing_is_left(
    tmp_path: Path, kind: str, message: str
) -> None:
    if kind in {"random bytes", "raw", "no header end"}:
        needs.programs("ffmpeg", packages="ffmpeg")  # which is asked what they are
    source = damaged_files(tmp_path)[kind]
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NovasrError, match=message) as caught:
        enhance_file(source, tmp_path / "out.wav")
    assert str(source) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_an_existing_destination_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000)
    kept = tmp_path / "a-48k.wav"
    kept.write_text("precious")
    with pytest.raises(AudioFileError, match="exists"):
        enhance_file(source)
    assert kept.read_text() == "precious"
    enhance_file(source, overwrite=True)
    assert sf.info(kept).frames == 48_000


def test_the_source_is_never_its_own_destination(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000)
    (tmp_path / "link.wav").hardlink_to(source)
    for name in ("a.wav", "link.wav"):
        with pytest.raises(AudioFileError, match="is the source itself"):
            enhance_file(source, tmp_path / name, overwrite=True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent/b.wav", "create it first"),
        ("b.xyz", "unknown suffix '.xyz'"),
        ("b", "unknown suffix ''"),
        ("folder", "not a regular file"),
        ("three.mp3", "cannot hold 3 channels, 2 at most"),
    ],
)
def test_an_unusable_destination_is_named_and_nothing_is_left(
    tmp_path: Path, name: str, message: str
) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000, 3), 16_000)
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NovasrError, match=message) as caught:
        enhance_file(source, tmp_path / name, overwrite=True)
    assert name in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_unreadable_weights_are_an_error_and_nothing_is_left(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"no weights")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(WeightsError, match=r"weights\.safetensors"):
        enhance_file(source, weights=weights)
    with pytest.raises(WeightsError, match=r"absent\.safetensors"):
        enhance_file(source, weights=tmp_path / "absent.safetensors")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError])
def test_what_progress_raises_ends_the_work_and_leaves_the_old_result(
    tmp_path: Path, reason: type[BaseException]
) -> None:
    source = write(tmp_path / "a.wav", noise(3.0, 16_000), 16_000)
    (tmp_path / "b.wav").write_text("old")

    def stop(done: float, total: float) -> None:
        assert total == 3.0
        if done >= 2.0:
            raise reason

    with pytest.raises(reason):
        enhance_file(source, tmp_path / "b.wav", overwrite=True, progress=stop)
    assert (tmp_path / "b.wav").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["b.wav", "b.flac", "b.ogg", "b.mp3"])
def test_a_full_disk_is_named_and_nothing_is_left(tmp_path: Path, name: str) -> None:
    resource = pytest.importorskip("resource")
    source = write(tmp_path / "a.wav", noise(20.0, 16_000), 16_000)
    code = f"from novasr.offline.files import enhance_file; enhance_file({str(source)!r}, {name!r})"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000)),
    )
    assert run.returncode == 1
    assert f"DiskError: {name}: cannot be written: File too large" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 kB."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("root mounts the disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)])
    if mount.returncode != 0:
        pytest.skip("cannot mount a tmpfs here")
    yield disk
    # Lazily: after a failure its traceback may keep a file open.
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("name", ["b.flac", "b.ogg", "b.mp3"])
def test_a_file_system_without_space_is_named_and_nothing_is_left(
    tmp_path: Path, small_disk: Path, name: str
) -> None:
    source = write(tmp_path / "a.wav", noise(20.0, 16_000), 16_000)
    with pytest.raises(AudioFileError, match="No space left on device"):
        enhance_file(source, small_disk / name)
    assert list(small_disk.iterdir()) == []


def test_what_fits_only_because_it_is_compressed_is_not_refused(
    tmp_path: Path, small_disk: Path
) -> None:
    silence = np.zeros((20 * 16_000, 1), np.float32)
    source = write(tmp_path / "a.wav", silence, 16_000)
    for name in ("b.flac", "b.ogg", "b.opus"):
        assert enhance_file(source, small_disk / name).output_frames == 20 * 48_000
        (small_disk / name).unlink()
    with pytest.raises(AudioFileError, match="are to be written"):
        enhance_file(source, small_disk / "b.wav")


@pytest.mark.skipif(sys.platform != "linux", reason="sparse files")
@pytest.mark.parametrize("name", ["b.wav", "b.w64", "b.caf"])
def test_a_result_beyond_the_free_space_is_refused_before_the_work(
    tmp_path: Path, name: str
) -> None:
    audio_bytes = shutil.disk_usage(tmp_path).free // 4 * 2  # at 48 kHz three times as long
    form = struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    header = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack(
        "<I3QI", 28, audio_bytes + 72, audio_bytes, audio_bytes // 2, 0
    )
    header += b"fmt " + form + b"data\xff\xff\xff\xff"
    source = tmp_path / "a.wav"
    source.write_bytes(header)
    os.truncate(source, len(header) + audio_bytes)
    with pytest.raises(AudioFileError, match=r"GB are to be written and .* GB are free") as caught:
        enhance_file(source, tmp_path / name)
    assert name in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes and links")
def test_the_result_has_ordinary_permissions_and_links_are_followed(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", noise(1.0, 16_000), 16_000)
    (tmp_path / "link.wav").symlink_to("real.wav")
    enhance_file(source, tmp_path / "link.wav")
    assert (tmp_path / "link.wav").is_symlink()
    assert sf.info(tmp_path / "real.wav").frames == 48_000
    assert (tmp_path / "real.wav").stat().st_mode == source.stat().st_mode


def peak_kib(source: Path, minutes: int, jobs: int) -> int:
    """Return the peak memory of a separate process for this much audio."""
    minute = noise(60.0, 16_000)
    with sf.SoundFile(source, "w", 16_000, 1) as file:
        for _ in range(minutes):
            file.write(minute)
    code = (  # VmHWM: ru_maxrss of a program has its parent's, ours, in it
        "import sys; from novasr.offline.files import enhance_file;"
        "enhance_file(sys.argv[1], jobs=int(sys.argv[2]), overwrite=True);"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    command = [sys.executable, "-c", code, source, str(jobs)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


reads_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux' /proc")


@reads_proc
def test_memory_does_not_grow_with_the_length_of_the_file(tmp_path: Path) -> None:
    grown = peak_kib(tmp_path / "a.wav", 10, jobs=1) - peak_kib(tmp_path / "a.wav", 1, jobs=1)
    assert grown < 4_096  # the whole result would be 115 MB


@reads_proc
def test_several_threads_hold_a_few_segments_more(tmp_path: Path) -> None:
    """Of 8 MB: five finished results and two in progress, with their inputs."""
    more = peak_kib(tmp_path / "a.wav", 15, jobs=2) - peak_kib(tmp_path / "a.wav", 1, jobs=1)
    assert more < 100_000  # measured: 78,000; the whole result would be 173 MB


def test_a_file_cut_by_a_few_bytes_is_truncated_too(tmp_path: Path) -> None:
    source = cut(write(tmp_path / "a.wav", noise(2.0, 16_000), 16_000), 0.9999)
    with pytest.raises(AudioFileError, match=r"truncated, 3199\d of 3\d{4} frames are there"):
        enhance_file(source)
