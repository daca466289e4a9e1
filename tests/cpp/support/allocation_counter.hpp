#pragma once
#include <cstddef>

/// Calls of operator new in this thread so far.
std::size_t allocations() noexcept;

/// Calls of operator new by `work`.
template <typename Work>
std::size_t allocations_in(Work work) {
  const std::size_t before = allocations();
  work();
  return allocations() - before;
}
