"""Codecs of libsndfile, whose results are the same on every machine."""

from __future__ import annotations

import io

import numpy as np
import soundfile
import soxr
from scipy import signal

from novasr.types import FloatArray

PHONE_HZ = 8_000
CODECS = {  # libsndfile's
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ulaw": ("WAV", "ULAW"),
    "gsm": ("WAV", "GSM610"),
}


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
