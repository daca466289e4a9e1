#pragma once
// The constants of the network, as in python/novasr/families/wide/{bands,network}.py. The kernels of all instruction
// sets include this, so it includes no standard header with inline code.
#include <stddef.h>

namespace novasr::wide {

// The spectrum.
inline constexpr size_t kRateHz = 48'000;
inline constexpr size_t kFrame = 512;  ///< under the window, in audio frames
inline constexpr size_t kHop = 256;
inline constexpr size_t kLines = kFrame / 2 + 1;
inline constexpr float kLineHz = static_cast<float>(kRateHz) / kFrame;
static_assert(kFrame == 2 * kHop, "analysis and synthesis windows add up to 1 at half overlap");

// The bands, spaced evenly on the ERB-rate scale.
inline constexpr size_t kInputBands = 44;
inline constexpr double kLowestInputHz = 60.0, kHighestInputHz = 23'500.0;
inline constexpr size_t kGainBands = 64;
inline constexpr double kLowestGainHz = 1'900.0, kHighestGainHz = 23'900.0;

// The features.
inline constexpr size_t kLevelBands = 16;  ///< the lowest ones, to 1.3 kHz
inline constexpr float kPowerFloor = 1e-10f;
inline constexpr float kLinePowerFloor = 1e-8f;  ///< in the tonality: rounding beside loud lines lies below
inline constexpr double kAverageSeconds = 1.5;
inline constexpr float kActiveLevel = -4.0f;  ///< natural logarithm of power at which a frame counts half
inline constexpr float kLeastWeight = 1e-2f;
inline constexpr float kShapeScale = 4.0f, kLevelScale = 6.0f, kTonalityScale = 2.0f;
inline constexpr float kReferenceHz = 8'000.0f;  ///< cut-off whose feature is 0
inline constexpr float kPresentShare = 0.93f;    ///< of the cut-off: up to there the input's bands are used
inline constexpr float kPresentWidthHz = 80.0f;
inline constexpr size_t kFeatures = 3 * kInputBands + 3;

// The layers.
inline constexpr size_t kChannels = 128;
inline constexpr size_t kBlocks = 5;
inline constexpr size_t kTaps = 7;  ///< hops that a block sees: this one and those before it
inline constexpr size_t kHidden = 3 * kChannels;
inline constexpr float kNormEpsilon = 1e-5f;
inline constexpr size_t kExcitations = 2;  ///< half-wave rectified input, noise
inline constexpr size_t kGains = kExcitations * kGainBands;

// The upper band.
inline constexpr size_t kNoiseFrames = 512;  ///< hops after which the noise repeats, 2.7 s
inline constexpr size_t kWhiteningLines = 15;
inline constexpr float kWhiteningFloor = 1e-9f;
inline constexpr float kLowestGain = -12.0f, kHighestGain = 6.0f;  ///< natural logarithms
inline constexpr float kCrossoverStart = 0.97f;                    ///< of the cut-off
inline constexpr float kCrossoverLines = 2.0f;
inline constexpr float kFullBandHz = 23'000.0f;  ///< from this cut-off on there is nothing to add

// Memory layout: rows are padded with zeros to whole vectors of the widest instruction set.
inline constexpr size_t kMaxWidth = 16;
inline constexpr size_t padded(size_t count) {
  return (count + kMaxWidth - 1) / kMaxWidth * kMaxWidth;
}
inline constexpr size_t kLineRow = padded(kLines);
inline constexpr size_t kInputBandRow = padded(kInputBands);
inline constexpr size_t kGainBandRow = padded(kGainBands);
inline constexpr size_t kFeatureRow = padded(kFeatures);
inline constexpr size_t kChannelRow = padded(kChannels);
inline constexpr size_t kHiddenRow = padded(kHidden);
inline constexpr size_t kGainRow = padded(kGains);

}  // namespace novasr::wide
