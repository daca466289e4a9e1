#include "novasr/delay_line.hpp"

#include <algorithm>

namespace novasr {

void DelayLine::prepare(std::size_t delay_frames, std::size_t max_block_frames) {
  delay_ = delay_frames;
  history_.prepare(delay_frames, max_block_frames);
}

std::span<const float> DelayLine::process(std::span<const float> in) NOVASR_RT {
  std::copy(in.begin(), in.end(), history_.append(in.size()).begin());
  return {history_.end() - delay_ - in.size(), in.size()};
}

}  // namespace novasr
