"""A track of WebRTC, enhanced at 48 kHz: between what aiortc receives or reads and what it sends or records.

Usage: python aiortc_track.py IN OUT
"""

import asyncio
import sys
from fractions import Fraction

import numpy as np

import novasr

try:
    from aiortc import MediaStreamTrack
    from aiortc.contrib.media import MediaPlayer, MediaRecorder
    from av import AudioFrame, AudioResampler
except ImportError:
    sys.exit("needs aiortc: pip install aiortc")

RATE = 48_000


class EnhancedTrack(MediaStreamTrack):
    """What `source` gives, in stereo, with its upper band and the constant latency of the model."""

    kind = "audio"

    def __init__(self, source: MediaStreamTrack, model: str = "wide") -> None:
        super().__init__()
        self.source, self.pts = source, 0
        self.to_float = AudioResampler("flt", "stereo", RATE)  # calls of Opus are of this kind
        self.stream = novasr.Stream(RATE, 2, output_rate=RATE, model=model)

    async def recv(self) -> AudioFrame:
        """Give the next frame; raises aiortc's MediaStreamError at the end of the source."""
        frames = []
        while not frames:  # none while the resampler fills
            frames = self.to_float.resample(await self.source.recv())
        audio = self.stream.process(frames[0].to_ndarray().reshape(-1, 2))
        samples = (32_767 * audio.clip(-1, 1)).round().astype(np.int16).reshape(1, -1)
        made = AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        made.sample_rate, made.pts, made.time_base = RATE, self.pts, Fraction(1, RATE)
        self.pts += made.samples
        return made


async def main(source: str, destination: str) -> None:
    """Record what a file gives, in its own time."""
    track = EnhancedTrack(MediaPlayer(source).audio)
    recorder, ended = MediaRecorder(destination), asyncio.Event()
    recorder.addTrack(track)
    track.source.on("ended", ended.set)
    await asyncio.gather(recorder.start(), ended.wait())
    await recorder.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
