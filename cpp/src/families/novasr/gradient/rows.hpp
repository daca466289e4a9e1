#pragma once
#include <stddef.h>

namespace novasr::training {

/// Work goes tile by tile: what a tile needs of every layer stays in the L2 cache.
constexpr size_t kTile = 240;   // outputs; divisible by 3
constexpr size_t kBefore = 24;  // rows before the tile's first output that any layer reaches
constexpr size_t kRows = kBefore + kTile + 32;
constexpr size_t kGuard = 16;  // rows of zeros on both sides, so that no filter has to look where it ends
constexpr size_t kLanes = 32;  // channels

/// One signal of a tile: 32 channels side by side, row after row.
struct alignas(64) Rows {
  float values[(kRows + 2 * kGuard) * kLanes] = {};

  // Never a function of its own: each instruction set's file would bring one.
  [[nodiscard, gnu::always_inline]] inline float* row(size_t i) noexcept { return values + (i + kGuard) * kLanes; }
  [[nodiscard, gnu::always_inline]] inline const float* row(size_t i) const noexcept {
    return values + (i + kGuard) * kLanes;
  }

  void clear() noexcept;

  /// Zeroes rows first .. last that lie outside a signal of `frames`, of which row 0 is frame `start`.
  void clear_outside(ptrdiff_t start, ptrdiff_t frames, size_t first, size_t last) noexcept;
};

}  // namespace novasr::training
