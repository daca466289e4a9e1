"""What happens around a system: the degradation before it, the corrections after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import soxr
from scipy.signal import firwin, get_window, istft, oaconvolve, stft

from novasr.errors import ParameterError
from novasr.evaluation.signals import fit

if TYPE_CHECKING:
    from novasr.families.task import Task
    from novasr.types import AnyFloatArray, DoubleArray

_CROSSOVER = 0.8875  # of the input's band, as in mode="extend"; from 0.91 on soxr's filter falls
_CROSSOVER_TAPS = 511


def by_soxr(audio: AnyFloatArray, task: Task) -> DoubleArray:
    """Downsample with soxr's VHQ: flat to 0.91 of the low rate's band, -125 dB above it."""
    samples = np.asarray(audio, np.float64)
    return np.asarray(soxr.resample(samples, task.high_hz, task.low_hz, "VHQ"))


def by_torchaudio(audio: AnyFloatArray, task: Task) -> DoubleArray:
    """Downsample with the default filter of ``torchaudio.functional.resample``.

    A sinc at 0.99 of the low rate's band under a squared cosine, 6 zero crossings wide (J. O. Smith, Digital Audio
    Resampling Home Page, 2002, as torchaudio's ``_get_sinc_resample_kernel`` has it).
    """
    crossings, rolloff, ratio = 6, 0.99, task.ratio
    half = int(np.ceil(crossings * ratio / rolloff))
    time = np.arange(-half, half + 1) * rolloff / ratio
    window = np.cos(np.pi / 2 * np.clip(time / crossings, -1, 1)) ** 2
    kernel = rolloff / ratio * np.sinc(time) * window
    filtered = np.convolve(np.asarray(audio, np.float64), kernel)[half:]
    return filtered[: len(audio) : ratio]


def by_mask(audio: AnyFloatArray, task: Task) -> DoubleArray:
    """Zero all bins above the low rate's band, then decimate.

    The mask is ssr_eval's ``stft_hard``: windows of 2048 samples, 441 apart.
    """
    size, hop = 2048, 441
    window = get_window("hann", size)
    options = {"window": window, "nperseg": size, "noverlap": size - hop}
    _, _, spectrum = stft(np.asarray(audio, np.float64), task.high_hz, **options)
    spectrum[len(spectrum) // task.ratio :] = 0
    _, masked = istft(spectrum, task.high_hz, **options)
    return np.asarray(masked)[: len(audio) : task.ratio]


def has_whole_ratio(task: Task) -> bool:
    """Tell whether the high rate is a whole multiple of the low one."""
    return task.high_hz % task.low_hz == 0


def extended_frames(frames: int, task: Task) -> int:
    """Tell how many frames at the high rate last as long as these at the low one."""
    return round(frames * task.high_hz / task.low_hz)


def require_degradation(name: str, task: Task) -> None:
    """Fail early where a downsampling cannot reach a rate.

    Raises
    ------
    ParameterError
        If it needs a whole ratio of rates and there is none.
    """
    if name != "soxr" and not has_whole_ratio(task):
        msg = (
            f"degradation {name!r} needs a whole ratio of rates, not {task.high_hz} to {task.low_hz} Hz: "
            f"use 'soxr', or a band of {task.high_hz / 2000:g} kHz over a whole number"
        )
        raise ParameterError(msg)


DEGRADATIONS: dict[str, Callable[[AnyFloatArray, Task], DoubleArray]] = {
    "soxr": by_soxr,
    "torchaudio": by_torchaudio,
    "mask": by_mask,
}
USUAL_DEGRADATION = {"p1": "soxr", "p2": "mask"}


def sinc(low: AnyFloatArray, task: Task) -> DoubleArray:
    """Upsample with soxr's VHQ: all of the input's band and nothing above."""
    samples = np.asarray(low, np.float64)
    return np.asarray(soxr.resample(samples, task.low_hz, task.high_hz, "VHQ"))


def crossover_hz(task: Task) -> float:
    """Tell below which frequency :func:`keep_low_band` takes the input."""
    return _CROSSOVER * task.band_hz


def keep_low_band(estimate: AnyFloatArray, low: AnyFloatArray, task: Task) -> DoubleArray:
    """Replace the estimate below :func:`crossover_hz` by the input.

    A linear-phase crossover of 511 taps: below it the result is the input, above it the estimate, and
    two equal signals pass unchanged.

    Parameters
    ----------
    estimate : ndarray of float, shape (high_frames,)
        At the high rate.
    low : ndarray of float, shape (frames,)
        The system's input.
    task : Task
        Rates and band.
    """
    window = ("kaiser", 9.0)
    taps = firwin(_CROSSOVER_TAPS, crossover_hz(task), fs=task.high_hz, window=window)
    change = fit(sinc(low, task), len(estimate)) - estimate
    return np.asarray(estimate + oaconvolve(change, taps, mode="same"))


def match_gain(
    estimate: AnyFloatArray, low: AnyFloatArray, degrade: Callable[[AnyFloatArray], DoubleArray]
) -> DoubleArray:
    """Scale the estimate so that, degraded again, it comes closest to the input.

    The gain is the least-squares one and depends on nothing but the system's input.
    """
    back = fit(degrade(estimate), len(low))
    energy = back @ back
    return np.asarray(estimate * ((back @ low) / energy if energy > 0 else 1.0))
