#pragma once
#include <span>

#include "families/wide/bands.hpp"
#include "families/wide/kernels/kernels.hpp"
#include "novasr/realtime.hpp"

namespace novasr::wide {

/// Sums over the hops so far, each weighted with an exponential of its age and with its activity.
struct LeakyAverages {
  alignas(64) float shape[kInputBandRow] = {};
  float level = 0.0f;
  float weight = 0.0f;
};

/// What a frame's spectrum says by itself.
struct FrameLevels {
  alignas(64) float bands[kInputBandRow];     ///< natural logarithms of the input bands' power
  alignas(64) float tonality[kInputBandRow];  ///< of each
  float level;                                ///< mean of the lowest bands
};

/// [audio] Measures a frame by its power spectrum.
void measure(const Bands& bands, const kernels::KernelTable& kernels, const float* power,
             FrameLevels& levels) NOVASR_RT;

/// [audio] Describes a frame by its spectrum and by the average of those before it, without its level, and by how
/// tonal it is. `features` is padded with zeros.
void describe(const Bands& bands, const kernels::KernelTable& kernels, const FrameLevels& levels, float cutoff_hz,
              LeakyAverages& averages, std::span<float, kFeatureRow> features) NOVASR_RT;

}  // namespace novasr::wide
