"""Tags, pictures and chunks on their way from a file to the enhanced one."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import io
import json
import resource
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import needs
import numpy as np
import pytest
import soundfile as sf
from audio_files import noise, write

from novasr.audio import metadata, mutagen_tags, wav_metadata
from novasr.offline.files import EnhanceResult, enhance_file

RATE = 16_000
SPEECH = noise(0.4, RATE)
KINDS = {
    "wav": ("WAV", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
TEXTS = {
    "title": 'Straße "7"; #1 = ☃ 漢字',
    "artist": "Björk & Co.\r\nNo. 2",
    "comment": "first line\nsecond line\n",
    "copyright": "© 2024",
    "date": "2024",
    "album": "Álbum",
    "tracknumber": "3",
    "genre": "Speech",
}
#: What libsndfile has no place for in a format; mutagen has.
LACKS = {
    "aiff": {"date", "album", "tracknumber", "genre"},
    "mp3": {"copyright"},
}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000"
    "00030101005fe3ab910000000049454e44ae426082"
)


@pytest.fixture
def without_mutagen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has not installed it."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        mutagen_tags, "find_spec", lambda name: None if name == "mutagen" else find(name)
    )
    monkeypatch.setitem(sys.modules, "mutagen", None)


@pytest.fixture
def mutagen() -> Any:
    return needs.package("mutagen", "pip install 'novasr[tags]'")


def tagged(path: Path, texts: dict[str, str] = TEXTS) -> Path:
    kind, subtype = KINDS[path.suffix[1:]]
    with sf.SoundFile(path, "w", RATE, 1, subtype, None, kind) as file:
        for name, text in texts.items():
            setattr(file, name, text)
        file.write(SPEECH)
    return path


def stored(path: Path) -> dict[str, str]:
    """Read back what libsndfile finds, in an AIFF what ffmpeg does: libsndfile reads only ASCII there."""
    with sf.SoundFile(path) as file:
        assert len(file.read()) == pytest.approx(3 * len(SPEECH), abs=2_304)
        texts = {name: text for name, text in file.copy_metadata().items() if text}
    if path.suffix == ".aiff":
        tags, _ = probed(path)
        renamed = {"author": "artist"}
        texts |= {renamed.get(name, name): text for name, text in tags.items()}
    return texts


def probed(path: Path) -> tuple[dict[str, str], list[str]]:
    """Read back with ffprobe: tags, and the kinds of streams."""
    needs.programs("ffprobe", packages="ffmpeg")
    command = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    tags = {**found["streams"][0].get("tags", {}), **found["format"].get("tags", {})}
    kinds = [stream["codec_type"] for stream in found["streams"]]
    return {name.lower(): text for name, text in tags.items()}, kinds


def ffmpeg(*arguments: str | Path) -> None:
    needs.programs("ffmpeg", "ffprobe", packages="ffmpeg")
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", *arguments], check=True)


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_tags_survive_between_all_formats(
    tmp_path: Path, source: str, suffix: str, without_mutagen: None
) -> None:
    texts = {name: text for name, text in TEXTS.items() if name not in LACKS.get(source, ())}
    result = enhance_file(tagged(tmp_path / f"a.{source}"), tmp_path / f"b.{suffix}")
    kept = {name: text for name, text in texts.items() if name not in LACKS.get(suffix, ())}
    found = stored(result.destination)
    assert {name: found.get(name) for name in kept} == kept
    for name in texts.keys() - kept.keys():
        assert name in result.warnings[0]
    assert len(result.warnings) == (texts != kept)


@pytest.mark.parametrize(("source", "options"), [("m4a", []), ("wma", []), ("mka", []), ("wv", [])])
def test_tags_of_what_ffmpeg_reads_survive(
    tmp_path: Path, source: str, options: list[str], without_mutagen: None
) -> None:
    plain = write(tmp_path / "plain.wav", SPEECH, RATE)
    named = {**TEXTS, "track": TEXTS["tracknumber"]}
    del named["tracknumber"], named["comment"]
    tags = [word for name, text in named.items() for word in ("-metadata", f"{name}={text}")]
    ffmpeg("-i", plain, *tags, tmp_path / f"a.{source}")
    result = enhance_file(tmp_path / f"a.{source}", tmp_path / "b.flac")
    found = stored(result.destination)
    wanted = {name: text for name, text in TEXTS.items() if name != "comment"}
    assert {name: found.get(name) for name in wanted} == wanted
    assert result.warnings == ()


@pytest.mark.parametrize("name", ["write", "close", "name", "samplerate"])
def test_a_tag_with_the_name_of_a_method_is_a_tag(
    tmp_path: Path, name: str, without_mutagen: None
) -> None:
    plain = write(tmp_path / "plain.wav", SPEECH, RATE)
    ffmpeg("-i", plain, "-metadata", f"{name}=x", "-c:a", "aac", tmp_path / "a.mka")
    result = enhance_file(tmp_path / "a.mka", tmp_path / "b.flac")
    assert sf.info(result.destination).duration == pytest.approx(0.4, abs=0.15)
    assert result.warnings == (f"{name} is not kept: pip install 'novasr[tags]'",)


@pytest.mark.parametrize("length", [3_000, 20_000, 300_000])
@pytest.mark.parametrize("suffix", KINDS)
def test_a_long_text_costs_neither_the_sound_nor_the_others(
    tmp_path: Path, suffix: str, length: int, without_mutagen: None
) -> None:
    source = tagged(tmp_path / "a.flac", {"title": "T" * length, "artist": "A"})
    result = enhance_file(source, tmp_path / f"b.{suffix}")
    assert stored(result.destination)["artist"] == "A"
    kept = probed(result.destination)[0].get("title", "")[:1_023] == "T" * min(length, 1_023)
    assert kept or "title" in result.warnings[0]
    assert kept or length > 3_000


def test_a_long_text_of_a_wav_survives_though_libsndfile_does_not_read_it(
    tmp_path: Path, without_mutagen: None
) -> None:
    source = tagged(tmp_path / "a.wav", {"comment": "c" * 5_000, "title": "T"})
    again = enhance_file(source, tmp_path / "b.wav").destination
    assert probed(again)[0]["comment"] == "c" * 5_000
    assert stored(enhance_file(again, tmp_path / "c.flac").destination)["comment"] == "c" * 5_000


def test_text_in_the_code_page_of_windows_is_read(tmp_path: Path, without_mutagen: None) -> None:
    content = with_chunks(RATE, [(b"LIST", b"INFOINAM" + struct.pack("<I", 6) + b"Gr\xfc\xdfe\0")])
    (tmp_path / "a.wav").write_bytes(content)
    assert stored(enhance_file(tmp_path / "a.wav", tmp_path / "b.flac").destination) == {
        "title": "Grüße"
    }


# --- chunks of WAV ------------------------------------------------------------------------------

RATES = [(16_000, 48_000), (44_100, 48_000), (48_000, 44_100)]
TIME = 5_123_456_789  # beyond 32 bits
POSITIONS = [0, 1, 160, 161, 4_000, 4_001]
LABELS = ["Anfang", "", "ümlaut", "odd", "ab", "Ende"]


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def bext(time: int = TIME, version: int = 2) -> bytes:
    head = b"Interview".ljust(256, b"\0") + b"Recorder".ljust(32, b"\0") + b"REF".ljust(32, b"\0")
    head += b"2024-05-0112:34:56" + struct.pack("<QH", time, version) + bytes(range(64))
    return head + struct.pack("<5h", -2300, 500, -100, -900, -1200) + bytes(180) + b"A=PCM,F=1\r\n"


def ixml(rate: int, time: int = TIME) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<BWFXML><PROJECT>Grün 16000</PROJECT><SPEED>'
        f"<FILE_SAMPLE_RATE>{rate}</FILE_SAMPLE_RATE><DIGITIZER_SAMPLE_RATE>{rate}</DIGITIZER_SAMPLE_RATE>"
        f"<TIMESTAMP_SAMPLE_RATE> {rate} </TIMESTAMP_SAMPLE_RATE>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>{time >> 32}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>{time & 0xFFFFFFFF}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>"
        f"</SPEED><BEXT><BWF_TIME_REFERENCE_LOW>{time & 0xFFFFFFFF}</BWF_TIME_REFERENCE_LOW>"
        f"<BWF_TIME_REFERENCE_HIGH>{time >> 32}</BWF_TIME_REFERENCE_HIGH></BEXT></BWFXML>"
    ).encode()


def cue(positions: list[int]) -> bytes:
    points = [struct.pack("<II4sIII", n + 1, p, b"data", 0, 0, p) for n, p in enumerate(positions)]
    return struct.pack("<I", len(points)) + b"".join(points)


def adtl(lengths: list[int]) -> bytes:
    body = b"adtl"
    for number, (length, label) in enumerate(zip(lengths, LABELS), 1):
        body += chunk(b"labl", struct.pack("<I", number) + label.encode() + b"\0")
        body += chunk(b"note", struct.pack("<I", number) + b"note\0")
        body += chunk(b"ltxt", struct.pack("<II4s4H", number, length, b"rgn ", 1, 2, 3, 4) + b"t\0")
    return body


def smpl(rate: int, loops: list[tuple[int, int]]) -> bytes:
    head = struct.pack("<9I", 1, 2, round(1e9 / rate), 60, 0, 0, 0, len(loops), 4)
    return head + b"".join(struct.pack("<6I", 9, 0, a, b, 0, 7) for a, b in loops) + b"wxyz"


def all_chunks(rate: int) -> list[tuple[bytes, bytes]]:
    return [
        (b"bext", bext()),
        (b"iXML", ixml(rate)),
        (b"cue ", cue(POSITIONS)),
        (b"LIST", adtl(POSITIONS)),
        (b"smpl", smpl(rate, [(160, 479), (0, 4_000)])),
    ]


def with_chunks(
    rate: int,
    behind: list[tuple[bytes, bytes]],
    before: list[tuple[bytes, bytes]] = [],  # noqa: B006
    samples: int = 6_001,
) -> bytes:
    """Return a WAV with 16-bit samples and some chunks before and behind them."""
    audio = (32_768 * noise(samples / rate, rate)[:, 0]).astype("<i2").tobytes()
    body = b"WAVE" + chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16))
    body += b"".join(chunk(*c) for c in before) + chunk(b"data", audio)
    return chunk(b"RIFF", body + b"".join(chunk(*c) for c in behind))


def chunks_of(path: Path) -> list[tuple[bytes, bytes]]:
    """Split a WAV or RF64 into chunks and check its sizes."""
    content = path.read_bytes()
    size, position, sizes64, found = int.from_bytes(content[4:8], "little"), 12, (), []
    while position < len(content):
        name, length = struct.unpack_from("<4sI", content, position)
        if name == b"ds64":
            sizes64 = struct.unpack_from("<QQ", content, position + 8)
        if name == b"data" and sizes64:
            length = sizes64[1]
        found.append((name, content[position + 8 : position + 8 + length]))
        assert len(found[-1][1]) == length
        position += 8 + length + length % 2
    assert position == len(content)
    assert (sizes64[0] if sizes64 else size) == len(content) - 8
    return found


def only(path: Path, name: bytes, kind: bytes = b"") -> bytes:
    """Return the one chunk of that name."""
    (body,) = [b for n, b in chunks_of(path) if n == name and b.startswith(kind)]
    return body


def scaled(frames: int, old: int, new: int) -> int:
    return round(Fraction(frames * new, old))


def made_of(folder: Path, content: bytes, suffix: str = "wav", **settings: Any) -> EnhanceResult:
    (folder / "a.wav").write_bytes(content)
    return enhance_file(folder / "a.wav", folder / f"b.{suffix}", **settings)


@pytest.mark.parametrize("suffix", ["wav", "rf64"])
@pytest.mark.parametrize("place", ["before", "behind"])
@pytest.mark.parametrize(("old", "new"), RATES)
def test_positions_go_to_the_new_rate(
    tmp_path: Path, old: int, new: int, place: str, suffix: str
) -> None:
    some = all_chunks(old)
    content = with_chunks(old, *([some] if place == "behind" else [[], some]))
    result = made_of(tmp_path, content, suffix, rate=new)
    made = result.destination
    assert not [warning for warning in result.warnings if "kept" in warning or "left" in warning]
    assert result.output_frames == len(sf.read(made)[0]) == scaled(6_001, old, new)

    description = only(made, b"bext")
    assert struct.unpack_from("<QH", description, 338) == (scaled(TIME, old, new), 2)
    assert struct.unpack_from("<5h", description, 412) == (0x7FFF,) * 5  # another loudness
    assert description[:338] == bext()[:338]
    assert description[348:412] + description[422:] == bext()[348:412] + bext()[422:]

    wanted = ixml(new, scaled(TIME, old, new))
    digitised = b"<DIGITIZER_SAMPLE_RATE>%d<"
    assert only(made, b"iXML") == wanted.replace(digitised % new, digitised % old)

    positions = [scaled(position, old, new) for position in POSITIONS]
    assert positions == sorted(positions)
    assert only(made, b"cue ") == cue(positions)
    assert only(made, b"LIST", b"adtl") == adtl(positions)
    loops = [
        (scaled(a, old, new), scaled(b + 1, old, new) - 1) for a, b in [(160, 479), (0, 4_000)]
    ]
    assert only(made, b"smpl") == smpl(new, loops)


def test_other_programs_find_the_chunks(tmp_path: Path) -> None:
    made = made_of(tmp_path, with_chunks(RATE, all_chunks(RATE))).destination
    tags, _ = probed(made)
    assert tags["originator_reference"] == "REF"
    assert int(tags["time_reference"]) == 3 * TIME


def test_big_endian_chunks_of_a_rifx(tmp_path: Path) -> None:
    content = bytearray(b"RIFX")
    samples = (32_768 * SPEECH[:, 0]).astype(">i2").tobytes()
    points = struct.pack(">I", 1) + struct.pack(">II4sIII", 1, 777, b"data", 0, 0, 777)
    chunks = [
        (b"fmt ", struct.pack(">HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)),
        (b"data", samples),
        (b"cue ", points),
        (b"LIST", b"INFOINAM" + struct.pack(">I", 4) + b"Ti\0\0"),
    ]
    body = b"WAVE" + b"".join(n + struct.pack(">I", len(b)) + b for n, b in chunks)
    content += struct.pack(">I", len(body)) + body
    made = made_of(tmp_path, bytes(content)).destination
    assert only(made, b"cue ") == cue([3 * 777])
    assert stored(made)["title"] == "Ti"


def test_texts_of_a_wav_are_there_once(tmp_path: Path) -> None:
    made = enhance_file(tagged(tmp_path / "a.wav"), tmp_path / "b.wav").destination
    assert only(made, b"LIST").count(b"INAM") == 1
    assert probed(made)[0]["title"] == TEXTS["title"]


def test_a_text_without_a_place_elsewhere_is_named(tmp_path: Path, without_mutagen: None) -> None:
    engineer = (b"LIST", b"INFOIENG" + struct.pack("<I", 4) + b"Eva\0")
    assert made_of(tmp_path, with_chunks(RATE, [engineer]), "flac").warnings == (
        "engineer is not kept: pip install 'novasr[tags]'",
    )
    assert only(made_of(tmp_path, with_chunks(RATE, [engineer])).destination, *engineer)


def test_odd_audio_and_odd_chunks_are_padded(tmp_path: Path) -> None:
    source = with_chunks(RATE, [(b"iXML", b"<BWFXML/>"), (b"cue ", cue([5]))], samples=333)
    made = made_of(tmp_path, source, rate=44_100, subtype="24").destination
    assert len(only(made, b"data")) % 2 == 0 or len(only(made, b"data")) % 3 == 0
    assert only(made, b"iXML") == b"<BWFXML/>"
    assert only(made, b"cue ") == cue([14])


DAMAGED: list[tuple[str, bytes, bytes]] = [
    ("bext", b"bext", bext()[:500]),
    ("cue points", b"cue ", struct.pack("<I", 1_000_000) + bytes(24)),
    ("cue points", b"cue ", b"\1"),
    ("cue points", b"cue ", cue([3_000_000_000])),
    ("labels", b"LIST", b"adtlltxt" + struct.pack("<I", 4) + bytes(4)),
    ("labels", b"LIST", b"adtllabl" + struct.pack("<I", 400) + bytes(4)),
    ("loops", b"smpl", smpl(RATE, [(1, 2)])[:40]),
]


@pytest.mark.parametrize(("label", "name", "body"), DAMAGED)
def test_a_damaged_chunk_is_left_out(tmp_path: Path, label: str, name: bytes, body: bytes) -> None:
    result = made_of(tmp_path, with_chunks(RATE, [(name, body), (b"iXML", ixml(RATE))]))
    assert [w for w in result.warnings if w.startswith(f"{label} left out: ")]
    assert len(result.warnings) == 1
    assert name not in dict(chunks_of(result.destination))
    assert only(result.destination, b"iXML")


def test_a_chunk_that_is_cut_off_is_left_out(tmp_path: Path) -> None:
    content = with_chunks(RATE, [(b"cue ", cue([5])), (b"bext", bext())])
    result = made_of(tmp_path, content[:-100])
    assert result.warnings == ("bext left out: damaged",)
    assert only(result.destination, b"cue ") == cue([15])


def test_damaged_ixml_numbers_do_no_harm(tmp_path: Path) -> None:
    text = b"<FILE_SAMPLE_RATE>" + b"9" * 9_000 + b"</FILE_SAMPLE_RATE>\xff\0"
    made = made_of(tmp_path, with_chunks(RATE, [(b"iXML", text)])).destination
    assert only(made, b"iXML") == text


def test_another_rate_in_ixml_is_left_alone(tmp_path: Path) -> None:
    text = ixml(48_000).replace(b"BWF_TIME", b"OTHER")
    made = made_of(tmp_path, with_chunks(RATE, [(b"iXML", text)])).destination
    assert only(made, b"iXML") == text


@pytest.mark.parametrize("opened", [False, True])
def test_only_the_chunks_of_the_first_part_count(tmp_path: Path, opened: bool) -> None:
    first = with_chunks(RATE, [], [(b"cue ", cue([5]))])
    second = with_chunks(RATE, [(b"cue ", cue([7])), (b"bext", bext())])
    content = bytearray(first + second)
    if opened:
        at = content.index(b"data") + 4
        content[at : at + 4] = b"\xff" * 4
    made = made_of(tmp_path, bytes(content)).destination
    assert only(made, b"cue ") == cue([15])
    assert b"bext" not in dict(chunks_of(made))


@pytest.mark.parametrize("suffix", ["flac", "mp3", "aiff", "w64"])
def test_what_only_a_wav_can_hold_is_named_once(tmp_path: Path, suffix: str) -> None:
    result = made_of(tmp_path, with_chunks(RATE, all_chunks(RATE)), suffix)
    wanted = f"bext, iXML, cue points, labels, loops are not kept in .{suffix}: choose .wav"
    assert result.warnings == (wanted,)


def test_chunks_of_no_known_rule_are_named(tmp_path: Path) -> None:
    result = made_of(tmp_path, with_chunks(RATE, [(b"cart", bytes(2048))]))
    assert result.warnings == ("cart is not kept",)


def test_a_wav_near_its_limit_keeps_its_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav_metadata, "_32_BITS", 36_100)
    result = made_of(tmp_path, with_chunks(RATE, all_chunks(RATE)))
    assert "no room below 4 GiB" in result.warnings[0]
    assert [name for name, _ in chunks_of(result.destination)] == [b"fmt ", b"data"]
    assert sf.info(result.destination).frames == result.output_frames


@pytest.mark.parametrize("room", [0, 1_000])
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, room: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content := with_chunks(RATE, [], samples=333))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) + room, limits[1]))
    try:
        with pytest.raises(OSError, match=r"too large|No space"):
            wav_metadata.append_chunks(path, [(b"iXML", bytes(5_000))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == content


def test_an_error_in_the_metadata_does_not_lose_the_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(metadata, "append_chunks", fail)
    result = made_of(tmp_path, with_chunks(RATE, [(b"cue ", cue([5]))]))
    assert result.warnings == ("cue points left out: No space left on device",)
    assert sf.info(result.destination).frames == result.output_frames


# --- all tags and pictures, by mutagen ------------------------------------------------------------

RICH = {
    **TEXTS,
    "date": "2024-05-01",
    "albumartist": "Ensemble",
    "composer": "Über",
    "mood": "x=y\nz",
}
ID3 = {
    **{"title": "TIT2", "artist": "TPE1", "album": "TALB", "date": "TDRC", "genre": "TCON"},
    **{"tracknumber": "TRCK", "copyright": "TCOP", "albumartist": "TPE2", "composer": "TCOM"},
    **{"mood": "TMOO", "comment": "COMM"},
}
MP4 = {
    **{"title": "\xa9nam", "artist": "\xa9ART", "album": "\xa9alb", "date": "\xa9day"},
    **{"genre": "\xa9gen", "copyright": "cprt", "albumartist": "aART", "composer": "\xa9wrt"},
    **{"comment": "\xa9cmt"},
}
LOUDNESS = {
    "replaygain_track_gain": "-7.5 dB",
    "REPLAYGAIN_TRACK_PEAK": "0.98",
    "R128_TRACK_GAIN": "-512",
    "encoder": "Lavc",
    "iTunNORM": " 0000",
    "iTunSMPB": " 0000",
}
SOURCES = ["mp3", "wav", "aiff", "flac", "ogg", "opus", "m4a", "wma", "wv"]
RESULTS = ["mp3", "wav", "rf64", "aiff", "flac", "ogg", "opus"]


def rich(path: Path, picture: bytes = PNG) -> Path:
    """Make a file with more tags than libsndfile knows, a cover, and tags about its old audio."""
    import mutagen
    from mutagen import asf, flac, id3, mp4

    suffix = path.suffix[1:]
    if suffix in KINDS:
        tagged(path, {})
    else:
        plain = write(path.with_name("plain.wav"), SPEECH, RATE)
        ffmpeg("-i", plain, path)
    file = mutagen.File(path)
    if suffix in ("mp3", "wav", "aiff"):
        if file.tags is None:
            file.add_tags()
        for name, frame in ID3.items():
            extra = ("eng", "") if frame == "COMM" else ()
            file.tags.add(getattr(id3, frame)(3, *extra, [RICH[name]]))
        for name, text in LOUDNESS.items():
            file.tags.add(id3.TXXX(3, name, [text]))
        file.tags.add(id3.TXXX(3, "My own", ["42"]))
        file.tags.add(id3.TLEN(3, ["400"]))
        file.tags.add(id3.APIC(3, "image/png", 3, "Cover", picture))
    elif suffix == "m4a":
        for name, atom in MP4.items():
            file[atom] = [RICH[name]]
        file["trkn"] = [(3, 0)]
        for name, text in {**LOUDNESS, "mood": RICH["mood"], "My own": "42"}.items():
            file[f"----:com.apple.iTunes:{name}"] = [text.encode()]
        file["covr"] = [mp4.MP4Cover(picture, mp4.MP4Cover.FORMAT_PNG)]
    elif suffix == "wma":
        names = {
            "title": "Title",
            "artist": "Author",
            "copyright": "Copyright",
            "comment": "Description",
        }
        names |= {"album": "WM/AlbumTitle", "date": "WM/Year", "albumartist": "WM/AlbumArtist"}
        names |= {"composer": "WM/Composer", "genre": "WM/Genre", "tracknumber": "WM/TrackNumber"}
        for name, text in {**RICH, **LOUDNESS, "My own": "42", "mood": RICH["mood"]}.items():
            file[names.get(name, name)] = [text]
        head = b"\3" + struct.pack("<I", len(picture)) + "image/png\0Cover\0".encode("utf-16-le")
        file["WM/Picture"] = [asf.ASFByteArrayAttribute(head + picture)]
    else:
        for name, text in {**RICH, **LOUDNESS, "My own": "42"}.items():
            file[name] = text
        block = flac.Picture()
        block.data, block.mime, block.type, block.desc = picture, "image/png", 3, "Cover"
        if suffix == "flac":
            file.add_picture(block)
        elif suffix == "wv":
            from mutagen.apev2 import BINARY, APEValue

            file["Cover Art (Front)"] = APEValue(b"cover.png\0" + picture, BINARY)
        else:
            file["metadata_block_picture"] = [base64.b64encode(block.write()).decode()]
    file.save()
    return path


def rich_tags(path: Path) -> tuple[dict[str, str], list[bytes]]:
    """Read back by mutagen: names in lower case, and pictures."""
    import mutagen
    from mutagen import flac, id3

    suffix = path.suffix[1:]
    if suffix in ("mp3", "wav", "aiff", "rf64"):
        tags = id3.ID3(io.BytesIO(only(path, b"id3 "))) if suffix == "rf64" else mutagen.File(path)
        names = {frame: name for name, frame in ID3.items()}
        texts = {
            (f.desc.lower() if f.FrameID == "TXXX" else names.get(f.FrameID, f.FrameID)): str(
                f.text[0]
            )
            for f in tags.values()
            if hasattr(f, "text") and f.FrameID != "TSSE"
        }
        return texts, [frame.data for frame in tags.values() if frame.FrameID == "APIC"]
    file = mutagen.File(path)
    texts = {name.lower(): values[0] for name, values in dict(file.tags).items()}
    if suffix == "flac":
        return texts, [picture.data for picture in file.pictures]
    blocks = file.get("metadata_block_picture", [])
    texts.pop("metadata_block_picture", None)
    return texts, [flac.Picture(base64.b64decode(block)).data for block in blocks]


@pytest.mark.parametrize("suffix", RESULTS)
@pytest.mark.parametrize("source", SOURCES)
def test_all_tags_and_the_cover_survive(
    tmp_path: Path, mutagen: Any, source: str, suffix: str
) -> None:
    result = enhance_file(rich(tmp_path / f"a.{source}"), tmp_path / f"b.{suffix}")
    assert [warning for warning in result.warnings if "its header states" not in warning] == []
    texts, pictures = rich_tags(result.destination)
    assert {name: texts.get(name) for name in RICH} == RICH
    assert texts["my own"] == "42"
    assert pictures == [PNG]
    others = texts.keys() - RICH.keys() - {"my own"}
    assert others <= {"encoder", "software"}
    if source != "opus":  # there libsndfile takes the encoder for the software
        assert texts.get("encoder", "") in ("", "libsndfile")
    _, streams = probed(result.destination)
    assert streams == ["audio", "video"]
    assert sf.info(result.destination).frames == pytest.approx(result.output_frames, abs=2_304)


@pytest.mark.parametrize("suffix", RESULTS)
def test_a_cover_of_some_size_does_not_touch_the_sound(
    tmp_path: Path, mutagen: Any, suffix: str
) -> None:
    cover = PNG + np.random.default_rng(1).bytes(700_001)
    bare = tagged(tmp_path / "bare.flac", {})
    plain, _ = sf.read(enhance_file(bare, tmp_path / f"plain.{suffix}").destination)
    made = enhance_file(rich(tmp_path / "a.flac", cover), tmp_path / f"b.{suffix}").destination
    np.testing.assert_array_equal(sf.read(made)[0], plain)
    assert rich_tags(made)[1] == [cover]
    if suffix in ("wav", "rf64"):
        chunks_of(made)


def test_id3_keeps_what_only_id3_has(tmp_path: Path, mutagen: Any) -> None:
    from mutagen import id3

    source = rich(tmp_path / "a.mp3")
    tags = id3.ID3(source)
    tags.add(id3.CHAP(element_id="c1", start_time=100, end_time=200))
    tags.add(id3.COMM(3, "deu", "Notiz", ["zwei"]))
    tags.save(source)
    kept = enhance_file(source, tmp_path / "b.mp3")
    assert kept.warnings == ()
    assert id3.ID3(kept.destination)["CHAP:c1"].end_time == 200
    assert id3.ID3(kept.destination)["COMM:Notiz:deu"].text == ["zwei"]
    assert len(id3.ID3(kept.destination).getall("COMM")) == 2
    lost = enhance_file(source, tmp_path / "b.flac")
    assert lost.warnings == ("chapters are not kept",)


def test_several_texts_of_one_name_survive(tmp_path: Path, mutagen: Any) -> None:
    from mutagen import flac

    source = rich(tmp_path / "a.flac")
    file = flac.FLAC(source)
    file["artist"] = ["One", "Two"]
    file.save()
    made = enhance_file(source, tmp_path / "b.opus").destination
    assert importlib.import_module("mutagen.oggopus").OggOpus(made)["artist"] == ["One", "Two"]
    made = enhance_file(source, tmp_path / "b.mp3").destination
    assert importlib.import_module("mutagen.id3").ID3(made)["TPE1"].text == ["One", "Two"]


@pytest.mark.parametrize("suffix", ["caf", "au", "w64"])
def test_a_format_without_such_tags_names_what_it_loses(
    tmp_path: Path, mutagen: Any, suffix: str
) -> None:
    result = enhance_file(rich(tmp_path / "a.mp3"), tmp_path / f"b.{suffix}")
    (warning,) = result.warnings
    assert warning.startswith("cover art, ")
    assert warning.endswith(f" are not kept in .{suffix}: choose .wav")


@pytest.mark.parametrize("source", ["mp3", "wav", "aiff", "flac", "ogg", "opus", "m4a"])
def test_without_mutagen_what_is_lost_is_named(
    tmp_path: Path, mutagen: Any, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rich(tmp_path / f"a.{source}")
    monkeypatch.setattr(mutagen_tags, "has_mutagen", lambda: False)
    (warning,) = enhance_file(path, tmp_path / "b.flac").warnings
    assert warning.startswith("cover art, ")
    assert "albumartist" in warning
    assert "composer" in warning
    assert warning.endswith(" are not kept: pip install 'novasr[tags]'")
    for stale in ("gain", "encoder", "itun"):
        assert stale not in warning.lower()


@pytest.mark.parametrize("source", ["wav", "caf", "flac", "mp3"])
def test_without_need_mutagen_is_not_imported(tmp_path: Path, mutagen: Any, source: str) -> None:
    """Its licence differs."""
    path = tagged(tmp_path / f"a.{source}", {} if source in ("mp3", "flac") else {"title": "T"})
    script = "import sys; from novasr.offline.files import enhance_file as e; e(*sys.argv[1:]);"
    script += "print('mutagen' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script, path, tmp_path / "b.wav"], capture_output=True, text=True
    )
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize("suffix", ["flac", "mp3", "aiff"])
def test_tags_that_cannot_be_written_leave_the_sound(
    tmp_path: Path, mutagen: Any, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mutagen import aiff, flac, mp3

    def fail(self: Any, *_: object) -> None:
        Path(self.filename).write_bytes(b"broken")
        raise OSError(28, "No space left on device")

    source = rich(tmp_path / "a.m4a")
    (tmp_path / "plain.wav").unlink()
    for kind in (aiff.AIFF, flac.FLAC, mp3.MP3):
        monkeypatch.setattr(kind, "save", fail)
    result = enhance_file(source, tmp_path / f"b.{suffix}")
    assert "tags may be incomplete: No space left on device" in result.warnings
    assert len(sf.read(result.destination)[0]) == pytest.approx(result.output_frames, abs=2_304)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.m4a", f"b.{suffix}"]


def test_a_damaged_picture_costs_nothing_else(tmp_path: Path, mutagen: Any) -> None:
    from mutagen import oggvorbis

    source = rich(tmp_path / "a.ogg")
    file = oggvorbis.OggVorbis(source)
    file["metadata_block_picture"] = ["AAAA"]
    file.save()
    result = enhance_file(source, tmp_path / "b.flac")
    assert result.warnings == ("cover art, a damaged picture are not kept",)
    assert rich_tags(result.destination)[0]["composer"] == RICH["composer"]


def test_damaged_tags_leave_the_sound(tmp_path: Path, mutagen: Any) -> None:
    source = rich(tmp_path / "a.mp3")
    content = bytearray(source.read_bytes())
    at = content.index(b"APIC")
    content[at - 200 : at + 4] = np.random.default_rng(5).bytes(204)
    source.write_bytes(content)
    for suffix in RESULTS:
        result = enhance_file(source, tmp_path / f"b.{suffix}")
        assert sf.info(result.destination).duration == pytest.approx(0.4, abs=0.1)
