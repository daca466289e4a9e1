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

/// Core clock in Hz under load on this thread, measured with a dependency chain of one-cycle additions.
[[nodiscard]] double clock_hz();

/// Peak multiply-adds per second and core of the instruction set; 0 if not measured.
[[nodiscard]] double peak_multiply_adds(Isa isa);

}  // namespace novasr::bench
