#include "novasr/ramp.hpp"

#include <algorithm>

namespace novasr {

void Ramp::jump(float target) NOVASR_RT {
  value_ = target_ = target;
  remaining_ = 0;
}

void Ramp::glide(float target, std::size_t frames) NOVASR_RT {
  if (target == target_) return;
  target_ = target;
  step_ = (target - value_) / static_cast<float>(frames);
  remaining_ = frames;
}

void Ramp::render(std::span<float> out) NOVASR_RT {
  const std::size_t moving = std::min(remaining_, out.size());
  for (std::size_t i = 0; i < moving; ++i) out[i] = value_ + step_ * static_cast<float>(i + 1);
  remaining_ -= moving;
  value_ = remaining_ == 0 ? target_ : value_ + step_ * static_cast<float>(moving);
  if (moving > 0 && remaining_ == 0) out[moving - 1] = target_;
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(moving), out.end(), value_);
}

}  // namespace novasr
