// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

namespace novasr::test {

/// What an audio thread must not do, counted if a library does it: calls from this executable, the host, are ignored.
struct Breaches {
  std::uint64_t allocations = 0;
  std::uint64_t frees = 0;
  std::uint64_t locks = 0;
  std::uint64_t waits = 0;  ///< locks that another thread held

  friend Breaches operator-(const Breaches& now, const Breaches& before) {
    return {now.allocations - before.allocations, now.frees - before.frees, now.locks - before.locks,
            now.waits - before.waits};
  }
};

/// Of this thread so far.
Breaches breaches_of_this_thread() noexcept;

/// False with a sanitizer, which intercepts the heap and the mutexes, and without glibc.
bool counts_breaches() noexcept;

}  // namespace novasr::test
