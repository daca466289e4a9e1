#include "dsp/smoothed_value.hpp"

#include <algorithm>

namespace novasr {

void SmoothedValue::prepare(std::size_t max_frames) {
  values_.assign(max_frames, 0.0f);
  at_rest_ = 0;
}

void SmoothedValue::set_target(float target, std::size_t fade_frames) NOVASR_RT {
  at_rest_ = 0;
  if (fade_frames > 0 && target == target_) return;
  start_ = after(done_);
  target_ = target;
  step_ = fade_frames > 0 ? (target - start_) / static_cast<float>(fade_frames) : 0.0f;
  done_ = 0;
  remaining_ = fade_frames;
}

void SmoothedValue::render(std::size_t frames) NOVASR_RT {
  rested_ = settled();
  if (rested_ && frames <= at_rest_) return;
  advance(std::span(values_).first(frames));
  at_rest_ = rested_ ? frames : 0;
}

/// Computed from the start of the fade, not of the block: bit-identical for any block size.
float SmoothedValue::after(std::size_t frames) const NOVASR_RT {
  return frames == done_ + remaining_ ? target_ : start_ + step_ * static_cast<float>(frames);
}

void SmoothedValue::advance(std::span<float> out) NOVASR_RT {
  const std::size_t moving = std::min(remaining_, out.size());
  for (std::size_t i = 0; i < moving; ++i) out[i] = after(done_ + i + 1);
  done_ += moving;
  remaining_ -= moving;
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(moving), out.end(), target_);
}

}  // namespace novasr
