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

/// [audio] Describes a frame by its spectrum and by the average of those before it, without its level, and by how
/// tonal it is.
///
/// Returns the level: the mean of the lowest bands' natural logarithms of power. `features` is padded with zeros.
float describe(const Bands& bands, const kernels::KernelTable& kernels, const float* power, float cutoff_hz,
               LeakyAverages& averages, std::span<float, kFeatureRow> features) NOVASR_RT;

}  // namespace novasr::wide
