#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "novasr/ramp.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// A ramp and its values over the frames of one block, for all channels to use.
class Control {
 public:
  /// [control] Allocates for blocks of up to `max_frames`.
  void prepare(std::size_t max_frames) {
    values_.assign(max_frames, 0.0f);
    at_rest_ = 0;
  }

  /// [audio] Heads for `target`, to be there after `fade_frames`; 0 = at once.
  void head_for(float target, std::size_t fade_frames) NOVASR_RT {
    at_rest_ = 0;
    if (fade_frames == 0)
      ramp_.jump(target);
    else
      ramp_.glide(target, fade_frames);
  }

  /// [audio] Computes the values of the next `frames` frames.
  void render(std::size_t frames) NOVASR_RT {
    rested_ = ramp_.resting();  // before, not after: a ramp may end within the block
    if (rested_ && frames <= at_rest_) return;
    ramp_.render(std::span(values_).first(frames));
    at_rest_ = rested_ ? frames : 0;
  }

  /// [audio] All values of the block are the same, and this one.
  [[nodiscard]] bool rests_at(float value) const NOVASR_RT { return rested_ && ramp_.rests_at(value); }

  /// [audio] This value rests now, after the block: however the stream was cut.
  [[nodiscard]] bool has_settled_at(float value) const NOVASR_RT { return ramp_.rests_at(value); }

  /// [audio] Nothing is moving now, after the block.
  [[nodiscard]] bool settled() const NOVASR_RT { return ramp_.resting(); }

  [[nodiscard]] const float* values() const NOVASR_RT { return values_.data(); }

 private:
  Ramp ramp_;
  bool rested_ = true;
  std::size_t at_rest_ = 0;  // so many values are those of a ramp that has not moved since
  std::vector<float> values_;
};

}  // namespace novasr
