#include "families/wide/features.hpp"

#include <algorithm>
#include <cmath>

namespace novasr::wide {
namespace {

/// e^-x for small x, by its series: std::exp is not constexpr.
constexpr double decay(double x) {
  double sum = 1.0, term = 1.0;
  for (int n = 1; n < 12; ++n) sum += term *= -x / n;
  return sum;
}

/// Of the averages, from hop to hop.
constexpr auto kDecay = static_cast<float>(decay(static_cast<double>(kHop) / kRateHz / kAverageSeconds));

/// Share of each input band that lies below the cut-off.
void find_present(const Bands& bands, const kernels::KernelTable& kernels, float cutoff_hz, float* present) NOVASR_RT {
  for (std::size_t b = 0; b < kInputBands; ++b)
    present[b] = (kPresentShare * cutoff_hz - bands.centres_hz[b]) / kPresentWidthHz;
  std::fill(present + kInputBands, present + kInputBandRow, 0.0f);
  kernels.logistic(present, kInputBandRow);
}

float activity_of(const kernels::KernelTable& kernels, float level) NOVASR_RT {
  alignas(64) float activity[kMaxWidth] = {level - kActiveLevel};
  kernels.logistic(activity, 1);
  return activity[0];
}

float mean(const float* values, std::size_t count) NOVASR_RT {
  float sum = 0.0f;
  for (std::size_t i = 0; i < count; ++i) sum += values[i];
  return sum / static_cast<float>(count);
}

void average(LeakyAverages& averages, const float* shape, float level, float activity) NOVASR_RT {
  for (std::size_t b = 0; b < kInputBands; ++b) averages.shape[b] = kDecay * averages.shape[b] + shape[b] * activity;
  averages.level = kDecay * averages.level + level * activity;
  averages.weight = kDecay * averages.weight + activity;
}

}  // namespace

void measure(const Bands& bands, const kernels::KernelTable& kernels, const float* power,
             FrameLevels& levels) NOVASR_RT {
  kernels.levels(bands.input, power, levels.bands, levels.tonality);
  levels.level = mean(levels.bands, kLevelBands);
}

void describe(const Bands& bands, const kernels::KernelTable& kernels, const FrameLevels& levels, float cutoff_hz,
              LeakyAverages& averages, std::span<float, kFeatureRow> features) NOVASR_RT {
  alignas(64) float shape[kInputBandRow], present[kInputBandRow];
  for (std::size_t b = 0; b < kInputBandRow; ++b) shape[b] = levels.bands[b] - levels.level;
  average(averages, shape, levels.level, activity_of(kernels, levels.level));
  find_present(bands, kernels, cutoff_hz, present);

  const float weight = averages.weight + kLeastWeight;
  std::ranges::fill(features, 0.0f);
  float* to = features.data();
  for (std::size_t b = 0; b < kInputBands; ++b) *to++ = present[b] * shape[b] / kShapeScale;
  *to++ = levels.level / kLevelScale + 1.0f;
  *to++ = std::log(cutoff_hz / kReferenceHz);
  for (std::size_t b = 0; b < kInputBands; ++b) *to++ = present[b] * (averages.shape[b] / weight) / kShapeScale;
  *to++ = (levels.level - averages.level / weight) / kLevelScale;
  for (std::size_t b = 0; b < kInputBands; ++b) *to++ = present[b] * levels.tonality[b] / kTonalityScale;
}

}  // namespace novasr::wide
