#pragma once
#include <cstddef>
#include <span>

#include "novasr/realtime.hpp"

namespace novasr {

/// A control value that moves to its target in a straight line, frame by frame, and then rests on it exactly.
class Ramp {
 public:
  /// [audio] There at once.
  void jump(float target) NOVASR_RT;

  /// [audio] There after `frames` >= 1 frames; does nothing if that is the target already.
  void glide(float target, std::size_t frames) NOVASR_RT;

  /// [audio] The values of the next out.size() frames.
  void render(std::span<float> out) NOVASR_RT;

  /// [audio] At rest on this very value.
  [[nodiscard]] bool rests_at(float value) const NOVASR_RT { return remaining_ == 0 && target_ == value; }
  [[nodiscard]] bool resting() const NOVASR_RT { return remaining_ == 0; }

 private:
  [[nodiscard]] float after(std::size_t frames) const NOVASR_RT;

  float start_ = 0.0f;
  float target_ = 0.0f;
  float step_ = 0.0f;
  std::size_t done_ = 0;  // frames of the glide
  std::size_t remaining_ = 0;
};

}  // namespace novasr
