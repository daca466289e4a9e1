"""Full-band clips to pairs of what the network gets (16 kHz) and what it shall give (48 kHz)."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy import signal

from novasr.training.recipe import Degradation
from novasr.types import FloatArray

HIGH_HZ, LOW_HZ = 48_000, 16_000
MARGIN = 3 * 512  # frames at 48 kHz on both sides of a clip: filters ring there, not in the clip
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
PLAYED_BAND_HZ = 21_500.0  # what soxr leaves of the band after a change of speed


def change_speed(audio: FloatArray, speed: float, frames: int) -> FloatArray:
    """Play `audio` faster or slower, pitch and formants with it: a new speaker for free."""
    played: FloatArray = soxr.resample(audio, HIGH_HZ * speed, HIGH_HZ, quality="VHQ")
    return np.pad(played[:frames], (0, max(0, frames - len(played))))


def degrade(
    audio: FloatArray, chances: Degradation, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Make a pair of one clip with its margins.

    The clip's tone, room, noise and level change on both sides of the pair, as if it had been
    recorded otherwise; filter, codec and quantisation happen to the low side alone.

    Parameters
    ----------
    audio : ndarray of float32, shape (frames + 2 * MARGIN,)
        At 48 kHz; `frames` divisible by 3.
    chances : Degradation
        How often each thing happens.
    rng : numpy.random.Generator
        Where all chance comes from.

    Returns
    -------
    low, high : ndarray of float32, shape (frames / 3,) and (frames,)
        What the network gets, and what it shall give.
    """
    if rng.random() < chances.silence_chance:
        audio = np.zeros_like(audio)
    if rng.random() < chances.tone_chance:
        audio = change_tone(audio, chances.tone_db, rng)
    if rng.random() < chances.room_chance:
        audio = add_room(audio, rng)
    if rng.random() < chances.level_chance:
        audio = set_level(audio, rng.uniform(*chances.level_db))
    if rng.random() < chances.noise_chance:
        audio = add_noise(audio, rng.uniform(*chances.noise_db), rng)
    low = to_low_rate(audio, chances, rng)
    if rng.random() < chances.codec_chance:
        low = through_codec(low, _choice(chances.codecs, rng), rng)
    if rng.random() < chances.quantise_chance:
        low = _float32(np.round(low * 32767.0) / 32767.0)
    inner = slice(MARGIN // 3, len(low) - MARGIN // 3)
    return low[inner], audio[MARGIN:-MARGIN]


def change_tone(audio: FloatArray, range_db: float, rng: np.random.Generator) -> FloatArray:
    """Another microphone: a curve through six random gains between 50 Hz and 24 kHz."""
    hertz = np.fft.rfftfreq(len(audio), 1 / HIGH_HZ)
    knots = np.log2([50, 400, 1500, 4000, 9000, 24_000])
    gains = rng.uniform(-range_db, range_db, len(knots))
    curve = np.interp(np.log2(np.maximum(hertz, 50)), knots, gains)
    return _float32(np.fft.irfft(np.fft.rfft(audio) * 10 ** (curve / 20), len(audio)))


def add_room(audio: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Early part of a room: noise that decays within 50 to 300 ms (60 dB), 10 to 25 dB down."""
    decay = rng.uniform(0.05, 0.3)
    seconds = np.arange(int(0.1 * HIGH_HZ)) / HIGH_HZ
    echo = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / decay)
    echo *= 10 ** (-rng.uniform(10, 25) / 20) / np.sqrt(np.sum(echo**2))
    echo[0] += 1.0
    return _float32(signal.oaconvolve(audio, echo)[: len(audio)])


def set_level(audio: FloatArray, peak_db: float) -> FloatArray:
    """Scale so that the peak is at `peak_db`; silence stays."""
    peak = float(np.max(np.abs(audio)))
    return audio * np.float32(10 ** (peak_db / 20) / peak) if peak > 1e-4 else audio


def add_noise(audio: FloatArray, rms_db: float, rng: np.random.Generator) -> FloatArray:
    """Hiss between white and pink."""
    spectrum = np.fft.rfft(rng.standard_normal(len(audio)))
    hertz = np.fft.rfftfreq(len(audio), 1 / HIGH_HZ)
    spectrum *= np.maximum(hertz, 100.0) ** -rng.uniform(0.0, 0.5)
    noise = np.fft.irfft(spectrum, len(audio))
    noise *= 10 ** (rms_db / 20) / np.sqrt(np.mean(noise**2))
    return _float32(audio + noise)


def to_low_rate(audio: FloatArray, chances: Degradation, rng: np.random.Generator) -> FloatArray:
    """Come down to 16 kHz as one of many converters does, some behind a low-pass of their own."""
    if rng.random() < chances.telephone_chance:
        audio = zero_phase_low_pass(audio, "butterworth", 10, rng.uniform(3400, 4000))
    elif rng.random() < chances.filter_chance:
        cutoff_hz, order = rng.uniform(5500, 8000), int(rng.integers(2, 11))
        audio = zero_phase_low_pass(audio, _choice(chances.filters, rng), order, cutoff_hz)
    kind = rng.random()
    if kind < 0.75:
        quality = "VHQ" if kind < 0.5 else ("HQ" if kind < 0.65 else "MQ")
        low: FloatArray = soxr.resample(audio, HIGH_HZ, LOW_HZ, quality=quality)
        return low
    # windowed sincs from torchaudio's short one (6 zero crossings) to long ones
    crossings = int(rng.integers(6, 33))
    window = ("kaiser", rng.uniform(5.0, 15.0))
    taps = signal.firwin(6 * crossings + 1, rng.uniform(0.92, 0.99) / 3, window=window)
    return _float32(signal.resample_poly(audio, 1, 3, window=taps))


def zero_phase_low_pass(audio: FloatArray, family: str, order: int, cutoff_hz: float) -> FloatArray:
    """Apply the magnitude of an analogue filter of one of :data:`FILTERS` without its phase."""
    analogue = signal.iirfilter(
        order,
        cutoff_hz,
        rp=0.5,
        rs=60.0,
        btype="low",
        analog=True,
        ftype=FILTERS[family],
        output="zpk",
    )
    hertz = np.fft.rfftfreq(len(audio), 1 / HIGH_HZ)
    gain = np.abs(signal.freqs_zpk(*analogue, worN=hertz)[1])
    return _float32(np.fft.irfft(np.fft.rfft(audio) * gain, len(audio)))


def through_codec(low: FloatArray, codec: str, rng: np.random.Generator) -> FloatArray:
    """Encode and decode with one of libsndfile's :data:`CODECS`; the delay is taken out again."""
    rate = PHONE_HZ if codec == "gsm" else LOW_HZ
    how = {"compression_level": rng.uniform(0.2, 0.8)} if codec == "mp3" else {}
    container, subtype = CODECS[codec]
    memory = io.BytesIO()
    sent = soxr.resample(low, LOW_HZ, rate)
    if container == "WAV":  # whose integers would wrap around
        sent = np.clip(sent, -1.0, 1.0)
    soundfile.write(memory, sent, rate, format=container, subtype=subtype, **how)
    memory.seek(0)
    decoded = soundfile.read(memory, dtype="float32")[0]
    return align(soxr.resample(decoded, rate, LOW_HZ), low)


def align(decoded: FloatArray, reference: FloatArray) -> FloatArray:
    """Shift by the whole number of frames at which the two correlate best; same length as `reference`."""
    correlation = signal.correlate(decoded, reference, method="fft")
    delay = int(np.argmax(correlation)) - (len(reference) - 1)
    shifted = decoded[delay:] if delay >= 0 else np.pad(decoded, (-delay, 0))
    return np.pad(shifted[: len(reference)], (0, max(0, len(reference) - len(shifted))))


def _float32(audio: npt.ArrayLike) -> FloatArray:
    return np.asarray(audio, np.float32)


def _choice(names: Sequence[str], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]
