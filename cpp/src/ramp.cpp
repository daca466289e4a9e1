#include "novasr/ramp.hpp"

#include <algorithm>

namespace novasr {

void Ramp::jump(float target) NOVASR_RT {
  target_ = target;
  done_ = remaining_ = 0;
}

/// From the start of the glide, not of the block: the same bits however the stream is cut.
float Ramp::after(std::size_t frames) const NOVASR_RT {
  return frames == done_ + remaining_ ? target_ : start_ + step_ * static_cast<float>(frames);
}

void Ramp::glide(float target, std::size_t frames) NOVASR_RT {
  if (target == target_) return;
  start_ = after(done_);
  target_ = target;
  step_ = (target - start_) / static_cast<float>(frames);
  done_ = 0;
  remaining_ = frames;
}

void Ramp::render(std::span<float> out) NOVASR_RT {
  const std::size_t moving = std::min(remaining_, out.size());
  for (std::size_t i = 0; i < moving; ++i) out[i] = after(done_ + i + 1);
  done_ += moving;
  remaining_ -= moving;
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(moving), out.end(), target_);
}

}  // namespace novasr
