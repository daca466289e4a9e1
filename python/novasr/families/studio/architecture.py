"""The constants of the model."""

from __future__ import annotations

RATE_HZ = 48_000
FFT, HOP = 1024, 256
LINES = FFT // 2 + 1
LINE_HZ = RATE_HZ / FFT
HOPS = 2  # in a frame of the model
FRAME = HOPS * HOP  # 512 samples: 93.75 frames a second

HIGH_BANDS, LOWEST_HIGH_HZ, HIGHEST_HIGH_HZ = 64, 1_900.0, 23_900.0
LOW_BANDS, LOWEST_LOW_HZ, HIGHEST_LOW_HZ = 40, 60.0, 8_000.0
SMOOTHED_BANDS = 5  # a Hann window over the levels of high bands: the envelope, not the noise in it
LEVEL_BANDS = 22  # the lowest ones, to 1.9 kHz: always in the input's band
LEVEL_FRAMES = 97  # 1 s around a frame, over which averages are taken
POWER_FLOOR = 1e-9  # of a line, -115 dB of full scale: below the clamp of log-spectral distances
LEVEL_FLOOR = 1e-8
LOUDEST = 1e3  # amplitude up to which levels follow: the square of a damaged file's samples may be no number
SCALE = 4.0  # natural logarithms of power that count as 1

LATENT = 32
STEPS = (1, 2, 4, 8)  # of the flow, one of these
NOISE_SHARE = (
    0.7  # of the noise that the flow learns to begin with: with all of it steady sounds waver
)
CROSSOVER_START = 0.97  # of the cut-off: as in wide
CROSSOVER_HZ = 100.0
KNOWN_SHARE = 0.93  # of the cut-off: low bands above may hold a filter's slope
LOWEST_GAIN, HIGHEST_GAIN = -8.0, 5.0  # natural logarithms of amplitude

# What the velocity network is told of each frame: levels and presence of both sets of bands, the level, the cut-off,
# and of the fundamental its frequency, its presence and its stability.
CONDITIONS = 2 * HIGH_BANDS + 2 * LOW_BANDS + 2 + 3
