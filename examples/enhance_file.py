"""Enhance a recording block by block, while what is added swells and fades.

Usage: python enhance_file.py IN OUT

For a file as it is there is `novasr.enhance_file`; this shows the stream below it.
"""

import math
import sys

import numpy as np
import soundfile as sf

import novasr

BLOCK = 480


def main(source: str, destination: str) -> None:
    """Read `source`, write `destination` at 48 kHz, aligned with it."""
    with sf.SoundFile(source) as read:
        stream = novasr.Stream(read.samplerate, read.channels, output_rate=48_000)
        late = stream.latency  # frames that come out before the recording does
        with sf.SoundFile(destination, "w", 48_000, read.channels, "PCM_24") as write:

            def put(audio: np.ndarray) -> None:
                nonlocal late
                write.write(audio[late:])
                late -= min(late, len(audio))

            while len(block := read.read(BLOCK, dtype="float32", always_2d=True)):
                put(stream.process(block))
                seconds = read.tell() / read.samplerate
                stream.set(high_band_gain_db=-12 + 12 * math.cos(math.tau * seconds / 4))
            put(stream.flush())
        print(f"{destination}: {read.frames / read.samplerate:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: enhance_file.py IN OUT")
    main(*sys.argv[1:])
