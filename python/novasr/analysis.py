"""Measure how much of its band a recording fills, to tell what enhancing it would bring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from novasr.reading import AudioReader, FloatAudio

_RANGE_DB = 90.0
_NOISE_16_BIT_DB = -92.0  # flat dither of a 16-bit file, -96.3 dB, and 4 dB for its ripple
_BIN_HZ = 25.0
_SMOOTHING_BINS = 5
_LOWEST_HZ = 50.0
_BLACKMAN_HARRIS = (0.35875, -0.48829, 0.14128, -0.01168)  # side lobes at -92 dB: beyond the range

_TELEPHONE_HZ = 5_000.0
_WORTH_EXTENDING_HZ = 12_000.0
_FULL_BAND_HZ = 18_000.0


@dataclass(frozen=True)
class FileInfo:
    """What an audio file holds.

    Attributes
    ----------
    path : Path
        The file.
    format, subtype : str
        As libsndfile names them.
    sample_rate : int
        In Hz.
    channels, frames : int
        Both at least 1.
    seconds : float
        Length of the audio.
    bandwidth_hz : float
        Where the band ends; 0 for silence.
    """

    path: Path
    format: str
    subtype: str
    sample_rate: int
    channels: int
    frames: int
    seconds: float
    bandwidth_hz: float

    @property
    def extendable(self) -> bool:
        """Whether enhancing is likely to help."""
        return _TELEPHONE_HZ <= self.bandwidth_hz < _WORTH_EXTENDING_HZ

    @property
    def verdict(self) -> str:
        """One sentence on what the band means for enhancing."""
        end = f"{self.bandwidth_hz / 1000:.1f} kHz"
        if self.bandwidth_hz == 0:
            return "silence: nothing to extend"
        if self.bandwidth_hz < _TELEPHONE_HZ:
            return f"sound to {end} only: too narrow, the model needs a band of about 8 kHz"
        if self.extendable:
            return f"sound to {end}: extend it"
        if self.bandwidth_hz >= _FULL_BAND_HZ:
            return f"already full band to {end}: nothing to extend"
        if self.bandwidth_hz < 0.46 * self.sample_rate:
            rate = f"{self.sample_rate / 1000:g} kHz"
            return f"band ends at {end} although the file runs at {rate} (lossy codec): leave it"
        return f"sound to {end}: leave it, the model would replace all above 8 kHz"


def file_info(path: str | Path) -> FileInfo:
    """Read an audio file once and describe it.

    Parameters
    ----------
    path : str or path
        Any format that libsndfile reads.

    Returns
    -------
    FileInfo
        Format, length, band and a verdict.

    Raises
    ------
    AudioFileError
        If the file cannot be read to its end.
    """
    with AudioReader(path) as reader:
        return FileInfo(
            path=reader.path,
            format=reader.format,
            subtype=reader.subtype,
            sample_rate=reader.sample_rate,
            channels=reader.channels,
            frames=reader.frames,
            seconds=reader.seconds,
            bandwidth_hz=measure_bandwidth(reader.blocks(), sample_rate=reader.sample_rate),
        )


def measure_bandwidth(blocks: Iterable[FloatAudio], *, sample_rate: int) -> float:
    """Find the frequency at which the long-term spectrum ends.

    The spectrum is Welch's average of windowed periodograms (P. D. Welch, IEEE Trans. Audio
    Electroacoust. 15, 1967; window: F. J. Harris, Proc. IEEE 66, 1978), summed over the channels.
    As in the Hi-Fi TTS corpus (Bakhturina et al., Interspeech 2021) the band ends at the highest
    frequency within a fixed distance of the peak: 90 dB here instead of their 50, so that the
    quiet top of speech counts while what a codec or a resampler cut off does not. Whatever lies
    below the dither of a 16-bit file is silence. Images that a poor resampler left in the upper
    band are taken for sound.

    Parameters
    ----------
    blocks : iterable of ndarray of float32, shape (frames, channels)
        Consecutive blocks of any length, full scale at 1.0; the memory needed does not grow with
        their number. NaN and infinite samples count as zero.
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        In Hz, 0 for silence, at most half of `sample_rate`.
    """
    size = 2 * round(sample_rate / _BIN_HZ / 2)
    power = _mean_spectrum(blocks, size)
    smooth = np.convolve(power, np.ones(_SMOOTHING_BINS) / _SMOOTHING_BINS, mode="same")
    hertz = np.arange(len(smooth)) * sample_rate / size
    level = 10 * np.log10(smooth + 1e-20)
    level[hertz < _LOWEST_HZ] = -np.inf
    audible = np.flatnonzero(level > max(level.max() - _RANGE_DB, _NOISE_16_BIT_DB))
    return float(hertz[audible[-1]]) if len(audible) else 0.0


def _mean_spectrum(blocks: Iterable[FloatAudio], size: int) -> npt.NDArray[np.float64]:
    """Average the power of half-overlapping windows; noise of variance v gives v in each bin."""
    phase = 2 * np.pi * np.arange(size) / size
    window: npt.NDArray[np.float64] = np.sum(
        [a * np.cos(k * phase) for k, a in enumerate(_BLACKMAN_HARRIS)], axis=0
    )
    total = np.zeros(size // 2 + 1)
    count = 0
    rest: FloatAudio | None = None
    for block in blocks:
        clean = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        rest = clean if rest is None else np.concatenate([rest, clean])
        while len(rest) >= size:
            total += _power(rest[:size], window)
            rest = rest[size // 2 :]
            count += 1
    if count == 0 and rest is not None:
        total += _power(np.pad(rest, ((0, size - len(rest)), (0, 0))), window)
    return np.asarray(total / max(count, 1) / np.sum(window**2))


def _power(frames: FloatAudio, window: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    spectrum = np.fft.rfft((frames - frames.mean(axis=0)) * window[:, None], axis=0)
    power: npt.NDArray[np.float64] = np.sum(np.abs(spectrum) ** 2, axis=1)
    return power
