"""Speak text with espeak-ng, sentence by sentence, at 48 kHz: the first words are heard while the rest is being made.

Usage: python tts_stream.py [OUT.raw] < TEXT; without a file, its samples of 16 bits go to stdout:
python tts_stream.py < TEXT | aplay -t raw -f S16_LE -r 48000

One stream for all sentences, so that the latency stays what it is.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import novasr

RATE = 22_050  # of espeak-ng's own voices
CHUNK = 441  # 20 ms
HEADER_BYTES = 44


def chunks(text: str):
    """Yield what espeak-ng says, as it comes."""
    for sentence in re.split(r"(?<=[.!?])\s+", text.strip()):
        command = ["espeak-ng", "--stdout", "--", sentence]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as voice:
            voice.stdout.read(HEADER_BYTES)
            while data := voice.stdout.read(2 * CHUNK):
                yield np.frombuffer(data, "<i2").astype(np.float32) / 32_768


def pcm(audio: np.ndarray) -> bytes:
    """Give samples of 16 bits."""
    return (32_767 * audio.clip(-1, 1)).round().astype("<i2").tobytes()


def main(destination: str | None = None) -> None:
    """Enhance every chunk when it comes, and write it at once."""
    stream, waited = novasr.Stream(RATE, output_rate=48_000), 0.0
    with Path(destination).open("wb") if destination else sys.stdout.buffer as file:
        for audio in chunks(sys.stdin.read()):
            came = time.perf_counter()
            file.write(pcm(stream.process(audio)))
            file.flush()
            waited = waited or time.perf_counter() - came
        file.write(pcm(stream.flush()))
    latency = f"latency {stream.latency / 48:.1f} ms"
    print(f"{latency}, first chunk out after {1e3 * waited:.1f} ms", file=sys.stderr)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        missing = error.filename == "espeak-ng"
        sys.exit("needs espeak-ng: apt-get install espeak-ng" if missing else str(error))
