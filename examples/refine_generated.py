"""Give generated speech the upper band of a real voice, of which there is a bank (novasr bank build).

Usage: python refine_generated.py BANK OUT.wav < TEXT, which espeak-ng reads, at 22.05 kHz, or
python refine_generated.py BANK OUT.wav TALK.wav, which WORLD makes anew, at 16 kHz, from its pitch and spectrum, as the
vocoder behind an acoustic model does.
"""

import subprocess
import sys

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


def vocoded(path: str) -> np.ndarray:
    """Analyse and synthesise at 16 kHz."""
    import pyworld

    audio, rate = sf.read(path, always_2d=True)
    low = soxr.resample(audio.mean(axis=1), rate, VOCODER_HZ)
    return pyworld.synthesize(*pyworld.wav2world(low, VOCODER_HZ), VOCODER_HZ).astype(np.float32)


def main(bank: str, destination: str, talk: str | None = None) -> None:
    """Generate and enhance."""
    if talk:
        audio, rate = vocoded(talk), VOCODER_HZ
    else:
        audio, rate = spoken(sys.stdin.read()), TTS_HZ
    made = novasr.enhance(audio, rate, model="studio", bank=bank)
    sf.write(destination, made, 48_000)
    print(f"{destination}: {len(made) / 48_000:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: refine_generated.py BANK OUT.wav [TALK.wav]")
    try:
        main(*sys.argv[1:])
    except FileNotFoundError:
        sys.exit("needs espeak-ng: apt-get install espeak-ng")
    except ModuleNotFoundError:
        sys.exit("needs pyworld: pip install 'novasr[f0]'")
    except (sf.SoundFileError, novasr.NovasrError) as error:
        sys.exit(str(error))
