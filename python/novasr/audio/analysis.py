"""Measure how much of its band a recording fills, to tell what enhancing it would bring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from novasr import _native
from novasr.audio.cutoff import CutoffMeter
from novasr.audio.reading import AudioReader
from novasr.checks import check_block, check_count
from novasr.types import FloatArray

_BIN_HZ = 25.0
_DENSE_WINDOWS = 500  # 10 s
_SPARSE = 4
_LOUDEST = 1e6  # louder samples are measured as if they had this magnitude
_BLACKMAN_HARRIS = (0.35875, -0.48829, 0.14128, -0.01168)  # side lobes at -92 dB: beyond the range


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
    warnings : tuple of str
        What is wrong with the file without being an error.
    """

    path: Path
    format: str
    subtype: str
    sample_rate: int
    channels: int
    frames: int
    seconds: float
    bandwidth_hz: float
    warnings: tuple[str, ...] = ()

    @property
    def extendable(self) -> bool:
        """Whether enhancing is likely to help."""
        return judge_band(self.bandwidth_hz, self.sample_rate).kind == "extend"

    @property
    def verdict(self) -> str:
        """One sentence on what the band means for enhancing."""
        return judge_band(self.bandwidth_hz, self.sample_rate).text


@dataclass(frozen=True)
class Verdict:
    """What the band of a recording means for enhancing it.

    Attributes
    ----------
    kind : {"extend", "leave", "narrow", "silent"}
        Enhancing helps; would replace sound that is there; leaves a gap below 8 kHz; has no effect.
    text : str
        One sentence.
    """

    kind: Literal["extend", "leave", "narrow", "silent"]
    text: str


def judge_band(bandwidth_hz: float, sample_rate: int, *, any_band: bool = False) -> Verdict:
    """Judge whether to enhance a recording: the one rule for files, arrays, ``novasr info`` and the plugin.

    Parameters
    ----------
    bandwidth_hz : float
        Where its band ends, see `measure_bandwidth`; 0 for silence.
    sample_rate : int
        In Hz.
    any_band : bool
        For a model that adds what lies above that end, wherever it is, not above 8 kHz only.

    Returns
    -------
    Verdict
        What to do.

    Examples
    --------
    >>> judge_band(7_900, 16_000).text
    'sound to 7.9 kHz: extend it'
    """
    return Verdict(*_native.judge_band(bandwidth_hz, sample_rate, any_band))


def may_be_full_band(sample_rate: int, *, any_band: bool = False) -> bool:
    """Tell whether audio of this rate in Hz has room for a band that is to be left as it is."""
    return _native.may_be_full_band(sample_rate, any_band)


def file_info(path: str | Path, *, allow_truncated: bool = False) -> FileInfo:
    """Read an audio file once and describe it.

    Parameters
    ----------
    path : str or path
        Any format that `enhance_file` reads.
    allow_truncated : bool
        Describe what is there of a file that has lost its end.

    Returns
    -------
    FileInfo
        Format, length, band and a verdict.

    Raises
    ------
    AudioFileError
        If the file cannot be read to its end.
    """
    with AudioReader(path, allow_truncated=allow_truncated) as reader:
        bandwidth = measure_bandwidth(reader.blocks(), sample_rate=reader.sample_rate)
        return FileInfo(
            path=reader.path,
            format=reader.format,
            subtype=reader.subtype,
            sample_rate=reader.sample_rate,
            channels=reader.channels,
            frames=reader.frames,
            seconds=reader.seconds,
            bandwidth_hz=bandwidth,
            warnings=tuple(reader.warnings),
        )


class BandMeter:
    """Finds the frequency at which the band of a recording ends.

    That is where its long-term spectrum ends, or lower where the running estimator, which looks at a part of long
    recordings, held no higher cut-off: behind a soft or shallow low-pass the spectrum goes on far above the edge.

    The spectrum is Welch's average of windowed periodograms (P. D. Welch, IEEE Trans. Audio
    Electroacoust. 15, 1967; window: F. J. Harris, Proc. IEEE 66, 1978), summed over the channels.
    The band ends at the highest frequency within 90 dB of the peak, and above the dither of a 16-bit
    file (``cpp/include/novasr/band_verdict.hpp``). Images that a poor resampler left in the upper
    band are taken for sound.

    Windows overlap by half in the first ten seconds; from then on every fourth is as good, and counts
    four times.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._size = 2 * round(sample_rate / _BIN_HZ / 2)
        phase = 2 * np.pi * np.arange(self._size) / self._size
        self._window: npt.NDArray[np.float64] = np.sum(
            [a * np.cos(k * phase) for k, a in enumerate(_BLACKMAN_HARRIS)], axis=0
        )
        self._total = np.zeros(self._size // 2 + 1)
        self._windows = self._skip = 0
        self._rest: FloatArray | None = None
        self._cutoff = CutoffMeter(sample_rate)

    def add(self, block: FloatArray) -> None:
        """Take in the next block, shape (frames, channels), of any length.

        Full scale is at 1.0; NaN and infinite samples count as zero.
        """
        finite = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        block = np.clip(finite, -_LOUDEST, _LOUDEST)
        self._cutoff.add(block)
        skipped = min(self._skip, len(block))
        self._skip -= skipped
        rest = block[skipped:]
        if self._rest is not None and len(self._rest):
            rest = np.concatenate([self._rest, rest])
        while len(rest) >= self._size:
            weight = 1 if self._windows < _DENSE_WINDOWS else _SPARSE
            self._total += weight * _power(rest[: self._size], self._window)
            self._windows += weight
            hop = weight * self._size // 2
            self._skip = max(0, hop - len(rest))
            rest = rest[hop:]
        self._rest = rest

    @property
    def bandwidth_hz(self) -> float:
        """In Hz, 0 for silence, at most half of the sample rate."""
        total, windows = self._total, self._windows
        if windows == 0 and self._rest is not None:
            short = np.pad(self._rest, ((0, self._size - len(self._rest)), (0, 0)))
            total = _power(short, self._window)
        power = total / max(windows, 1) / np.sum(self._window**2)
        end_hz = _native.band_end_hz(power, self._sample_rate / self._size)
        return min(end_hz, self._cutoff.highest_hz or end_hz)


def measure_bandwidth(blocks: Iterable[FloatArray], *, sample_rate: int) -> float:
    """Find the frequency at which the band of a recording ends.

    Its long-term spectrum ends at the highest frequency within 90 dB of the peak and above the dither of a
    16-bit file; behind a soft or shallow low-pass the running estimator of the model ``"wide"`` finds the
    edge below that.

    Parameters
    ----------
    blocks : iterable of ndarray of float, shape (frames,) or (frames, channels)
        Consecutive blocks of any length, full scale at 1.0; the memory needed does not grow with
        their number.
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        In Hz, 0 for silence, at most half of `sample_rate`.

    Raises
    ------
    AudioFormatError
        If a block is of another shape or type.
    """
    check_count("sample_rate", sample_rate)
    meter = BandMeter(sample_rate)
    for block in blocks:
        meter.add(check_block(block))
    return meter.bandwidth_hz


def _power(frames: FloatArray, window: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    spectrum = np.fft.rfft((frames - frames.mean(axis=0)).T * window)
    power: npt.NDArray[np.float64] = np.sum(np.abs(spectrum) ** 2, axis=0)
    return power
