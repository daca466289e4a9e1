#pragma once
#include <cstddef>
#include <memory>

#include "dsp/rate_converter.hpp"
#include "novasr/engine.hpp"
#include "novasr/parameters.hpp"

namespace novasr {

/// The filters between the stages of a Processor and the delays that line them up.
struct ChainPlan {
  bool passthrough = false;  ///< the rate stays and has nothing to extend: no filter is used, no delay

  PolyphaseKernel reference;  ///< input resamplers, input rate -> engine's input rate
  PolyphaseKernel clean;
  PolyphaseKernel back_end;  ///< output resampler, engine's output rate -> output rate
  PolyphaseKernel dry;       ///< input rate -> output rate

  std::size_t front_end_frames = 0;  ///< look-ahead of the longer input resampler in use, at the input rate
  std::size_t engine_frames = 0;     ///< at the engine's output rate
  std::size_t back_end_frames = 0;   ///< look-ahead at the engine's output rate
  std::size_t dry_frames = 0;        ///< look-ahead at the input rate
  std::size_t aligned_frames = 0;    ///< delay at the output rate where dry and wet meet: all of the above and the
                                     ///< waiting for whole frames of the other rates
  std::size_t crossover_frames = 0;  ///< at the output rate
  std::size_t edge_frames = 0;       ///< at the engine's output rate: how far the start and end of its stream are
                                     ///< heard into the high band

  [[nodiscard]] std::size_t latency_frames() const { return aligned_frames + crossover_frames; }
};

/// Stop band of the crossover's high-pass: what the model may add to the untouched band.
inline constexpr double kCrossoverAttenuationDb = 105.0;

/// Designs the chain for a valid spec and an engine of the given format and latency.
[[nodiscard]] ChainPlan plan_chain(const ProcessSpec& spec, const EngineFormat& format,
                                   std::size_t engine_latency_frames);

/// plan_chain(), designed once for all processors of the program: the last few plans are remembered.
[[nodiscard]] std::shared_ptr<const ChainPlan> shared_plan(const ProcessSpec& spec, const EngineFormat& format,
                                                           std::size_t engine_latency_frames);

}  // namespace novasr
