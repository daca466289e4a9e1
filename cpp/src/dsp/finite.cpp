#include "dsp/finite.hpp"

#include <bit>
#include <cassert>
#include <cstdint>

namespace novasr {

std::size_t copy_finite(std::span<const float> in, std::span<float> out) NOVASR_RT {
  assert(in.size() == out.size());
  constexpr std::uint32_t kExponent = 0x7f80'0000u;  // all ones only in NaN and infinity
  std::uint32_t replaced = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(in[i]);
    const bool finite = (bits & kExponent) != kExponent;
    out[i] = std::bit_cast<float>(finite ? bits : 0u);
    replaced += finite ? 0u : 1u;
  }
  return replaced;
}

void bound(std::span<float> audio, float limit) NOVASR_RT {
  for (float& sample : audio) {
    const float below = sample < limit ? sample : limit;  // NaN compares false and becomes `limit`,
    const float kept = below > -limit ? below : -limit;
    sample = sample == sample ? kept : 0.0f;  // and then 0
  }
}

}  // namespace novasr
