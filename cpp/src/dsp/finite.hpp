#pragma once
#include <cstddef>
#include <span>

#include "novasr/realtime.hpp"

namespace novasr {

/// [audio] Copies `in` to `out` with NaN and infinities replaced by 0; returns how many there were. They may be the
/// same memory.
std::size_t copy_finite(std::span<const float> in, std::span<float> out) NOVASR_RT;

/// [audio] Limits audio to +-`limit`; NaN becomes 0.
void bound(std::span<float> audio, float limit) NOVASR_RT;

}  // namespace novasr
