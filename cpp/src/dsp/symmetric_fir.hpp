#pragma once
#include <span>

#include "novasr/isa.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// [audio] out[i] = sum over |k| < half.size() of half[|k|] x[i + k], x = newest + 1 - out.size() - (half.size() - 1).
/// Vectorised over frames: each output adds its taps from the centre outwards, wherever a block begins. Reads up to
/// History::kReadAhead samples at and beyond `end`, one past the newest sample.
void symmetric_fir(std::span<const float> half, const float* end, std::span<float> out) NOVASR_RT;

using SymmetricFir = void (*)(std::span<const float> half, const float* end, std::span<float> out) NOVASR_RT;

/// [control] symmetric_fir() as compiled for an available instruction set; all give the same bits.
[[nodiscard]] SymmetricFir symmetric_fir_for(Isa isa) noexcept;

}  // namespace novasr
