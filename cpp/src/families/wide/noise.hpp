#pragma once
#include <cstdint>
#include <vector>

#include "families/wide/kernels/kernels.hpp"
#include "novasr/realtime.hpp"

namespace novasr::wide {

/// The whitened spectra of white noise that repeats without a seam after kNoiseFrames hops; the same on every machine.
class Noise {
 public:
  /// [control] Takes milliseconds.
  Noise();

  /// [audio] The spectrum of a hop.
  [[nodiscard]] kernels::ConstSpectrum of(std::uint64_t hop) const NOVASR_RT {
    const Row& row = rows_[hop % kNoiseFrames];
    return {row.re, row.im};
  }

 private:
  struct Row {
    alignas(64) float re[kLineRow];
    alignas(64) float im[kLineRow];
  };
  std::vector<Row> rows_;
};

/// [control] Computed once.
[[nodiscard]] const Noise& noise();

}  // namespace novasr::wide
