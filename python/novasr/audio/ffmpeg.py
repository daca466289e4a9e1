"""The formats that libsndfile does not know, read through the ffmpeg program."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from novasr.audio.channels import named_mask
from novasr.checks import MAX_CHANNELS

#: Names by which a folder is searched for them.
FFMPEG_SUFFIXES = frozenset(
    {".3gp", ".aac", ".ac3", ".amr", ".ape", ".dts", ".eac3", ".m4a", ".m4b", ".mp2", ".mpc"}
    | {".avi", ".flv", ".m4v", ".mka", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv"}
    | {".ra", ".rm", ".spx", ".tta", ".webm", ".wma", ".wmv", ".wv"}
)
_SURE = 26  # of 100: below, ffmpeg itself warns that it may mistake the format
_ESTIMATED = {"aac", "ac3", "amr", "dts", "eac3", "h264", "loas", "mp3", "mpeg", "mpegts", "truehd"}
_LOST = re.compile(r"partial file|ended prematurely|truncat|moov atom not found", re.IGNORECASE)
_PREFIX = re.compile(r"^\[[^]]*\] *")


class UnreadableError(Exception):
    """ffmpeg does not know the file; the message is its reason."""


def has_ffmpeg() -> bool:
    """Tell whether the programs ffmpeg and ffprobe are installed."""
    return shutil.which("ffmpeg") is not None and shutil.which("ffprobe") is not None


class FfmpegFile:
    """The sound of a file, its first or default track.

    Parameters
    ----------
    path : Path
        Any format that ffmpeg reads.
    least_score : int
        How sure ffmpeg is to be of the format, 0 .. 100.

    Attributes
    ----------
    samplerate, channels, mask : int
        As for `AudioReader`.
    known_frames : int
        Length, perhaps an estimate, 0 if there is none.
    stated_frames : int
        Length, if the file states it, or 0.
    codec : str
        ffmpeg's name.
    warnings : list of str
        What ffmpeg said while it was reading.
    missing : bool
        Whether it said that the file is not complete.
    tags : dict
        Title, artist and the like, under ffmpeg's names in lower case.
    pictured : bool
        Whether there is a cover.

    Raises
    ------
    UnreadableError
        If ffmpeg does not know the format, or there is no sound.
    """

    def __init__(self, path: Path, *, least_score: int = _SURE) -> None:
        self._path = path
        self.warnings: list[str] = []
        self.missing = False
        described = _probe(path)
        tracks = [
            stream
            for stream in described.get("streams", [])
            if 0 < int(stream.get("channels", 0)) <= MAX_CHANNELS
        ]
        if not tracks or described.get("format", {}).get("probe_score", 0) < least_score:
            raise UnreadableError("no sound in it")
        track = next((s for s in tracks if s.get("disposition", {}).get("default")), tracks[0])
        if len(tracks) > 1:
            self.warnings.append(f"holds {len(tracks)} sound tracks: only one of them is read")
        self._track = int(track["index"])
        self.samplerate = int(track["sample_rate"])
        self.channels = int(track["channels"])
        self.mask = named_mask(track.get("channel_layout", ""), self.channels)
        self.codec = str(track.get("codec_name", "unknown"))
        seconds = track.get("duration") or described["format"].get("duration") or 0
        self.known_frames = round(float(seconds) * self.samplerate)
        estimated = described["format"].get("format_name") in _ESTIMATED
        self.stated_frames = 0 if estimated else self.known_frames
        tags = {**track.get("tags", {}), **described["format"].get("tags", {})}
        self.tags = {str(name).lower(): str(text) for name, text in tags.items()}
        self.tags.pop("language", None)  # a property of the track
        self.pictured = any(
            stream.get("disposition", {}).get("attached_pic") for stream in described["streams"]
        )

    def blocks(self, frames: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the sound in blocks of `frames`, shape (frames, channels)."""
        command = ["ffmpeg", "-nostdin", "-v", "error", *_input(self._path)]
        command += ["-map", f"0:{self._track}", "-f", "f32le", "-c:a", "pcm_f32le"]
        command += ["-ar", str(self.samplerate), "-ac", str(self.channels), "pipe:1"]
        size = 4 * self.channels
        with tempfile.TemporaryFile() as said:
            program = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=said, start_new_session=True
            )
            assert program.stdout is not None
            try:
                while data := program.stdout.read(frames * size):
                    whole = len(data) // size * size
                    audio = np.frombuffer(data[:whole], "<f4").reshape(-1, self.channels)
                    yield audio.astype(np.float32)
                program.wait()
            finally:
                program.kill()
                program.stdout.close()
                program.wait()
            said.seek(0)
            self._hear(_lines(said.read(), self._path))

    def _hear(self, lines: list[str]) -> None:
        self.missing = any(_LOST.search(line) for line in lines)
        if lines:
            self.warnings.append(f"ffmpeg says: {lines[0]}")


def _probe(path: Path) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", *_input(path), "-show_streams", "-show_format"]
    command += ["-of", "json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    try:
        described: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        described = {}
    if done.returncode != 0 or "format" not in described:
        said = _lines(done.stderr, path)
        raise UnreadableError(said[-1] if said else "unknown format")
    return described


def _lines(said: bytes, path: Path) -> list[str]:
    """Return what ffmpeg has said of a file, without its own names for the file and its parts."""
    lines = (_PREFIX.sub("", line) for line in said.decode(errors="replace").splitlines())
    lines = (line.removeprefix(f"file:{path}: ").strip() for line in lines)
    return [line for line in lines if line]


def _input(path: Path) -> list[str | Path]:
    """Name the file in a way that cannot be taken for an option or an address, nor lead to one."""
    return ["-protocol_whitelist", "file,crypto,data", "-i", f"file:{path}"]
