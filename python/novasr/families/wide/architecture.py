"""The constants of the network, as in cpp/src/families/wide/architecture.hpp."""

from __future__ import annotations

import math

RATE_HZ = 48_000
FFT, HOP = 512, 256
LINES = FFT // 2 + 1
LINE_HZ = RATE_HZ / FFT

INPUT_BANDS, LOWEST_INPUT_HZ, HIGHEST_INPUT_HZ = 44, 60.0, 23_500.0
GAIN_BANDS, LOWEST_GAIN_HZ, HIGHEST_GAIN_HZ = 64, 1_900.0, 23_900.0

CHANNELS, BLOCKS, KERNEL, EXPANSION = 128, 5, 7, 3
EXCITATIONS = 2  # half-wave rectified, noise
NOISE_FRAMES = 512  # 2.7 s, after which the noise repeats

LEVEL_BANDS = 16  # the lowest ones, to 1.3 kHz
POWER_FLOOR = 1e-10
LINE_POWER_FLOOR = 1e-8  # in the tonality: rounding beside loud lines lies below
WHITENING_LINES = 15
WHITENING_FLOOR = 1e-9
AVERAGE_SECONDS = 1.5
ACTIVE_LEVEL = -4.0  # natural logarithm of power at which a frame counts half in the average
LOWEST_GAIN, HIGHEST_GAIN = -12.0, 6.0  # natural logarithms
CROSSOVER_START = 0.97  # of the cut-off
CROSSOVER_LINES = 2.0

# As a stream. A hop is known when the next one is there; the others are as the native engine states them
# (cpp/src/families/wide/wide_engine.cpp).
LOOK_AHEAD = TAIL = HOP
MEMORY, EDGE, OFFSET, BAND = 4 * RATE_HZ, FFT, 0, 2_000
FULL_BAND_HZ = 23_000.0
SOURCE_SHARE = 0.97  # of half a source's rate: where the band that its resampler leaves ends
FULL_SOURCE_HZ = (
    18_000.0  # a source whose band ends above that has the full band until there is evidence
)
JUMP, FADE_HOPS = (
    1.15,
    16,
)  # ratio of two cut-offs after which what is added fades in, and for how long
MOST_RAISED = 100.0  # amplitude of a quieter channel, at most
DECAY = math.exp(-HOP / RATE_HZ / AVERAGE_SECONDS)
