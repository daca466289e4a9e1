#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "novasr/realtime.hpp"

namespace novasr {

/// A parameter with a linear ramp, frame by frame, that ends exactly on the target. Its values over a block are
/// computed once for all channels.
class SmoothedValue {
 public:
  /// [control] Allocates for blocks of up to `max_frames`.
  void prepare(std::size_t max_frames);

  /// [audio] Ramps to `target` within `fade_frames`; 0 = immediately.
  void set_target(float target, std::size_t fade_frames) NOVASR_RT;

  /// [audio] Computes the values of the next `frames` frames.
  void render(std::size_t frames) NOVASR_RT;

  /// [audio] One value per frame of the last render().
  [[nodiscard]] const float* values() const NOVASR_RT { return values_.data(); }

  /// [audio] Whether all values of the last render() equal `value`.
  [[nodiscard]] bool rests_at(float value) const NOVASR_RT { return rested_ && has_settled_at(value); }

  /// [audio] Whether the value after the last render() is constant and equals `value`, regardless of block sizes.
  [[nodiscard]] bool has_settled_at(float value) const NOVASR_RT { return settled() && target_ == value; }

  /// [audio] Whether the value is constant after the last render().
  [[nodiscard]] bool settled() const NOVASR_RT { return remaining_ == 0; }

 private:
  void advance(std::span<float> out) NOVASR_RT;
  [[nodiscard]] float after(std::size_t frames) const NOVASR_RT;

  float start_ = 0.0f;
  float target_ = 0.0f;
  float step_ = 0.0f;
  std::size_t done_ = 0;       // frames of the ramp already rendered
  std::size_t remaining_ = 0;  // of the ramp still to render
  bool rested_ = true;         // before the last render(): a ramp may end within a block
  std::size_t at_rest_ = 0;    // number of values known to equal the unchanged target
  std::vector<float> values_;
};

}  // namespace novasr
