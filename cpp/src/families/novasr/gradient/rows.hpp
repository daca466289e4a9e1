#pragma once
#include <stddef.h>

namespace novasr::training {

/// Clips are processed tile by tile, so that all layers of a tile stay in the L2 cache.
constexpr size_t kTile = 240;   // outputs; divisible by 3
constexpr size_t kBefore = 24;  // rows before the tile's first output: the reach of all layers
constexpr size_t kRows = kBefore + kTile + 32;
constexpr size_t kGuard = 16;  // rows of zeros on both sides: filters need no bounds checks
constexpr size_t kLanes = 32;  // channels

/// One signal of a tile: 32 channels side by side, row after row.
struct alignas(64) Rows {
  float values[(kRows + 2 * kGuard) * kLanes] = {};

  // Always inlined: otherwise the linker could keep the copy of any instruction set.
  [[nodiscard, gnu::always_inline]] inline float* row(size_t i) noexcept { return values + (i + kGuard) * kLanes; }
  [[nodiscard, gnu::always_inline]] inline const float* row(size_t i) const noexcept {
    return values + (i + kGuard) * kLanes;
  }

  void clear() noexcept;

  /// Zeroes the rows first .. last that lie outside a signal of `frames` frames; row 0 is its frame `start`.
  void clear_outside(ptrdiff_t start, ptrdiff_t frames, size_t first, size_t last) noexcept;
};

}  // namespace novasr::training
