#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "dsp/history.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Finds the lines that a model which raises the rate by a whole factor leaves at the multiples of its input rate:
/// images of a constant, audible as a whistle that follows the level. Subtracted, they leave notches of 85 Hz at an
/// input rate of 16 kHz, and 0.15 dB at most from 300 Hz beside them on. No latency, a finite memory, and the same bits
/// for any partition of the input.
///
/// What repeats with the period of an input frame is averaged over the last kFrames of them under the falling half of a
/// Hann window, in steps of kStep; its mean, the signal's own, stays.
class ImageNotch {
 public:
  static constexpr std::size_t kFrames = 160;  ///< input frames that are remembered: 10 ms at 16 kHz

  /// [control] Allocates for up to `max_frames` output frames at once; `ratio` output frames for an input frame.
  void prepare(std::size_t ratio, std::size_t max_frames);

  /// [audio] The next frame is treated as the first after silence.
  void reset() NOVASR_RT;

  /// [audio] The lines in the next frames of the signal; valid until the next call.
  std::span<const float> lines(std::span<const float> audio) NOVASR_RT;

 private:
  static constexpr std::size_t kStep = 8;
  static constexpr std::size_t kSteps = kFrames / kStep;

  std::size_t ratio_ = 1;
  std::array<float, kSteps> weights_{};
  History audio_;
  std::array<History, 4> sums_;  ///< of what repeats, over 1, 2, 4 and kStep input frames
  std::vector<float> lines_;
};

}  // namespace novasr
