"""Mutated files of many formats: no crash, and no audio lost without a word.

NOVASR_MUTATIONS says how many (default: 300); NOVASR_SEED where to begin.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
from pathlib import Path

import needs
import numpy as np
import pytest
import soundfile as sf
from audio_files import noise, write

from novasr.audio.reading import AudioReader
from novasr.errors import AudioFileError, NovasrError

MUTATIONS = int(os.environ.get("NOVASR_MUTATIONS", "300"))
SEED = int(os.environ.get("NOVASR_SEED", "0"))
RATE = 16_000
LIBSNDFILE = {
    "wav": ("WAV", "PCM_16"),
    "24.wav": ("WAV", "PCM_24"),
    "float.wav": ("WAV", "FLOAT"),
    "adpcm.wav": ("WAV", "IMA_ADPCM"),
    "ex.wav": ("WAVEX", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "alac.caf": ("CAF", "ALAC_16"),
    "au": ("AU", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
FFMPEG = {"m4a": "aac", "webm": "libopus", "mp2": "mp2", "wma": "wmav2"}
FORMATS = [*LIBSNDFILE, *FFMPEG]
CODEC_FRAMES = {"mp3": 2 * 1_152, "ogg": 8_192, "opus": 5_760, "flac": 4_096, "alac.caf": 4_096}
LENGTHS = re.compile(r"\d[\d.]* s.*\d[\d.]* s|\d+ of \d+ frames|recordings in one file|Ogg|ffmpeg")


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    needs.programs("ffmpeg", "ffprobe", packages="ffmpeg")
    folder = tmp_path_factory.mktemp("originals")
    audio = noise(1.0, RATE)
    files = {}
    for name, (kind, subtype) in LIBSNDFILE.items():
        file = io.BytesIO()
        sf.write(file, audio, RATE, subtype, format=kind)
        files[name] = file.getvalue()
    source = write(folder / "source.wav", audio, RATE)
    for name, codec in FFMPEG.items():
        path = folder / f"a.{name}"
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", source, "-c:a", codec, path]
        subprocess.run(command, check=True)
        files[name] = path.read_bytes()
    return files


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file in one to three places, every third time within its first bytes."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        reach = len(data) if rng.random() < 0.67 else min(len(data), 120)
        at = int(rng.integers(0, max(1, reach)))
        length = int(2 ** rng.uniform(0, 9))
        match rng.integers(0, 6):
            case 0:
                data[at : at + length] = rng.bytes(min(length, len(data) - at))
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = rng.bytes(length)
            case 3:
                del data[max(20, at) :]
            case 4:
                data[at : at + 4] = rng.choice([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff"])
            case _:
                data += data[at:]
    return bytes(data)


def decoded_by_ffmpeg(path: Path) -> int:
    """Count the frames that ffmpeg decodes from a file; for Opus, at our rate."""
    command = ["ffmpeg", "-nostdin", "-v", "quiet", "-i", path, "-map", "0:a:0?", "-f", "s16le"]
    rate = ["-ar", str(RATE)] if path.suffix == ".opus" else []
    done = subprocess.run([*command, *rate, "-ac", "1", "-"], capture_output=True)
    return len(done.stdout) // 2


@pytest.mark.parametrize("name", FORMATS)
def test_no_mutation_crashes_or_loses_audio_in_silence(
    tmp_path: Path, originals: dict[str, bytes], name: str
) -> None:
    for number in range(MUTATIONS // len(FORMATS) + 1):
        rng = np.random.default_rng([SEED, number, FORMATS.index(name)])
        path = tmp_path / f"{number}.{name}"
        path.write_bytes(mutated(originals[name], rng))
        frames = 0
        try:
            with AudioReader(path) as reader:
                frames = sum(len(block) for block in reader.blocks())
                said = " ".join(reader.warnings)
        except AudioFileError as error:
            said = str(error)
            assert str(path) in said
            assert "\n" not in said
        except NovasrError as error:
            said = str(error)
        if LENGTHS.search(said):
            continue
        by_ffmpeg = decoded_by_ffmpeg(path)
        assert frames >= by_ffmpeg - CODEC_FRAMES.get(name, 2_048), (number, said)
        path.unlink()
