#include "rows.hpp"

#include <algorithm>
#include <cstddef>
#include <ranges>

namespace novasr::training {

void Rows::clear() noexcept {
  std::ranges::fill(values, 0.0f);
}

void Rows::clear_outside(std::ptrdiff_t start, std::ptrdiff_t frames, std::size_t first, std::size_t last) noexcept {
  for (std::size_t i = first; i < last; ++i) {
    const std::ptrdiff_t frame = start + static_cast<std::ptrdiff_t>(i);
    if (frame < 0 || frame >= frames) std::fill_n(row(i), kLanes, 0.0f);
  }
}

}  // namespace novasr::training
