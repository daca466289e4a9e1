"""Enhance what a LiveKit room or agent hears: a frame processor, at the rate of its frames.

In an agent, give it to the stream of a participant's track:
rtc.AudioStream(track, sample_rate=48_000, num_channels=1, noise_cancellation=NovaSR())

Usage, without a room: python livekit_processor.py IN.wav OUT.wav
"""

import sys

import numpy as np
import soundfile as sf

import novasr

try:
    from livekit import rtc
except ImportError:
    sys.exit("needs livekit: pip install livekit")


class NovaSR(rtc.FrameProcessor[rtc.AudioFrame]):
    """A frame in is a frame out, late by the constant latency of the model."""

    def __init__(self, rate: int = 48_000, channels: int = 1, model: str = "wide") -> None:
        self._enabled = True
        self.stream = novasr.Stream(rate, channels, output_rate=rate, model=model)

    @property
    def enabled(self) -> bool:
        """Whether LiveKit gives its frames to this processor; else they stay as they are."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value
        self.stream.reset()

    def _process(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        rate, channels = frame.sample_rate, frame.num_channels
        audio = np.frombuffer(frame.data, np.int16).reshape(-1, channels).astype(np.float32)
        made = 32_767 * self.stream.process(audio / 32_768).clip(-1, 1)
        data = made.round().astype(np.int16).tobytes()
        return rtc.AudioFrame(data, rate, channels, frame.samples_per_channel)

    def _close(self) -> None:
        self.stream.reset()


if __name__ == "__main__":
    audio, rate = sf.read(sys.argv[1], dtype="int16", always_2d=True)
    processor = NovaSR(rate, audio.shape[1])
    with sf.SoundFile(sys.argv[2], "w", rate, audio.shape[1], "PCM_16") as write:
        for block in (audio[at : at + rate // 100] for at in range(0, len(audio), rate // 100)):
            frame = rtc.AudioFrame(block.tobytes(), rate, audio.shape[1], len(block))
            made = np.frombuffer(processor._process(frame).data, np.int16)
            write.write(made.reshape(block.shape))
