"""AudioReader: all audio in a file, whatever its header states, and a warning about what is lost."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
from audio_files import FloatAudio, cut, noise, tones, write

from novasr.audio import chunks
from novasr.audio.channels import default_mask
from novasr.audio.libsndfile import PartFile
from novasr.audio.part import Part
from novasr.audio.reading import AudioReader
from novasr.errors import AudioFileError
from novasr.offline.files import enhance_file

RATE = 16_000
SPEECH = noise(2.0, RATE)
SUFFIXES = ["wav", "rf64", "w64", "aiff", "caf", "au"]


def stored(name: str, audio: FloatAudio = SPEECH, **settings: object) -> bytes:
    """Return `audio` as the bytes of a file called `name`."""
    kinds = {"opus": ("OGG", "OPUS"), "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS")}
    kinds |= {"mp3": ("MP3", "MPEG_LAYER_III")}
    kind, subtype = kinds.get(name, (name.upper(), "PCM_16"))
    file = io.BytesIO()
    rate = settings.pop("rate", RATE)
    with sf.SoundFile(file, "w", rate, audio.shape[1], subtype, None, kind, **settings) as sound:
        sound.write(audio)
    return file.getvalue()


def read(path: Path, **options: bool) -> tuple[FloatAudio, list[str]]:
    """Read all of a file."""
    with AudioReader(path, **options) as reader:
        audio = np.concatenate(list(reader.blocks()))
        assert reader.frames == len(audio)
        return audio, reader.warnings


def read_bytes(content: bytes, folder: Path, suffix: str) -> tuple[FloatAudio, list[str]]:
    path = folder / f"a.{suffix}"
    path.write_bytes(content)
    return read(path)


def with_size(content: bytes, suffix: str, size: int) -> bytes:
    """Change the number of audio bytes stated in the header of a file; -1: unknown."""
    edited = bytearray(content)
    if suffix in ("wav", "rf64"):
        at = content.index(b"data") + 4
        if suffix == "rf64":
            at = content.index(b"ds64") + 16
            edited[at : at + 8] = (size % (1 << 64)).to_bytes(8, "little")
        else:
            edited[at : at + 4] = (size % (1 << 32)).to_bytes(4, "little")
    elif suffix == "w64":
        at = content.index(b"data\xf3\xac") + 16
        edited[at : at + 8] = ((size + 24 if size >= 0 else -1) % (1 << 64)).to_bytes(8, "little")
    elif suffix == "aiff":
        at = content.index(b"SSND") + 4
        edited[at : at + 4] = ((size + 8 if size >= 0 else -1) % (1 << 32)).to_bytes(4, "big")
    elif suffix == "caf":
        at = content.index(b"data") + 4
        edited[at : at + 8] = ((size + 4 if size >= 0 else -1) % (1 << 64)).to_bytes(8, "big")
    else:
        edited[8:12] = (size % (1 << 32)).to_bytes(4, "big")
    return bytes(edited)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_length_that_is_not_stated_is_found(tmp_path: Path, suffix: str) -> None:
    whole, _ = read_bytes(stored(suffix), tmp_path, suffix)
    found, warnings = read_bytes(with_size(stored(suffix), suffix, -1), tmp_path, suffix)
    np.testing.assert_array_equal(found, whole)
    assert warnings == []


@pytest.mark.parametrize("size", [0x7F00_0008, 0x7FFF_0000, 0x7FFF_F000, 0x8000_0000, 0xFFFF_FFDB])
@pytest.mark.parametrize("suffix", ["wav", "aiff", "au"])
def test_what_programs_state_for_a_pipe_is_no_length(
    tmp_path: Path, suffix: str, size: int
) -> None:
    found, warnings = read_bytes(with_size(stored(suffix), suffix, size), tmp_path, suffix)
    assert len(found) == len(SPEECH)
    assert warnings == []


@pytest.mark.parametrize("share", [0, 0.3, 0.95])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_audio_behind_the_stated_end_is_read_and_said(
    tmp_path: Path, suffix: str, share: float
) -> None:
    whole, _ = read_bytes(stored(suffix), tmp_path, suffix)
    size = 2 * round(share * len(SPEECH))
    found, warnings = read_bytes(with_size(stored(suffix), suffix, size), tmp_path, suffix)
    np.testing.assert_array_equal(found, whole)
    assert warnings == [f"its header states {2 * share:.2f} s, it holds 2.00 s: all is read"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_lost_its_end_names_both_lengths_and_gives_what_is_there(
    tmp_path: Path, suffix: str
) -> None:
    whole, _ = read_bytes(stored(suffix), tmp_path, suffix)
    path = tmp_path / f"a.{suffix}"
    cut(path, 0.5)
    with pytest.raises(AudioFileError, match=r"truncated, (0\.9\d|1\.00) s of 2\.00 s are there"):
        read(path)
    found, warnings = read(path, allow_truncated=True)
    np.testing.assert_array_equal(found, whole[: len(found)])
    assert 0.9 < len(found) / RATE <= 1.0
    assert "truncated" in warnings[0]


@pytest.mark.parametrize(
    "behind", [b"LIST\x04\0\0\0abcd", b"TAG" + bytes(125), bytes(5_000), b"unkn\x02\0\0\0ab"]
)
def test_what_lies_behind_the_audio_is_no_audio(tmp_path: Path, behind: bytes) -> None:
    found, warnings = read_bytes(stored("wav") + behind, tmp_path, "wav")
    assert len(found) == len(SPEECH)
    assert warnings == []


ID3 = b"ID3\x04\0\0\0\0\x10\0" + bytes(range(256)) * 8
APE = b"APETAGEX" + bytes(24) + bytes(range(256)) * 8


def chunk(name: bytes, body: bytes, order: str) -> bytes:
    return name + len(body).to_bytes(4, order) + body


@pytest.mark.parametrize("behind", ["chunk", "unknown chunks", "ID3", "APE", "lyrics"])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("suffix", ["wav", "aiff"])
def test_what_follows_an_odd_number_of_bytes_is_no_audio(
    tmp_path: Path, suffix: str, padded: bool, behind: str
) -> None:
    """Some programs leave out the pad byte; others append the tags of an MP3."""
    order = "little" if suffix == "wav" else "big"
    file = io.BytesIO()
    sf.write(file, SPEECH[:7_999], RATE, "PCM_24", format=suffix.upper())
    name = b"bext" if suffix == "wav" else b"APPL"
    follower = {
        "chunk": chunk(name, bytes(range(256)) * 8, order),
        "unknown chunks": chunk(b"abcd", b"\xfe" * 1_000, order)
        + chunk(b"efgh", b"\1" * 1_000, order),
        "ID3": ID3,
        "APE": APE,
        "lyrics": b"LYRICSBEGIN" + b"IND0000211" * 99,
    }[behind]
    audio = file.getvalue()[: -1 if file.getvalue()[-1:] == b"\0" else None]
    at = audio.index(b"data" if suffix == "wav" else b"SSND") + (8 if suffix == "wav" else 16)
    audio = with_size(audio[: at + 3 * 7_999], suffix, 3 * 7_999)
    content = audio + bytes(padded) + follower
    found, warnings = read_bytes(content, tmp_path, suffix)
    np.testing.assert_array_equal(found, read_bytes(file.getvalue(), tmp_path, suffix)[0])
    assert warnings == []


@pytest.mark.parametrize("tag", [ID3, APE])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_tag_behind_any_format_is_no_audio(tmp_path: Path, suffix: str, tag: bytes) -> None:
    found, warnings = read_bytes(stored(suffix) + tag, tmp_path, suffix)
    assert len(found) == len(SPEECH)
    assert warnings == []


def test_a_chunk_behind_an_odd_number_of_bytes_without_pad_is_kept(tmp_path: Path) -> None:
    file = io.BytesIO()
    sf.write(file, SPEECH[:7_999], RATE, "PCM_24", format="WAV")
    audio = file.getvalue()[: file.getvalue().index(b"data") + 8 + 3 * 7_999]
    (tmp_path / "a.wav").write_bytes(
        audio + chunk(b"bext", b"Interview".ljust(602, b"\0"), "little")
    )
    assert b"Interview" in enhance_file(tmp_path / "a.wav").destination.read_bytes()


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac"])
def test_as_many_files_as_one_likes_may_be_joined(tmp_path: Path, suffix: str) -> None:
    found, warnings = read_bytes(1_200 * stored(suffix, SPEECH[:160]), tmp_path, suffix)
    assert len(found) == 1_200 * 160
    assert "1200 recordings in one file" in warnings[0]


@pytest.mark.parametrize("suffix", ["w64", "caf"])
def test_a_header_may_come_any_number_of_times(tmp_path: Path, suffix: str) -> None:
    """SoX writes it twice into a pipe."""
    content = stored(suffix)
    body = content.index(b"data") + (24 if suffix == "w64" else 16)
    found, _ = read_bytes(1_200 * content[:body] + content, tmp_path, suffix)
    assert len(found) == len(SPEECH)


@pytest.mark.parametrize(("suffix", "order"), [("wav", "little"), ("aiff", "big")])
def test_joined_files_with_chunks_behind_their_audio_are_read_to_the_end(
    tmp_path: Path, suffix: str, order: str
) -> None:
    name = b"LIST" if suffix == "wav" else b"APPL"
    first = stored(suffix) + chunk(name, b"INFOISFT\4\0\0\0abc\0" * 50, order)
    found, warnings = read_bytes(first + stored(suffix), tmp_path, suffix)
    assert len(found) == 2 * len(SPEECH)
    assert "2 recordings in one file" in warnings[0]


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "ogg", "opus", "mp3"])
def test_joined_files_are_read_to_the_end(tmp_path: Path, suffix: str, parts: int) -> None:
    pieces = [noise(0.7 + 0.3 * number, RATE, top_hz=3_000) for number in range(parts)]
    alone = [read_bytes(stored(suffix, piece), tmp_path, suffix)[0] for piece in pieces]
    joined = b"".join(stored(suffix, piece) for piece in pieces)
    found, warnings = read_bytes(joined, tmp_path, suffix)
    np.testing.assert_array_equal(found, np.concatenate(alone))
    assert f"{parts} recordings in one file" in warnings[0]


def without_tag(content: bytes) -> bytes:
    """Drop the first frame of an MP3 file, which contains the number of the others."""
    assert b"Xing" in content[:200] or b"Info" in content[:200]
    return content[content.index(b"\xff", 2) :]


QUIET_THEN_LOUD = np.concatenate([0.001 * noise(3.0, RATE), 10 * noise(3.0, RATE)])


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
def test_an_mp3_that_does_not_count_its_frames_is_read_to_the_end(
    tmp_path: Path, mode: str
) -> None:
    counted = stored("mp3", QUIET_THEN_LOUD, compression_level=0.5, bitrate_mode=mode)
    found, warnings = read_bytes(without_tag(counted), tmp_path, "mp3")
    assert 0 <= len(found) - len(QUIET_THEN_LOUD) < 4 * 576
    assert warnings == []
    twice, warnings = read_bytes(2 * without_tag(counted), tmp_path, "mp3")
    assert abs(len(twice) - 2 * len(found)) <= 576
    assert warnings == []


def test_an_mp3_whose_count_is_too_small_is_read_to_the_end(tmp_path: Path) -> None:
    first, second = stored("mp3", SPEECH), without_tag(stored("mp3", noise(3.0, RATE)))
    found, warnings = read_bytes(first + second, tmp_path, "mp3")
    assert len(found) >= 5 * RATE
    assert "2 recordings in one file" in warnings[0]


def test_an_mp3_cut_out_of_a_stream_is_read_from_its_first_whole_frame(tmp_path: Path) -> None:
    """As written by programs that record web radio."""
    whole, _ = read_bytes(without_tag(stored("mp3", noise(5.0, RATE))), tmp_path, "mp3")
    found, _ = read_bytes(without_tag(stored("mp3", noise(5.0, RATE)))[1_000:], tmp_path, "mp3")
    assert len(whole) - 0.3 * RATE < len(found) < len(whole)


@pytest.mark.parametrize(
    "tag", [b"TAG" + bytes(125), b"APETAGEX" + bytes(24), b"ID3\x04\0\0\0\0\x02\0" + bytes(256)]
)
def test_tags_around_an_mp3_are_no_audio(tmp_path: Path, tag: bytes) -> None:
    alone, _ = read_bytes(stored("mp3"), tmp_path, "mp3")
    behind, warnings = read_bytes(stored("mp3") + tag, tmp_path, "mp3")
    np.testing.assert_array_equal(behind, alone)
    assert warnings == []
    between, _ = read_bytes(stored("mp3") + tag + stored("mp3"), tmp_path, "mp3")
    np.testing.assert_array_equal(between, np.concatenate([alone, alone]))


@pytest.mark.parametrize(("stated", "warned"), [(0, False), (10_000, True)])
def test_a_flac_is_read_to_its_end_whatever_it_counts(
    tmp_path: Path, stated: int, warned: bool
) -> None:
    content = bytearray(stored("flac"))
    content[22:26] = stated.to_bytes(4, "big")
    found, warnings = read_bytes(bytes(content), tmp_path, "flac")
    assert len(found) == len(SPEECH)
    assert bool(warnings) == warned


@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_an_interrupted_ogg_recording_is_read_and_said(tmp_path: Path, suffix: str) -> None:
    content = stored(suffix, noise(10.0, RATE))
    found, warnings = read_bytes(content[: len(content) * 9 // 10], tmp_path, suffix)
    assert 7.5 * RATE < len(found) < 10 * RATE
    assert "has no end" in warnings[0]


def test_a_wav_beyond_32_bits_is_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_SIZE_LIMIT", 30_000)
    monkeypatch.setattr(chunks, "_PIECE_BYTES", 20_000)
    audio = noise(1.5, RATE, channels=3)
    content = stored("wav", audio)
    whole, _ = sf.read(io.BytesIO(content), dtype="float32", always_2d=True)
    found, _ = read_bytes(with_size(content, "wav", len(content) % 30_000), tmp_path, "wav")
    np.testing.assert_array_equal(found, whole)


def test_an_ogg_without_a_beginning_is_refused(tmp_path: Path) -> None:
    content = stored("ogg")
    with pytest.raises(AudioFileError):
        read_bytes(
            content[: content.index(b"OggS", 4)].replace(b"OggS\0\2", b"OggS\0\0"), tmp_path, "ogg"
        )


class FailingDisk(io.BytesIO):
    """Cannot read beyond a hundred thousand bytes."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() + (size or 0) > 100_000:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_disk_that_fails_is_no_end_of_the_file() -> None:
    content = stored("wav", noise(20.0, RATE))
    file = PartFile(FailingDisk(content), Part(0, len(content)))
    blocks = file.audio_blocks(RATE)
    assert len(next(blocks)) == RATE
    with pytest.raises(OSError, match="Input/output error"):
        list(blocks)


@pytest.mark.parametrize("damage", [b"", b"\0" * 40])
def test_what_an_ogg_stream_lost_in_the_middle_is_said(tmp_path: Path, damage: bytes) -> None:
    content = stored("ogg", noise(20.0, RATE))
    pages = [at for at in range(len(content)) if content[at : at + 4] == b"OggS"]
    cut_out = content[: pages[3]] + damage + content[pages[4] :]
    found, warnings = read_bytes(cut_out, tmp_path, "ogg")
    assert len(found) > 10 * RATE
    assert "missing or damaged" in warnings[0]


def test_a_wave64_of_extensible_float_samples_is_no_noise(tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", SPEECH, RATE, "FLOAT")
    ffmpeg("-i", source, "-c:a", "pcm_f32le", tmp_path / "a.w64")
    found, _ = read(tmp_path / "a.w64")
    np.testing.assert_array_equal(found, SPEECH)


FFMPEG_FILES: list[tuple[str, list[str]]] = [
    ("a.m4a", ["-c:a", "aac"]),
    ("a.aac", ["-c:a", "aac"]),
    ("a.webm", ["-c:a", "libopus"]),
    ("a.mka", ["-c:a", "ac3"]),
    ("a.ac3", ["-c:a", "ac3"]),
    ("a.wma", ["-c:a", "wmav2"]),
    ("a.mp2", ["-c:a", "mp2"]),
    ("a.spx", ["-c:a", "libspeex"]),
    ("a.caf", ["-c:a", "adpcm_ima_qt"]),
    ("a.wav", ["-c:a", "g722"]),
    ("mp3.wav", ["-c:a", "libmp3lame"]),
    ("a.oga", ["-c:a", "flac"]),
    ("a.mp4", ["-f", "lavfi", "-i", "testsrc=duration=2:size=64x64", "-c:a", "aac", "-shortest"]),
    ("a.mpg", ["-f", "lavfi", "-i", "testsrc=d=2:s=64x64:r=25", "-c:a", "mp2", "-shortest"]),
    ("a.ts", ["-c:a", "mp2"]),
    ("-a: b%d.m4a", ["-c:a", "aac"]),
]


def ffmpeg(*arguments: str | Path) -> None:
    needs.programs("ffmpeg", "ffprobe", packages="ffmpeg")
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", *arguments], check=True)


@pytest.mark.parametrize(("name", "options"), FFMPEG_FILES)
def test_what_libsndfile_does_not_know_is_read_through_ffmpeg(
    tmp_path: Path, name: str, options: list[str]
) -> None:
    source = write(tmp_path / "source.wav", tones(2.0, RATE, [1000.0]), RATE)
    ffmpeg("-i", source, *options, f"file:{tmp_path / name}")
    with AudioReader(tmp_path / name) as reader:
        audio = np.concatenate(list(reader.blocks()))
    assert 1.9 <= len(audio) / reader.sample_rate <= 2.2
    spectrum = np.abs(np.fft.rfft(audio[:, 0]))
    loudest = spectrum.argmax() * reader.sample_rate / len(audio)
    assert loudest == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("name", ["a.m4a", "a.wma"])
def test_without_ffmpeg_the_message_names_it(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "source.wav", SPEECH, RATE)
    ffmpeg("-i", source, tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioFileError, match="install ffmpeg") as caught:
        AudioReader(tmp_path / name)
    assert "damaged" not in str(caught.value)


def test_parts_of_another_format_are_read_as_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs.programs("ffmpeg", "ffprobe", packages="ffmpeg")
    other = stored("mp3", noise(1.0, 44_100, channels=2), rate=44_100)
    found, warnings = read_bytes(stored("mp3") + other, tmp_path, "mp3")
    assert 2.9 < len(found) / RATE < 3.3
    assert any("44.1 kHz with 2 channels" in warning for warning in warnings)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioFileError, match=r"goes on at 44\.1 kHz with 2 channels"):
        read(tmp_path / "a.mp3")
    found, _ = read(tmp_path / "a.mp3", allow_truncated=True)
    assert len(found) == len(SPEECH)


def test_damage_within_a_flac_costs_no_more_than_the_damage(tmp_path: Path) -> None:
    needs.programs("ffmpeg", "ffprobe", packages="ffmpeg")
    audio = noise(10.0, RATE)
    content = bytearray(stored("flac", audio))
    content[60_000:60_100] = np.random.default_rng(3).bytes(100)
    path = tmp_path / "a.flac"
    path.write_bytes(content)
    found, warnings = read(path, allow_truncated=True)
    assert len(found) >= len(audio) - 3 * 4096
    assert any("ffmpeg reads on" in warning for warning in warnings)


LAYOUTS = {3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def hertz_of(audio: FloatAudio, rate: int) -> list[float]:
    spectrum = np.abs(np.fft.rfft(audio[:rate], axis=0))
    return [round(float(peak) / 100) * 100.0 for peak in spectrum.argmax(axis=0)]


def surround(folder: Path, suffix: str, channels: int) -> Path:
    """Make a file with ffmpeg, with a different tone for each loudspeaker."""
    hertz = [400.0 + 100.0 * channel for channel in range(channels)]
    if channels >= 6:
        hertz[3] = 100.0  # LFE
    plain = write(folder / "plain.wav", tones(1.2, RATE, hertz), RATE, "PCM_16", "WAVEX")
    chunks.write_mask(plain, default_mask(channels))
    ffmpeg("-i", plain, folder / f"source.{suffix}")
    return folder / f"source.{suffix}"


def tones_of(path: Path, channels: int) -> list[float]:
    """Return the tone of each loudspeaker according to ffmpeg."""
    back = path.with_name("back.wav")
    layout = f"aformat=channel_layouts={LAYOUTS[channels]}"
    ffmpeg("-i", path, "-af", layout, "-c:a", "pcm_f32le", back)
    audio, rate = sf.read(back, always_2d=True)
    assert audio.shape[1] == channels
    spectrum = np.abs(np.fft.rfft(audio[:rate], axis=0))
    return [100.0 * round(peak / 100) for peak in spectrum.argmax(axis=0)]


@pytest.mark.parametrize("channels", sorted(LAYOUTS))
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus"])
def test_every_loudspeaker_keeps_its_sound_on_the_way_to(
    tmp_path: Path, suffix: str, channels: int
) -> None:
    source = surround(tmp_path, "wav", channels)
    made = enhance_file(source, tmp_path / f"made.{suffix}").destination
    assert tones_of(made, channels) == tones_of(source, channels)


@pytest.mark.parametrize(
    ("suffix", "channels"),
    [(suffix, n) for suffix in ("flac", "ogg", "opus") for n in LAYOUTS] + [("m4a", 6), ("ac3", 6)],
)
def test_every_loudspeaker_keeps_its_sound_on_the_way_from(
    tmp_path: Path, suffix: str, channels: int
) -> None:
    if suffix == "ac3":
        needs.programs("ffmpeg", packages="ffmpeg")
    source = surround(tmp_path, suffix, channels)
    made = enhance_file(source, tmp_path / "made.wav").destination
    places = tones_of(source, channels)
    assert len(set(places)) == channels
    assert tones_of(made, channels) == places


def test_a_mask_that_is_not_the_usual_one_survives(tmp_path: Path) -> None:
    source = write(tmp_path / "source.wav", noise(1.0, RATE, channels=4), RATE, None, "WAVEX")
    chunks.write_mask(source, 0x107)  # front left, right, centre; back centre
    with AudioReader(source) as reader:
        assert reader.mask == 0x107
    made = enhance_file(source, tmp_path / "made.wav")
    assert made.warnings == ()
    with AudioReader(made.destination) as reader:
        assert reader.mask == 0x107
    lost = enhance_file(source, tmp_path / "made.flac")
    assert "loudspeakers" in lost.warnings[0]
