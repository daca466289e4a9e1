"""What happens around a system: the way to 16 kHz before it, the corrections after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import soxr
from scipy.signal import firwin, get_window, istft, oaconvolve, stft

from novasr.evaluation.signals import fit
from novasr.rates import MODEL_INPUT_HZ, MODEL_OUTPUT_HZ

if TYPE_CHECKING:
    from novasr.evaluation.signals import Array, Audio

_RATIO = MODEL_OUTPUT_HZ // MODEL_INPUT_HZ
_CROSSOVER_HZ = 7_100.0  # that of mode="extend"; above 7.3 kHz soxr's filter falls
_CROSSOVER_TAPS = 511


def by_soxr(audio: Audio) -> Array:
    """Bring 48 kHz to 16 kHz by soxr's VHQ: -125 dB from 8 kHz on, flat to 7.3 kHz."""
    return np.asarray(soxr.resample(np.asarray(audio, np.float64), 48_000, 16_000, "VHQ"))


def by_torchaudio(audio: Audio) -> Array:
    """Bring 48 kHz to 16 kHz by the filter of ``torchaudio.functional.resample``'s defaults.

    A sinc at 0.99 of 8 kHz under a squared cosine, 6 zero crossings wide (J. O. Smith, Digital Audio
    Resampling Home Page, 2002, as torchaudio's ``_get_sinc_resample_kernel`` has it).
    """
    crossings, rolloff = 6, 0.99
    half = int(np.ceil(crossings * _RATIO / rolloff))
    time = np.arange(-half, half + 1) * rolloff / _RATIO
    window = np.cos(np.pi / 2 * np.clip(time / crossings, -1, 1)) ** 2
    kernel = rolloff / _RATIO * np.sinc(time) * window
    filtered = np.convolve(np.asarray(audio, np.float64), kernel)[half:]
    return filtered[: len(audio) : _RATIO]


def by_mask(audio: Audio) -> Array:
    """Set all bins from 8 kHz on to zero, then keep every third sample.

    The mask is ssr_eval's ``stft_hard``: windows of 2048 samples, 441 apart.
    """
    size, hop = 2048, 441
    window = get_window("hann", size)
    options = {"window": window, "nperseg": size, "noverlap": size - hop}
    _, _, spectrum = stft(np.asarray(audio, np.float64), MODEL_OUTPUT_HZ, **options)
    spectrum[len(spectrum) // _RATIO :] = 0
    _, masked = istft(spectrum, MODEL_OUTPUT_HZ, **options)
    return np.asarray(masked)[: len(audio) : _RATIO]


DEGRADATIONS: dict[str, Callable[[Audio], Array]] = {
    "soxr": by_soxr,
    "torchaudio": by_torchaudio,
    "mask": by_mask,
}
USUAL_DEGRADATION = {"p1": "soxr", "p2": "mask"}


def sinc(low: Audio) -> Array:
    """Bring 16 kHz to 48 kHz by soxr's VHQ: all of the input's band and nothing above."""
    return np.asarray(soxr.resample(np.asarray(low, np.float64), 16_000, 48_000, "VHQ"))


def keep_low_band(estimate: Audio, low: Audio) -> Array:
    """Put the input's own band below 7.1 kHz in the place of the estimate's.

    A linear-phase crossover of 511 taps: below it the result is the input, above it the estimate, and
    two equal signals pass unchanged.

    Parameters
    ----------
    estimate : ndarray of float, shape (3 * frames,)
        At 48 kHz.
    low : ndarray of float, shape (frames,)
        What the system was given, at 16 kHz.
    """
    taps = firwin(_CROSSOVER_TAPS, _CROSSOVER_HZ, fs=MODEL_OUTPUT_HZ, window=("kaiser", 9.0))
    change = fit(sinc(low), len(estimate)) - estimate
    return np.asarray(estimate + oaconvolve(change, taps, mode="same"))


def match_gain(estimate: Audio, low: Audio, degrade: Callable[[Audio], Array]) -> Array:
    """Scale the estimate so that it comes closest to the input once it is at 16 kHz again.

    The gain is the least-squares one, so that it needs nothing but what the system was given.
    """
    back = fit(degrade(estimate), len(low))
    energy = back @ back
    return np.asarray(estimate * ((back @ low) / energy if energy > 0 else 1.0))
