#pragma once
#include <cstdint>

#include "novasr/realtime.hpp"

namespace novasr {

/// Quotient rounded towards minus infinity; divisor > 0.
[[nodiscard]] constexpr std::int64_t floor_div(std::int64_t dividend, std::int64_t divisor) NOVASR_RT {
  return dividend / divisor - (dividend % divisor < 0 ? 1 : 0);
}

}  // namespace novasr
