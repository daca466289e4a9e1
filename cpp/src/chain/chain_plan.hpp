#pragma once
#include <cstddef>
#include <memory>

#include "dsp/rate_converter.hpp"
#include "novasr/engine.hpp"
#include "novasr/parameters.hpp"

namespace novasr {

/// The filters between the stages of a Processor and the delays that align them.
struct ChainPlan {
  bool passthrough = false;  ///< the rate stays and has nothing to extend: no filter is used, no delay

  PolyphaseKernel reference;  ///< input resamplers, input rate -> engine's input rate
  PolyphaseKernel clean;
  PolyphaseKernel output_resampler;  ///< engine's output rate -> output rate
  PolyphaseKernel dry;               ///< input rate -> output rate

  std::size_t input_resampler_frames = 0;   ///< look-ahead of the longer input resampler in use, at the input rate
  std::size_t engine_frames = 0;            ///< at the engine's output rate
  std::size_t output_resampler_frames = 0;  ///< look-ahead at the engine's output rate
  std::size_t dry_frames = 0;               ///< look-ahead at the input rate
  std::size_t aligned_frames = 0;  ///< delay at the output rate where dry and wet are mixed: all of the above, plus the
                                   ///< wait for whole frames at the other rates
  std::size_t crossover_frames = 0;  ///< at the output rate; 0 without a crossover
  bool sums = false;                 ///< what the engine outputs is added to the dry signal
  std::size_t edge_frames = 0;       ///< at the engine's output rate: how far the edges of its stream affect the high
                                     ///< band

  [[nodiscard]] std::size_t latency_frames() const { return aligned_frames + crossover_frames; }
};

/// Stop-band attenuation of the crossover's high-pass: limits what the model adds to the band below.
inline constexpr double kCrossoverAttenuationDb = 105.0;

/// Designs the chain for a valid spec and an engine of the given format and latency.
[[nodiscard]] ChainPlan plan_chain(const ProcessSpec& spec, const EngineFormat& format,
                                   std::size_t engine_latency_frames);

/// plan_chain() with a cache of the last few plans, shared by all processors of the program.
[[nodiscard]] std::shared_ptr<const ChainPlan> shared_plan(const ProcessSpec& spec, const EngineFormat& format,
                                                           std::size_t engine_latency_frames);

}  // namespace novasr
