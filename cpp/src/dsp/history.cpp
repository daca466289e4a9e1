#include "dsp/history.hpp"

#include <algorithm>
#include <cassert>

namespace novasr {

void History::prepare(std::size_t keep, std::size_t max_append) {
  constexpr std::size_t kMovesApart = 4;  // move the past to the front once per this many times its length
  keep_ = keep;
  samples_.assign(keep + std::max(max_append, kMovesApart * keep) + kReadAhead, 0.0f);
  end_ = keep;
}

void History::reset(float level) NOVASR_RT {
  std::fill(samples_.begin(), samples_.end(), level);
  end_ = keep_;
}

std::span<float> History::append(std::size_t count) NOVASR_RT {
  if (end_ + count + kReadAhead > samples_.size()) {
    std::copy(samples_.begin() + static_cast<std::ptrdiff_t>(end_ - keep_),
              samples_.begin() + static_cast<std::ptrdiff_t>(end_), samples_.begin());
    end_ = keep_;
  }
  assert(end_ + count + kReadAhead <= samples_.size());
  const std::span<float> room(samples_.data() + end_, count);
  end_ += count;
  return room;
}

}  // namespace novasr
