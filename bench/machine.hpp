#pragma once
#include <chrono>
#include <string>

#include "novasr/isa.hpp"

namespace novasr::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[nodiscard]] std::string cpu_name();
[[nodiscard]] std::string compiler_name();

/// Core clock in Hz while this thread computes, from a chain of additions that each take one cycle.
[[nodiscard]] double clock_hz();

/// Multiply-adds per second and core that the instruction set reaches with nothing else to do; 0 where not measured.
[[nodiscard]] double peak_multiply_adds(Isa isa);

}  // namespace novasr::bench
