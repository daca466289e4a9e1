"""Sets of recordings made from a seed, in every format in which sets are kept."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

KINDS = {
    "wav": (".wav", "WAV", "PCM_16"),
    "wide wav": (".wav", "WAV", "PCM_24"),
    "float wav": (".wav", "WAV", "FLOAT"),
    "flac": (".flac", "FLAC", "PCM_16"),
    "mp3": (".mp3", "MP3", None),
    "ogg": (".ogg", "OGG", "VORBIS"),
    "aiff": (".aiff", "AIFF", "PCM_16"),
}
RATES = (16_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
BROKEN = ("nothing", "text", "truncated", "header", "noise", "empty wav", "middle")


@dataclass(frozen=True)
class Item:
    """A recording, as a file's content, and what is to become of it by the model base."""

    name: str
    content: bytes
    seconds: float
    broken: str | None
    full: bool


def items(
    count: int, seed: int, *, longest: float = 3.0, broken: float = 0.03, kinds=tuple(KINDS)
) -> list[Item]:
    """Make `count` recordings of 1 s to `longest`, most of them short, some of them broken, each in its own way."""
    rng = np.random.default_rng(seed)
    damaged = rng.choice(count, round(broken * count), replace=False)
    ways = {number: BROKEN[place % len(BROKEN)] for place, number in enumerate(damaged)}
    made = []
    for number in range(count):
        suffix, kind, subtype = KINDS[kinds[rng.integers(len(kinds))]]
        rate = int(rng.choice(RATES))
        seconds = float(np.round(1.0 + (longest - 1.0) * rng.random() ** 6, 3))
        full = rate >= 44_100 and rng.random() < 0.3 and kind not in ("MP3", "OGG")
        audio = _audio(rng, seconds, rate, int(rng.integers(1, 3)), full=full)
        content = _encoded(audio, rate, kind, subtype)
        way = ways.get(number)
        name = f"speaker {number % 7}/{number:04}{suffix}"
        made.append(
            Item(name, content if way is None else _damaged(content, way, rng), seconds, way, full)
        )
    return made


def write_files(folder: Path, recordings: list[Item]) -> Path:
    """Write recordings and the manifest of them in NeMo's form; return the manifest."""
    lines = []
    for number, item in enumerate(recordings):
        path = folder / item.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.content)
        lines.append(
            {
                "audio_filepath": item.name,
                "duration": item.seconds,
                "text": f"Grüße {number}",
                "speaker": number % 7,
            }
        )
    manifest = folder / "train.jsonl"
    manifest.write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"
    )
    return manifest


def write_shards(folder: Path, recordings: list[Item], count: int) -> list[Path]:
    """Write recordings as shards of a WebDataset, with a text and a JSON file beside each."""
    folder.mkdir(parents=True, exist_ok=True)
    shards = []
    for shard in range(count):
        path = folder / f"train-{shard:06}.tar"
        with tarfile.open(path, "w") as tar:
            for number, item in list(enumerate(recordings))[shard::count]:
                stem, suffix = item.name.replace(" ", "_").rsplit(".", 1)
                for name, content in (
                    (f"{stem}.{suffix}", item.content),
                    (f"{stem}.txt", f"Grüße {number}".encode()),
                    (f"{stem}.json", json.dumps({"number": number}).encode()),
                ):
                    member = tarfile.TarInfo(name)
                    member.size, member.mtime = len(content), 1_700_000_000 + number
                    member.uname, member.uid, member.mode = "someone", 1234, 0o640
                    tar.addfile(member, io.BytesIO(content))
        shards.append(path)
    return shards


def write_tables(folder: Path, recordings: list[Item], count: int, rows: int = 20) -> list[Path]:
    """Write recordings as tables, as `datasets` does, with groups of `rows`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    features = {
        "audio": {"sampling_rate": 16_000, "_type": "Audio"},
        "text": {"dtype": "string", "_type": "Value"},
        "number": {"dtype": "int64", "_type": "Value"},
    }
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema(
        [("audio", kind), ("text", pa.string()), ("number", pa.int64())],
        {"huggingface": json.dumps({"info": {"features": features}})},
    )
    tables = []
    for part in range(count):
        path = folder / f"train-{part:05}-of-{count:05}.parquet"
        mine = list(enumerate(recordings))[part::count]
        columns = {
            "audio": [{"bytes": item.content, "path": item.name} for _, item in mine],
            "text": [f"Grüße {number}" for number, _ in mine],
            "number": [number for number, _ in mine],
        }
        pq.write_table(pa.table(columns, schema), path, row_group_size=rows)
        tables.append(path)
    return tables


def _audio(
    rng: np.random.Generator, seconds: float, rate: int, channels: int, *, full: bool
) -> np.ndarray:
    """Noise whose level follows a slow wave, to 7 kHz or without an end."""
    frames = round(seconds * rate)
    audio = rng.standard_normal((frames, channels))
    if not full:
        spectrum = np.fft.rfft(audio, axis=0)
        spectrum[np.fft.rfftfreq(frames, 1 / rate) > 7_000] = 0
        audio = np.fft.irfft(spectrum, frames, axis=0)
    wave = 1 + np.sin(2 * np.pi * rng.uniform(0.5, 3) * np.arange(frames) / rate)
    return 0.05 * audio * wave[:, None]


def _encoded(audio: np.ndarray, rate: int, kind: str, subtype: str | None) -> bytes:
    file = io.BytesIO()
    with sf.SoundFile(file, "w", rate, audio.shape[1], subtype, None, kind) as written:
        for start in range(0, len(audio), rate):  # libvorbis takes its stack by what it is handed
            written.write(audio[start : start + rate])
    return file.getvalue()


def _damaged(content: bytes, way: str, rng: np.random.Generator) -> bytes:
    if way == "nothing":
        return b""
    if way == "text":
        return b"404: not found\n" * 10
    if way == "truncated":
        return content[: len(content) // 2]
    if way == "header":
        return content[:44]
    if way == "noise":
        return rng.bytes(5_000)
    if way == "empty wav":
        return _encoded(np.zeros((0, 1)), 16_000, "WAV", "PCM_16")
    return content[:200] + rng.bytes(len(content) // 3) + content[200 + len(content) // 3 :]
