#pragma once
#include <cstddef>
#include <span>

#include "novasr/history.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Delays audio by a whole number of frames, bit for bit.
class DelayLine {
 public:
  /// [control] Allocates; ends with a reset().
  void prepare(std::size_t delay_frames, std::size_t max_block_frames);

  /// [audio] What comes before the signal is `level`.
  void reset(float level = 0.0f) NOVASR_RT { history_.reset(level); }

  /// [audio] Takes `in` and returns as many frames from delay_frames earlier; they stay valid until the next call.
  [[nodiscard]] std::span<const float> process(std::span<const float> in) NOVASR_RT;

 private:
  History history_;
  std::size_t delay_ = 0;
};

}  // namespace novasr
