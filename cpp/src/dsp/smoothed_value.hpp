#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "novasr/realtime.hpp"

namespace novasr {

/// A parameter that moves to its target in a straight line, frame by frame, and then rests on it exactly. Its values
/// over one block are computed once, for all channels to use.
class SmoothedValue {
 public:
  /// [control] Allocates for blocks of up to `max_frames`.
  void prepare(std::size_t max_frames);

  /// [audio] Moves to `target` within `fade_frames`; 0 = at once.
  void set_target(float target, std::size_t fade_frames) NOVASR_RT;

  /// [audio] Computes the values of the next `frames` frames.
  void render(std::size_t frames) NOVASR_RT;

  /// [audio] One for each frame of the last render().
  [[nodiscard]] const float* values() const NOVASR_RT { return values_.data(); }

  /// [audio] All values of the last render() are the same, and this one.
  [[nodiscard]] bool rests_at(float value) const NOVASR_RT { return rested_ && has_settled_at(value); }

  /// [audio] The value after the last render() is this one and does not move, whatever the block sizes were.
  [[nodiscard]] bool has_settled_at(float value) const NOVASR_RT { return settled() && target_ == value; }

  /// [audio] Nothing moves after the last render().
  [[nodiscard]] bool settled() const NOVASR_RT { return remaining_ == 0; }

 private:
  void advance(std::span<float> out) NOVASR_RT;
  [[nodiscard]] float after(std::size_t frames) const NOVASR_RT;

  float start_ = 0.0f;
  float target_ = 0.0f;
  float step_ = 0.0f;
  std::size_t done_ = 0;       // frames of the fade
  std::size_t remaining_ = 0;  // likewise
  bool rested_ = true;         // before the last render(): a fade may end within a block
  std::size_t at_rest_ = 0;    // number of values that are those of a value that has not moved since
  std::vector<float> values_;
};

}  // namespace novasr
