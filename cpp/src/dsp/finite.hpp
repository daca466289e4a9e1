#pragma once
#include <cstddef>
#include <span>

#include "novasr/realtime.hpp"

namespace novasr {

/// [audio] Copies `in` to `out`, replacing NaN and infinity by 0; returns the number of replaced samples. The spans may
/// be the same memory.
std::size_t copy_finite(std::span<const float> in, std::span<float> out) NOVASR_RT;

/// [audio] Clamps audio to +-`limit`; NaN becomes 0.
void bound(std::span<float> audio, float limit) NOVASR_RT;

}  // namespace novasr
