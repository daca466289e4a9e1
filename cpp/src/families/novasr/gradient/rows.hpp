#pragma once
#include <algorithm>
#include <array>
#include <cstddef>

namespace novasr::training {

/// Work goes tile by tile: what a tile needs of every layer stays in the second-level cache.
constexpr std::size_t kTile = 240;   // outputs; divisible by 3
constexpr std::size_t kBefore = 24;  // rows before the tile's first output that any layer reaches
constexpr std::size_t kRows = kBefore + kTile + 32;
constexpr std::size_t kGuard = 16;  // rows of zeros on both sides, so that no filter has to look where it ends
constexpr std::size_t kLanes = 32;  // channels

/// One signal of a tile: 32 channels side by side, row after row.
struct alignas(64) Rows {
  std::array<float, (kRows + 2 * kGuard) * kLanes> values{};

  [[nodiscard]] float* row(std::size_t i) noexcept { return values.data() + (i + kGuard) * kLanes; }
  [[nodiscard]] const float* row(std::size_t i) const noexcept { return values.data() + (i + kGuard) * kLanes; }

  void clear() noexcept { values.fill(0.0f); }

  /// Zeroes rows first .. last that lie outside a signal of `frames`, of which row 0 is frame `start`.
  void clear_outside(std::ptrdiff_t start, std::ptrdiff_t frames, std::size_t first, std::size_t last) noexcept {
    for (std::size_t i = first; i < last; ++i) {
      const std::ptrdiff_t frame = start + static_cast<std::ptrdiff_t>(i);
      if (frame < 0 || frame >= frames) std::fill_n(row(i), kLanes, 0.0f);
    }
  }
};

}  // namespace novasr::training
