"""Full-band clips to pairs of input at the low rate and target at the high one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import soxr
from scipy import signal

from novasr.training.codecs import through_codec
from novasr.training.filters import zero_phase_low_pass
from novasr.training.narrow import narrow
from novasr.training.recipe import Degradation
from novasr.types import FloatArray

if TYPE_CHECKING:
    from novasr.families.task import Task

_MARGIN_SECONDS = 0.032
_TONE_KNOTS_HZ = (50, 400, 1500, 4000, 9000)  # and half the rate
_TILT_FROM_HZ = 1_000.0
_LOWEST_CUTOFF = 0.6875  # of the input's band
_ROOM_DB = -60.0  # reverberation time is measured there
_RESAMPLED_BAND = 43 / 48  # of what soxr's output could hold: its passband


def margin_frames(task: Task) -> int:
    """Count the output frames on both sides of a clip in which filters ring instead of in the clip."""
    return task.ratio * round(_MARGIN_SECONDS * task.low_hz)


def resampled_band_hz(task: Task) -> float:
    """Tell where the band of a recording ends that was resampled: by its rate, or to change its speed."""
    return task.high_hz / 2 * _RESAMPLED_BAND


def change_speed(audio: FloatArray, speed: float, frames: int, rate_hz: int) -> FloatArray:
    """Play `audio` faster or slower; pitch and formants move too, as if another voice spoke."""
    played: FloatArray = soxr.resample(audio, rate_hz * speed, rate_hz, quality="VHQ")
    return np.pad(played[:frames], (0, max(0, frames - len(played))))


def degrade(
    audio: FloatArray, chances: Degradation, task: Task, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, float]:
    """Make an input and its target from one clip with its margins.

    Augmentations (tone, room, noise, level) apply to both, as if the clip had been recorded differently;
    degradations (low-pass, resampler, codec, quantisation) to the input only.

    Parameters
    ----------
    audio : ndarray of float32, shape (frames + 2 * margin_frames(task),)
        At the high rate; `frames` divisible by the task's ratio.
    chances : Degradation
        Probabilities and ranges.
    task : Task
        Rates and band.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    low, high : ndarray of float32, shape (frames / ratio,) and (frames,)
        The network's input and its target.
    cutoff_hz : float
        Where the input's band ends, with the recipe's error; of a task with one band, the place that it has.
    """
    rate_hz, margin = task.high_hz, margin_frames(task)
    if rng.random() < chances.silence_chance:
        audio = np.zeros_like(audio)
    if chances.onset_chance > 0 and rng.random() < chances.onset_chance:
        audio = _from(audio, int(rng.integers(len(audio))))
    if rng.random() < chances.tone_chance:
        audio = change_tone(audio, chances.tone_db, rate_hz, rng)
    if chances.tilt_chance > 0 and rng.random() < chances.tilt_chance:
        audio = tilt(audio, rng.uniform(*chances.tilt_db), rate_hz)
    if rng.random() < chances.room_chance:
        audio = add_room(audio, rate_hz, rng)
    if chances.noise_below_peak:
        audio = _with_noise(audio, _peak(audio), chances, rate_hz, rng)
    if rng.random() < chances.level_chance:
        audio = set_level(audio, rng.uniform(*chances.level_db))
    if not chances.noise_below_peak:
        audio = _with_noise(audio, 1.0, chances, rate_hz, rng)
    if task.any_band:
        low, cutoff_hz = narrow(audio, chances, task, rng)
        cutoff_hz *= rng.uniform(1 - chances.cutoff_error, 1 + chances.cutoff_error)
    else:
        low, cutoff_hz = to_low_rate(audio, chances, task, rng), task.band_hz
        if rng.random() < chances.codec_chance:
            low = through_codec(low, _choice(chances.codecs, rng), task.low_hz, rng)
    if rng.random() < chances.quantise_chance:
        low = _float32(np.round(low * 32767.0) / 32767.0)
    low_margin = margin // task.ratio
    return low[low_margin:-low_margin], audio[margin:-margin], cutoff_hz


def change_tone(
    audio: FloatArray, range_db: float, rate_hz: int, rng: np.random.Generator
) -> FloatArray:
    """Apply a random equaliser, as another microphone would: a curve through one gain at each knot."""
    hertz = np.fft.rfftfreq(len(audio), 1 / rate_hz)
    highest = rate_hz / 2
    knots = np.log2([*(knot for knot in _TONE_KNOTS_HZ if knot < highest), highest])
    gains = rng.uniform(-range_db, range_db, len(knots))
    curve = np.interp(np.log2(np.maximum(hertz, 50)), knots, gains)
    return _float32(np.fft.irfft(np.fft.rfft(audio) * 10 ** (curve / 20), len(audio)))


def tilt(audio: FloatArray, gain_db: float, rate_hz: int) -> FloatArray:
    """Make brighter or darker: a straight line over octaves from 1 kHz to `gain_db` at half the rate."""
    octaves = np.log2(
        np.maximum(np.fft.rfftfreq(len(audio), 1 / rate_hz), _TILT_FROM_HZ) / _TILT_FROM_HZ
    )
    curve = gain_db * octaves / octaves[-1]
    return _float32(np.fft.irfft(np.fft.rfft(audio) * 10 ** (curve / 20), len(audio)))


def add_room(audio: FloatArray, rate_hz: int, rng: np.random.Generator) -> FloatArray:
    """Add early reflections: noise that decays by 60 dB in 50 to 300 ms, 10 to 25 dB down."""
    decay = rng.uniform(0.05, 0.3)
    seconds = np.arange(int(0.1 * rate_hz)) / rate_hz
    echo = rng.standard_normal(len(seconds)) * 10 ** (_ROOM_DB / 20 * seconds / decay)
    echo *= 10 ** (-rng.uniform(10, 25) / 20) / np.sqrt(np.sum(echo**2))
    echo[0] += 1.0
    return _float32(signal.oaconvolve(audio, echo)[: len(audio)])


def set_level(audio: FloatArray, peak_db: float) -> FloatArray:
    """Scale so that the peak is at `peak_db`; silence stays."""
    peak = _peak(audio)
    return audio * np.float32(10 ** (peak_db / 20) / peak) if peak > 1e-4 else audio


def _from(audio: FloatArray, start: int) -> FloatArray:
    """Replace what lies before `start` by digital silence."""
    return np.concatenate([np.zeros(start, np.float32), audio[start:]])


def _peak(audio: FloatArray) -> float:
    return float(np.max(np.abs(audio)))


def _with_noise(
    audio: FloatArray,
    reference: float,
    chances: Degradation,
    rate_hz: int,
    rng: np.random.Generator,
) -> FloatArray:
    if rng.random() >= chances.noise_chance:
        return audio
    rms = reference * 10 ** (rng.uniform(*chances.noise_db) / 20)
    return add_noise(audio, rms, chances.noise_fall, rate_hz, rng)


def add_noise(
    audio: FloatArray,
    rms: float,
    falls: tuple[float, float],
    rate_hz: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Add noise whose amplitude falls with a power of the frequency, drawn from a range."""
    spectrum = np.fft.rfft(rng.standard_normal(len(audio)))
    hertz = np.fft.rfftfreq(len(audio), 1 / rate_hz)
    spectrum *= np.maximum(hertz, 100.0) ** -rng.uniform(*falls)
    noise = np.fft.irfft(spectrum, len(audio))
    noise *= rms / np.sqrt(np.mean(noise**2))
    return _float32(audio + noise)


def to_low_rate(
    audio: FloatArray, chances: Degradation, task: Task, rng: np.random.Generator
) -> FloatArray:
    """Downsample with a randomly chosen resampler, sometimes after a low-pass filter."""
    rate_hz = task.high_hz
    if rng.random() < chances.telephone_chance:
        audio = zero_phase_low_pass(audio, "butterworth", 10, rng.uniform(3400, 4000), rate_hz)
    elif rng.random() < chances.filter_chance:
        cutoff_hz = rng.uniform(_LOWEST_CUTOFF * task.band_hz, task.band_hz)
        order = int(rng.integers(2, 11))
        design = _choice(chances.filters, rng)
        audio = zero_phase_low_pass(audio, design, order, cutoff_hz, rate_hz)
    kind = rng.random()
    if kind < 0.75:
        quality = "VHQ" if kind < 0.5 else ("HQ" if kind < 0.65 else "MQ")
        low: FloatArray = soxr.resample(audio, rate_hz, task.low_hz, quality=quality)
        return low
    # windowed sincs from torchaudio's short one (6 zero crossings) to long ones
    crossings = int(rng.integers(6, 33))
    window = ("kaiser", rng.uniform(5.0, 15.0))
    ratio = task.ratio
    taps = signal.firwin(2 * ratio * crossings + 1, rng.uniform(0.92, 0.99) / ratio, window=window)
    return _float32(signal.resample_poly(audio, 1, ratio, window=taps))


def _float32(audio: npt.ArrayLike) -> FloatArray:
    return np.asarray(audio, np.float32)


def _choice(names: Sequence[str], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]
