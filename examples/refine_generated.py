"""Give generated speech, of a TTS at 22.05 kHz or a vocoder at 16 kHz, the texture of a recording at 48 kHz.

Usage: python refine_generated.py [tts|vocoder] OUT.wav < TEXT

tts: espeak-ng reads the text. vocoder: WORLD, at 16 kHz, makes the same speech anew from its pitch and spectrum, as the
vocoder behind an acoustic model does. The model wide takes a few milliseconds, studio (the package novasr-studio) some
time: here both are compared.
"""

import subprocess
import sys
import time

import numpy as np
import soundfile as sf
import soxr

import novasr

HEADER_BYTES = 44
TTS_HZ, VOCODER_HZ = 22_050, 16_000


def spoken(text: str) -> np.ndarray:
    """Give what espeak-ng says, at 22.05 kHz."""
    command = ["espeak-ng", "--stdout", "--", text]
    wave = subprocess.run(command, capture_output=True, check=True).stdout[HEADER_BYTES:]
    return np.frombuffer(wave, "<i2").astype(np.float32) / 32_768


def vocoded(audio: np.ndarray) -> np.ndarray:
    """Analyse and synthesise at 16 kHz."""
    import pyworld

    low = soxr.resample(audio.astype(np.float64), TTS_HZ, VOCODER_HZ)
    return pyworld.synthesize(*pyworld.wav2world(low, VOCODER_HZ), VOCODER_HZ).astype(np.float32)


def main(kind: str, destination: str) -> None:
    """Speak, enhance, and tell how long it took."""
    audio, rate = spoken(sys.stdin.read()), TTS_HZ
    if kind == "vocoder":
        audio, rate = vocoded(audio), VOCODER_HZ
    for model in ("wide", "studio"):
        started = time.perf_counter()
        made = novasr.enhance(audio, rate, model=model)
        speed = len(audio) / rate / (time.perf_counter() - started)
        print(f"{model}: {speed:.0f}x real time")
    sf.write(destination, made, 48_000)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is missing: apt-get install espeak-ng")
