"""Distances between a recording and its estimate, as plain functions on arrays.

Every array is one channel at the high rate of the task, full scale at 1.0, of any float type, unless a
function says otherwise; reference and estimate have the same length. An undefined score is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import soxr
from scipy.fft import rfft
from scipy.optimize import brentq
from scipy.signal import get_window, welch

from novasr.f0 import track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from novasr.families.task import Task
    from novasr.types import AnyFloatArray, DoubleArray

NARROWEST_HIGH_BAND_HZ = 1000.0

Distance = Literal["p1", "p2"]
_LSD_STFT = {"p1": (2048, 512), "p2": (2229, 480)}  # window and hop in samples
_MRSTFT_STFT = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))  # transform, hop, window
_MODULATION_STFT = (512, 240)
_MODULATION_SECONDS = 4.0
_OCTAVES_HZ = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_LEVEL_RANGE_DB = 60.0
_MOST_SHIFT_DB = 30.0  # what is lower still counts as missing
_MOST_GAIN = 10 ** (_MOST_SHIFT_DB / 10)
_LEAST_PERIODS = 2  # of an octave's lowest frequency, as 4 s have of 0.5 Hz
_INAUDIBLE_DB2 = 0.1
_SILENT_POWER = 1e-8
_VISQOL_RATE_HZ = 48_000
_F0_RANGE_HZ = (60.0, 800.0)
_GROSS_ERROR_CENTS = 1200 * np.log2(1.2)


def lsd(
    reference: AnyFloatArray,
    estimate: AnyFloatArray,
    task: Task,
    *,
    from_hz: float = 0.0,
    bandwidth_hz: float = np.inf,
    distance: Distance = "p1",
) -> dict[str, float]:
    """Measure the log-spectral distance over all frequencies, and on both sides of the input's band edge.

    ``"p1"`` is that of AP-BWE (Lu et al., IEEE/ACM TASLP 2024; ``cal_metrics.py``): log10 of the power,
    clamped at 1e-8, of windows of 2048 samples, 512 apart. ``"p2"`` is that of ssr_eval (Liu et al.,
    Interspeech 2022; ``metrics.py``): log10 of the power's ratio, with 1e-12 against
    division by zero, of windows of 2229 samples, 480 apart. Both take the root of the mean square
    over the bins, then the mean over time, and use periodic Hann windows, centred, the ends
    mirrored.

    Parameters
    ----------
    reference, estimate : ndarray of float, shape (frames,)
        The recording, and a system's output for its low band; at least 1116 frames.
    task : Task
        Rates and band.
    from_hz, bandwidth_hz : float
        Bins below the first and above the second are left out.
    distance : {"p1", "p2"}
        Whose formula.

    Returns
    -------
    dict of str to float
        ``lsd`` over all bins left, ``lsd_lf`` over those in the input's band and ``lsd_hf`` over those
        above it, which is NaN where the recording's band ends less than 1 kHz above.
    """
    real, made, hertz = _magnitudes(reference, estimate, task, distance)
    inside = (hertz >= from_hz) & (hertz <= bandwidth_hz)
    above = inside & (hertz >= task.band_hz)
    square = _log_ratio(real, made, distance) ** 2
    return {
        "lsd": _root_then_mean(square[:, inside]),
        "lsd_lf": _root_then_mean(square[:, inside & (hertz < task.band_hz)]),
        "lsd_hf": _root_then_mean(square[:, above]) if _has_high(task, bandwidth_hz) else np.nan,
    }


def detail(
    reference: AnyFloatArray,
    estimate: AnyFloatArray,
    task: Task,
    *,
    bandwidth_hz: float = np.inf,
    distance: Distance = "p1",
) -> dict[str, float]:
    """Split the log-spectral distance above the input's band into level and detail.

    The differences of log10 powers are those of :func:`lsd`, from the band's edge up, without the bins that are silent
    in both (power up to 1e-8). Their mean over all times and bins is the brightness; the distance that remains
    without it is the detail. A gain of the added band changes the brightness alone, unless it moves bins across 1e-8.

    Parameters
    ----------
    reference, estimate, task, bandwidth_hz, distance
        As for :func:`lsd`.

    Returns
    -------
    dict of str to float
        ``detail`` in the unit of ``lsd_hf``, and ``brightness`` in dB, positive where the estimate is too loud. Both
        are NaN where the recording's band ends less than 1 kHz above the input's, or where all is silent.
    """
    if not _has_high(task, bandwidth_hz):
        return {"detail": np.nan, "brightness": np.nan}
    whole_real, whole_made, hertz = _magnitudes(reference, estimate, task, distance)
    above = (hertz >= task.band_hz) & (hertz <= bandwidth_hz)
    real, made = whole_real[:, above], whole_made[:, above]
    heard = np.maximum(real, made) ** 2 > _SILENT_POWER
    if not heard.any():
        return {"detail": np.nan, "brightness": np.nan}
    difference = _log_ratio(real, made, distance)
    mean = float(difference[heard].mean())
    times = heard.any(axis=1)
    square = np.mean((difference[times] - mean) ** 2, axis=1, where=heard[times])
    return {"detail": float(np.sqrt(square).mean()), "brightness": -10 * mean}


def modulation(
    reference: AnyFloatArray, estimate: AnyFloatArray, task: Task, *, bandwidth_hz: float = np.inf
) -> float:
    """Compare how the level of each band above the input's rises and falls: its modulation spectrum.

    Modulation spectrum after S. Takamichi et al., IEEE/ACM TASLP 24(4), 2016; distance, bands, floor and octaves are
    this project's. The estimate is first brought to the reference's mean power above the band, by no more than 30 dB
    upwards. L(b, t) are the levels in dB of bands b of one equivalent rectangular bandwidth each every 5 ms, not lower
    than 60 dB below the mean of the reference's loudest band. P(b, m) is the power of L around its mean in dB^2 in
    octave m of 0.5 to 32 Hz (Welch's average of 4 s), without octaves of whose lowest frequency the recording has less
    than 2 periods. The distance is the root of the mean over b and m of
    (10 log10 ((P_estimate + 0.1) / (P_reference + 0.1)))^2; 0.1 dB^2 is a level that varies by 1 dB.

    Parameters
    ----------
    reference, estimate, task, bandwidth_hz
        As for :func:`lsd`.

    Returns
    -------
    float
        In dB, 0 for equal signals and for a scaled copy, unless it is more than 30 dB quieter. NaN where the
        recording's band ends less than 1 kHz above the input's or is silent there, and for less than 1/8 s.
    """
    if not _has_high(task, bandwidth_hz):
        return float("nan")
    top_hz = min(bandwidth_hz, task.high_hz / 2)
    real, made = (
        _band_powers(audio, task.high_hz, task.band_hz, top_hz) for audio in (reference, estimate)
    )
    floor = 10 ** (_LEVEL_RANGE_DB / -10) * real.mean(axis=0).max()
    if floor == 0:
        return float("nan")
    made = _as_loud(made, real)
    powers = [
        _octave_powers(10 * np.log10(np.maximum(power, floor)), task.high_hz)
        for power in (real, made)
    ]
    ratio = (powers[1] + _INAUDIBLE_DB2) / (powers[0] + _INAUDIBLE_DB2)
    return float(np.sqrt(np.mean((10 * np.log10(ratio)) ** 2))) if ratio.size else float("nan")


def distribution(
    reference: AnyFloatArray, estimate: AnyFloatArray, task: Task, *, bandwidth_hz: float = np.inf
) -> float:
    """Compare which levels the bins of each band above the input's take, at whatever time.

    Windows are those of the distance ``"p1"`` of :func:`lsd`, which resolve the harmonics of most voices. The
    estimate is first brought to the reference's mean power above the band, by no more than 30 dB upwards. Levels of
    bins, in dB, are not lower than 60 dB below the mean of the reference's loudest band; bands are one equivalent
    rectangular bandwidth each. In each band the estimate is moved, by no more than 30 dB, to where its mean level is
    the reference's, both with the floor, so that texture remains: noise or lines, pauses or none. The result is
    Wasserstein's distance of order 1 between the two distributions, the mean difference of the sorted levels
    (S. S. Vallender, Theory of Probability and its Applications 18(4), 1974), averaged over bands. Alignment, bands
    and floor are this project's.

    Parameters
    ----------
    reference, estimate, task, bandwidth_hz
        As for :func:`lsd`.

    Returns
    -------
    float
        In dB, 0 for equal signals and for a scaled copy, unless it is more than 60 dB quieter. NaN where the
        recording's band ends less than 1 kHz above the input's or is silent there, and for samples that are no numbers.
    """
    if not _has_high(task, bandwidth_hz):
        return float("nan")
    if not (np.isfinite(reference).all() and np.isfinite(estimate).all()):
        return float("nan")
    size, hop = _LSD_STFT["p1"]
    top_hz = min(bandwidth_hz, task.high_hz / 2)
    starts = erb_bands(size, task.high_hz, task.band_hz, top_hz)
    real, made = (
        _magnitude(audio, size, hop)[:, starts[0] : starts[-1]] ** 2
        for audio in (reference, estimate)
    )
    inner = starts[1:-1] - starts[0]
    loudest = max(band.mean() for band in np.split(real, inner, axis=1))
    if loudest == 0:
        return float("nan")
    floor = 10 ** (_LEVEL_RANGE_DB / -10) * loudest
    lowest = floor / _MOST_GAIN
    levels = (
        10 * np.log10(np.maximum(power, lowest) / floor) for power in (real, _as_loud(made, real))
    )
    bands = zip(*(np.split(level, inner, axis=1) for level in levels), strict=True)
    return float(np.mean([_wasserstein(*pair) for pair in bands]))


def _wasserstein(real: DoubleArray, made: DoubleArray) -> float:
    """Measure the distance of two sets of as many levels in dB over the floor, their means made equal."""
    real, made = (np.sort(levels, axis=None) for levels in (np.maximum(real, 0), made))
    return float(np.abs(real - np.maximum(made + _shift(real.mean(), made), 0)).mean())


def _shift(mean: float, levels: DoubleArray) -> float:
    """Find what brings levels in dB over the floor to a mean with it."""

    def too_much(shift: float) -> float:
        return float(np.maximum(levels + shift, 0).mean() - mean)

    if too_much(_MOST_SHIFT_DB) <= 0:
        return _MOST_SHIFT_DB
    if too_much(-_MOST_SHIFT_DB) >= 0:
        return -_MOST_SHIFT_DB
    return float(brentq(too_much, -_MOST_SHIFT_DB, _MOST_SHIFT_DB))


def _as_loud(made: DoubleArray, real: DoubleArray) -> DoubleArray:
    """Scale powers to the same mean, within limits; silence stays."""
    return made * min(real.mean() / made.mean(), _MOST_GAIN) if made.any() else made


def _band_powers(
    audio: AnyFloatArray, rate_hz: int, bottom_hz: float, top_hz: float
) -> DoubleArray:
    """Sum the power of bands of one ERB each: shape (times, bands)."""
    size, hop = _MODULATION_STFT
    power = _magnitude(audio, size, hop) ** 2
    starts = erb_bands(size, rate_hz, bottom_hz, top_hz)
    return np.asarray(np.add.reduceat(power[:, : starts[-1]], starts[:-1], axis=1))


def erb_bands(size: int, rate_hz: int, bottom_hz: float, top_hz: float) -> NDArray[np.intp]:
    """Divide the bins of a transform into bands of about one equivalent rectangular bandwidth each.

    Returns
    -------
    ndarray of int, shape (bands + 1,)
        The first bin of each band, and the end of the last.
    """
    numbers = _erb_number(np.arange(size // 2 + 1) * rate_hz / size)
    bottom, top = _erb_number(np.array([bottom_hz, top_hz]))
    edges = np.linspace(bottom, top, max(1, round(top - bottom)) + 1)
    return np.searchsorted(numbers, edges)


def _erb_number(hertz: DoubleArray) -> DoubleArray:
    """Count equivalent rectangular bandwidths (Glasberg and Moore, Hearing Research 47, 1990)."""
    return np.asarray(21.4 * np.log10(1 + 0.00437 * hertz))


def _octave_powers(levels: DoubleArray, rate_hz: int) -> DoubleArray:
    """Give the power of each octave of modulation: shape (octaves, bands), in the square of the level's unit."""
    times_per_second = rate_hz / _MODULATION_STFT[1]
    size = round(_MODULATION_SECONDS * times_per_second)
    length = min(size, len(levels))
    hertz, density = welch(levels, times_per_second, nperseg=length, nfft=size, axis=0)
    lowest_hz = _LEAST_PERIODS * times_per_second / length
    octaves = [(hertz >= low) & (hertz < 2 * low) for low in _OCTAVES_HZ if low >= lowest_hz]
    powers = [density[inside].sum(axis=0) * hertz[1] for inside in octaves]
    return np.reshape(powers, (len(octaves), levels.shape[1]))


def si_sdr(reference: AnyFloatArray, estimate: AnyFloatArray) -> float:
    """Measure the scale-invariant ratio of signal to distortion (Le Roux et al., ICASSP 2019).

    Returns
    -------
    float
        In dB; infinite for a scaled copy, NaN if either is silent.
    """
    real = np.asarray(reference, np.float64)
    made = np.asarray(estimate, np.float64)
    energy = real @ real
    if energy == 0 or not made.any():
        return float("nan")
    target = (made @ real) / energy * real
    return _ratio_db(target, made - target)


def snr(reference: AnyFloatArray, estimate: AnyFloatArray) -> float:
    """Measure the ratio of the reference's energy to that of the difference.

    Returns
    -------
    float
        In dB, at any common rate; infinite if the two are equal, NaN if the reference is silent.
    """
    real = np.asarray(reference, np.float64)
    if not real.any():
        return float("nan")
    return _ratio_db(real, real - estimate)


def mrstft(
    reference: AnyFloatArray, estimate: AnyFloatArray, task: Task, *, bandwidth_hz: float = np.inf
) -> float:
    """Measure the multi-resolution STFT distance (Yamamoto et al., ICASSP 2020, equations 4 to 6).

    Spectral convergence plus the mean difference of the natural logarithms, mean of three
    resolutions; powers are clamped at 1e-7.

    Parameters
    ----------
    reference, estimate : ndarray of float, shape (frames,)
        At least 1025 frames.
    task : Task
        Rates and band.
    bandwidth_hz : float
        Bins above it are left out.

    Returns
    -------
    float
        Without unit, 0 for equal signals.
    """
    distances = []
    for size, hop, window in _MRSTFT_STFT:
        inside = np.arange(size // 2 + 1) * task.high_hz / size <= bandwidth_hz
        real, made = (
            np.maximum(_magnitude(audio, size, hop, window)[:, inside], 1e-7**0.5)
            for audio in (reference, estimate)
        )
        convergence = np.linalg.norm(real - made) / np.linalg.norm(real)
        distances.append(convergence + np.abs(np.log(real) - np.log(made)).mean())
    return float(np.mean(distances))


def f0_error(reference: AnyFloatArray, estimate: AnyFloatArray, task: Task) -> dict[str, float]:
    """Compare the fundamental frequency, every 10 ms.

    F0 comes from DIO, refined by StoneMask (Morise et al., IEICE Trans. E99-D, 2016), on both signals
    at 16 kHz, where speech and song have their fundamental. A frame counts as a gross error where
    the two are more than 20 % apart (Rabiner et al., IEEE Trans. ASSP 24, 1976).

    Returns
    -------
    dict of str to float
        ``f0_cents``, the RMS error in cents over frames voiced in both, without gross errors;
        ``f0_gross``, gross errors in percent of the frames voiced in both; ``voicing``, frames that
        are voiced in one only, in percent of all.
    """
    real, made = (fundamental(audio, task.high_hz) for audio in (reference, estimate))
    voiced = (real > 0) & (made > 0)
    cents = 1200 * np.log2(made[voiced] / real[voiced])
    fine = cents[np.abs(cents) <= _GROSS_ERROR_CENTS]
    return {
        "f0_cents": float(np.sqrt(np.mean(fine**2))) if len(fine) else np.nan,
        "f0_gross": 100 * (1 - len(fine) / len(cents)) if len(cents) else np.nan,
        "voicing": 100 * float(np.mean((real > 0) != (made > 0))),
    }


def fundamental(audio: AnyFloatArray, rate_hz: int) -> DoubleArray:
    """Track the fundamental frequency from 60 to 800 Hz.

    Returns
    -------
    ndarray of float64, shape (1 + frames // (rate_hz / 100),)
        In Hz, one value every 10 ms, 0 where there is no voice.
    """
    floor, ceiling = _F0_RANGE_HZ
    return track(audio, rate_hz, method="dio", floor_hz=floor, ceiling_hz=ceiling)


def visqol(reference: AnyFloatArray, estimate: AnyFloatArray, task: Task) -> float:
    """Score with ViSQOL v3 in audio mode (Chinen et al., QoMEX 2020), as visqol-python computes it, at 48 kHz.

    Returns
    -------
    float
        MOS-LQO, about 1 to 4.75.
    """
    from visqol import VisqolApi

    scorer = VisqolApi()
    scorer.create(mode="audio")
    real, made = (
        soxr.resample(np.asarray(audio, np.float64), task.high_hz, _VISQOL_RATE_HZ, "VHQ")
        for audio in (reference, estimate)
    )
    return float(scorer.measure_from_arrays(real, made, _VISQOL_RATE_HZ).moslqo)


def _has_high(task: Task, bandwidth_hz: float) -> bool:
    return bandwidth_hz >= task.band_hz + NARROWEST_HIGH_BAND_HZ


def _magnitudes(
    reference: AnyFloatArray, estimate: AnyFloatArray, task: Task, distance: Distance
) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Transform both as a distance does: shape (times, bins), and each bin's frequency in Hz."""
    size, hop = _LSD_STFT[distance]
    real, made = (_magnitude(audio, size, hop) for audio in (reference, estimate))
    return real, made, np.arange(real.shape[1]) * task.high_hz / size


def _log_ratio(real: DoubleArray, made: DoubleArray, distance: Distance) -> DoubleArray:
    if distance == "p1":
        levels = (np.log10(np.maximum(item**2, _SILENT_POWER)) for item in (real, made))
        return np.asarray(np.subtract(*levels))
    return np.asarray(np.log10(real**2 / (made + 1e-12) ** 2 + 1e-12))


def _magnitude(audio: AnyFloatArray, size: int, hop: int, window: int | None = None) -> DoubleArray:
    """Transform as ``torch.stft`` does by default: shape (times, size // 2 + 1)."""
    padded = np.pad(np.asarray(audio, np.float64), size // 2, mode="reflect")
    weights = np.zeros(size)
    width = window or size
    start = (size - width) // 2
    weights[start : start + width] = get_window("hann", width)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.asarray(np.abs(rfft(windows * weights, axis=1)))


def _root_then_mean(square: DoubleArray) -> float:
    return float(np.sqrt(square.mean(axis=1)).mean())


def _ratio_db(signal: DoubleArray, noise: DoubleArray) -> float:
    with np.errstate(divide="ignore"):
        return float(10 * np.log10((signal @ signal) / (noise @ noise)))
