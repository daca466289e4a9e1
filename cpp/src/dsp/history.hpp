#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "dsp/kernels/kernels.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// The most recent samples of a signal, contiguous in memory, so that filters read them without wrapping.
class History {
 public:
  /// Samples beyond end() that may be read (not used): filters work in groups of this many frames.
  static constexpr std::size_t kReadAhead = dsp::kFirFrames;

  /// [control] Allocates; keeps at least `keep` samples in addition to those of the last append().
  void prepare(std::size_t keep, std::size_t max_append);

  /// [audio] Sets all past samples to `level`.
  void reset(float level = 0.0f) NOVASR_RT;

  /// [audio] Room for the next `count` <= max_append samples; the caller fills it.
  [[nodiscard]] std::span<float> append(std::size_t count) NOVASR_RT;

  /// [audio] The `count` samples that end `delay` samples before the newest; delay + count <= keep + the last append().
  [[nodiscard]] std::span<const float> tap(std::size_t delay, std::size_t count) const NOVASR_RT {
    return {end() - delay - count, count};
  }

  /// [audio] One past the newest sample.
  [[nodiscard]] const float* end() const NOVASR_RT { return samples_.data() + end_; }

 private:
  std::vector<float> samples_;
  std::size_t keep_ = 0;
  std::size_t end_ = 0;
};

}  // namespace novasr
