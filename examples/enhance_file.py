"""Enhance a recording block by block while automating the gain of the restored band.

Usage: python enhance_file.py IN OUT

To enhance a file with constant parameters, use `novasr.enhance_file`; this shows the underlying stream.
"""

import math
import sys

import soundfile as sf

import novasr

BLOCK = 480


def main(source: str, destination: str) -> None:
    """Read `source` and write `destination` at 48 kHz, time-aligned."""
    with sf.SoundFile(source) as read:
        stream = novasr.Stream(read.samplerate, read.channels, output_rate=48_000)
        blocks = read.blocks(BLOCK, dtype="float32", always_2d=True)
        with sf.SoundFile(destination, "w", 48_000, read.channels, "PCM_24") as write:
            for audio in stream.aligned(blocks):
                write.write(audio)
                seconds = read.tell() / read.samplerate
                stream.set(high_band_gain_db=-12 + 12 * math.cos(math.tau * seconds / 4))
        print(f"{destination}: {read.frames / read.samplerate:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: enhance_file.py IN OUT")
    try:
        main(*sys.argv[1:])
    except (sf.SoundFileError, novasr.NovasrError) as error:
        sys.exit(str(error))
