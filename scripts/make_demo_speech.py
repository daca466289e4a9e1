"""Join the voice prompts of Debian's alsa-utils to a short 16 kHz recording.

Usage: python scripts/make_demo_speech.py [demo-speech.wav]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import soundfile as sf

PROMPTS = Path("/usr/share/sounds/alsa")
RATE_HZ = 16_000
PAUSE_SECONDS = 0.3


def join_prompts(folder: Path) -> np.ndarray:
    """Return the prompts in `folder` as float32 of shape (frames,) at 16 kHz, with pauses."""
    import soxr

    prompts = sorted(path for path in folder.glob("*.wav") if path.name != "Noise.wav")
    if not prompts:
        raise FileNotFoundError(f"no voice prompts in {folder}: apt-get install alsa-utils")
    pause = np.zeros(round(PAUSE_SECONDS * RATE_HZ), np.float32)
    parts = [pause]
    for path in prompts:
        audio, rate = sf.read(path, dtype="float32", always_2d=True)
        parts += [soxr.resample(audio[:, 0], rate, RATE_HZ), pause]
    return np.concatenate(parts)


def main() -> None:
    """Write the recording to the file named on the command line."""
    destination = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-speech.wav")
    try:
        speech = join_prompts(PROMPTS)
        sf.write(destination, speech, RATE_HZ)
    except ImportError:
        sys.exit('make_demo_speech: error: soxr is missing: pip install "novasr[demo]"')
    except (OSError, sf.LibsndfileError) as error:
        sys.exit(f"make_demo_speech: error: {error}")
    print(f"{destination}: {len(speech) / RATE_HZ:.1f} s of speech at 16 kHz")


if __name__ == "__main__":
    main()
