"""Audio files for the tests, made from formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf

FloatAudio = npt.NDArray[np.float32]


def noise(seconds: float, rate: int, channels: int = 1, top_hz: float | None = None) -> FloatAudio:
    """Return white noise at -26 dBFS, shape (frames, channels), without anything above `top_hz`."""
    rng = np.random.default_rng(7)
    audio = 0.05 * rng.standard_normal((round(seconds * rate), channels))
    if top_hz is not None:
        spectrum = np.fft.rfft(audio, axis=0)
        spectrum[np.fft.rfftfreq(len(audio), 1 / rate) > top_hz] = 0
        audio = np.fft.irfft(spectrum, len(audio), axis=0)
    return audio.astype(np.float32)


def tones(seconds: float, rate: int, hertz: list[float]) -> FloatAudio:
    """Return one sine for each channel, shape (frames, len(hertz))."""
    time = np.arange(round(seconds * rate)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * f * time) for f in hertz], axis=1).astype(np.float32)


def burst(seconds: float, rate: int, centre: float, hertz: float = 1000.0) -> FloatAudio:
    """Return a Gaussian tone burst around `centre` seconds, the same wave at any rate."""
    time = np.arange(round(seconds * rate)) / rate - centre
    wave = 0.5 * np.exp(-((time / 0.004) ** 2)) * np.sin(2 * np.pi * hertz * time)
    return wave[:, None].astype(np.float32)


def write(
    path: Path, audio: FloatAudio, rate: int, subtype: str | None = None, kind: str | None = None
) -> Path:
    """Write `audio` and return `path`."""
    with sf.SoundFile(path, "w", rate, audio.shape[1], subtype, None, kind) as file:
        for start in range(0, len(audio), rate):
            file.write(audio[start : start + rate])
    return path


def cut(path: Path, share: float = 0.6) -> Path:
    """Drop the end of a file and return `path`."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


def damaged_files(folder: Path) -> dict[str, Path]:
    """Make one file for each way in which a source can be unusable."""
    speech = noise(2.0, 16_000)
    paths = {
        "missing": folder / "missing.wav",
        "folder": folder / "folder.wav",
        "empty": folder / "empty.wav",
        "text": folder / "text.wav",
        "text as MP3": folder / "text.mp3",
        "random bytes": folder / "random.bin",
        "raw": folder / "samples.raw",
        "no channels": write(folder / "channels.wav", speech, 16_000),
        "no frames": write(folder / "frames.wav", speech[:0], 16_000),
        "no header end": cut(write(folder / "header.wav", speech, 16_000), 0.0005),
        "cut WAV": cut(write(folder / "cut.wav", speech, 16_000)),
        "cut RF64": cut(write(folder / "cut.rf64", speech, 16_000)),
        "cut AIFF": cut(write(folder / "cut.aiff", speech, 16_000)),
        "cut FLAC": cut(write(folder / "cut.flac", speech, 16_000)),
        "cut MP3": cut(write(folder / "cut.mp3", speech, 16_000)),
        "corrupt FLAC": write(folder / "corrupt.flac", speech, 16_000),
        "rate too low": write(folder / "slow.wav", speech, 4_000),
    }
    paths["folder"].mkdir()
    paths["empty"].touch()
    paths["text"].write_text("this is no audio " * 50)
    paths["text as MP3"].write_text("<html>not found</html>" * 50)
    rng = np.random.default_rng(1)
    paths["random bytes"].write_bytes(rng.bytes(50_000))
    paths["raw"].write_bytes(rng.bytes(50_000))
    _overwrite(paths["no channels"], 22, bytes(2))
    _overwrite(paths["corrupt FLAC"], 20_000, rng.bytes(300))
    return paths


def _overwrite(path: Path, position: int, content: bytes) -> None:
    whole = bytearray(path.read_bytes())
    whole[position : position + len(content)] = content
    path.write_bytes(whole)
