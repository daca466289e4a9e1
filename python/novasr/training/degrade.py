"""Full-band clips to pairs of input at the low rate and target at the high one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy import signal

from novasr.training.recipe import Degradation
from novasr.types import FloatArray

if TYPE_CHECKING:
    from novasr.families.task import Task

PHONE_HZ = 8_000
FILTERS = {  # scipy's names of them
    "butterworth": "butter",
    "chebyshev": "cheby1",
    "elliptic": "ellip",
    "bessel": "bessel_mag",
}
CODECS = {  # libsndfile's
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ulaw": ("WAV", "ULAW"),
    "gsm": ("WAV", "GSM610"),
}
_MARGIN = 512  # input frames
_TONE_KNOTS_HZ = (50, 400, 1500, 4000, 9000)  # and half the rate
_LOWEST_CUTOFF = 0.6875  # of the input's band
_ROOM_DB = -60.0  # reverberation time is measured there
_RESAMPLED_BAND = 43 / 48  # of what soxr's output could hold: its passband


def margin_frames(task: Task) -> int:
    """Count the output frames on both sides of a clip in which filters ring instead of in the clip."""
    return task.ratio * _MARGIN


def resampled_band_hz(task: Task) -> float:
    """Tell where the band of a recording ends that was resampled: by its rate, or to change its speed."""
    return task.high_hz / 2 * _RESAMPLED_BAND


def change_speed(audio: FloatArray, speed: float, frames: int, rate_hz: int) -> FloatArray:
    """Play `audio` faster or slower; pitch and formants move too, as if another voice spoke."""
    played: FloatArray = soxr.resample(audio, rate_hz * speed, rate_hz, quality="VHQ")
    return np.pad(played[:frames], (0, max(0, frames - len(played))))


def degrade(
    audio: FloatArray, chances: Degradation, task: Task, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
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
    """
    rate_hz, margin = task.high_hz, margin_frames(task)
    if rng.random() < chances.silence_chance:
        audio = np.zeros_like(audio)
    if rng.random() < chances.tone_chance:
        audio = change_tone(audio, chances.tone_db, rate_hz, rng)
    if rng.random() < chances.room_chance:
        audio = add_room(audio, rate_hz, rng)
    if rng.random() < chances.level_chance:
        audio = set_level(audio, rng.uniform(*chances.level_db))
    if rng.random() < chances.noise_chance:
        audio = add_noise(audio, rng.uniform(*chances.noise_db), rate_hz, rng)
    low = to_low_rate(audio, chances, task, rng)
    if rng.random() < chances.codec_chance:
        low = through_codec(low, _choice(chances.codecs, rng), task.low_hz, rng)
    if rng.random() < chances.quantise_chance:
        low = _float32(np.round(low * 32767.0) / 32767.0)
    return low[_MARGIN:-_MARGIN], audio[margin:-margin]


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
    peak = float(np.max(np.abs(audio)))
    return audio * np.float32(10 ** (peak_db / 20) / peak) if peak > 1e-4 else audio


def add_noise(
    audio: FloatArray, rms_db: float, rate_hz: int, rng: np.random.Generator
) -> FloatArray:
    """Add noise between white and pink."""
    spectrum = np.fft.rfft(rng.standard_normal(len(audio)))
    hertz = np.fft.rfftfreq(len(audio), 1 / rate_hz)
    spectrum *= np.maximum(hertz, 100.0) ** -rng.uniform(0.0, 0.5)
    noise = np.fft.irfft(spectrum, len(audio))
    noise *= 10 ** (rms_db / 20) / np.sqrt(np.mean(noise**2))
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


def zero_phase_low_pass(
    audio: FloatArray, design: str, order: int, cutoff_hz: float, rate_hz: int
) -> FloatArray:
    """Apply the magnitude response of an analogue filter, one of :data:`FILTERS`, without its phase."""
    analogue = signal.iirfilter(
        order,
        cutoff_hz,
        rp=0.5,
        rs=60.0,
        btype="low",
        analog=True,
        ftype=FILTERS[design],
        output="zpk",
    )
    hertz = np.fft.rfftfreq(len(audio), 1 / rate_hz)
    gain = np.abs(signal.freqs_zpk(*analogue, worN=hertz)[1])
    return _float32(np.fft.irfft(np.fft.rfft(audio) * gain, len(audio)))


def through_codec(
    low: FloatArray, codec: str, rate_hz: int, rng: np.random.Generator
) -> FloatArray:
    """Encode and decode with one of libsndfile's :data:`CODECS`, and compensate its delay."""
    codec_hz = PHONE_HZ if codec == "gsm" else rate_hz
    how = {"compression_level": rng.uniform(0.2, 0.8)} if codec == "mp3" else {}
    container, subtype = CODECS[codec]
    memory = io.BytesIO()
    sent = soxr.resample(low, rate_hz, codec_hz)
    if container == "WAV":  # whose integers would wrap around
        sent = np.clip(sent, -1.0, 1.0)
    soundfile.write(memory, sent, codec_hz, format=container, subtype=subtype, **how)
    memory.seek(0)
    decoded = soundfile.read(memory, dtype="float32")[0]
    return align(soxr.resample(decoded, codec_hz, rate_hz), low)


def align(decoded: FloatArray, reference: FloatArray) -> FloatArray:
    """Shift by the whole number of frames at which the two correlate best, to the length of `reference`."""
    correlation = signal.correlate(decoded, reference, method="fft")
    delay = int(np.argmax(correlation)) - (len(reference) - 1)
    shifted = decoded[delay:] if delay >= 0 else np.pad(decoded, (-delay, 0))
    return np.pad(shifted[: len(reference)], (0, max(0, len(reference) - len(shifted))))


def _float32(audio: npt.ArrayLike) -> FloatArray:
    return np.asarray(audio, np.float32)


def _choice(names: Sequence[str], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]
