#pragma once
#include <cstddef>
#include <span>

#include "chain/chain_plan.hpp"
#include "dsp/history.hpp"
#include "dsp/rate_converter.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Delays the input of one channel, and resamples it where the rates differ. It has two taps: one aligned with the wet
/// signal at the crossover's input, one with the crossover's output.
class DryPath {
 public:
  struct Taps {
    std::span<const float> before;  ///< the crossover
    std::span<const float> after;   ///< the crossover
  };

  /// [control] Allocates for pieces of up to `max_in` input and `max_out` output frames; ends with a reset().
  void prepare(const ProcessSpec& spec, const ChainPlan& plan, std::size_t max_in, std::size_t max_out);

  /// [audio]
  void reset() NOVASR_RT;

  /// [audio] Room for the next input frames; the caller fills it.
  [[nodiscard]] std::span<float> append(std::size_t frames) NOVASR_RT;

  /// [audio] After the end of a stream: appends the zeros that the next `outputs` outputs need.
  void append_silence(std::size_t outputs) NOVASR_RT;

  /// [audio] The next `frames` output frames at both taps; valid until the next call of any function.
  [[nodiscard]] Taps advance(const PolyphaseKernel& kernel, std::size_t frames) NOVASR_RT;

 private:
  bool resamples_ = false;
  std::size_t aligned_frames_ = 0;    // delay of the first tap where nothing is resampled
  std::size_t crossover_frames_ = 0;  // from the first tap to the second
  RateConverter converter_;
  History history_;  // of the input, or of the resampled input
};

}  // namespace novasr
