#pragma once
#include <span>

#include "novasr/realtime.hpp"

namespace novasr {

/// [audio] out[i] = sum over |k| < half.size() of half[|k|] x[i + k], x = newest + 1 - out.size() - (half.size() - 1).
/// Vectorised over frames: each output adds its taps from the centre outwards, wherever a block begins. Reads up to
/// History::kReadAhead samples at and beyond `end`, one past the newest sample.
void symmetric_fir(std::span<const float> half, const float* end, std::span<float> out) NOVASR_RT;

}  // namespace novasr
