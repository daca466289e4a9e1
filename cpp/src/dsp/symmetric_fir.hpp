#pragma once
#include <span>

#include "dsp/kernels/kernels.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// [audio] out[i] = sum over |k| < half.size() of half[|k|] x[i + k], x = newest + 1 - out.size() - (half.size() - 1).
/// Reads up to History::kReadAhead samples at and beyond `end`, one past the newest sample.
inline void symmetric_fir(const dsp::KernelTable& kernels, std::span<const float> half, const float* end,
                          std::span<float> out) NOVASR_RT {
  const float* const centre = end - out.size() - (half.size() - 1);
  kernels.symmetric_fir(half.data(), half.size(), centre, out.size(), out.data());
}

}  // namespace novasr
