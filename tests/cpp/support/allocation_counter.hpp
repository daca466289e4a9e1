#pragma once
#include <cstdint>
#include <utility>

namespace novasr::test {

/// Heap allocations of this thread so far, through operator new and, if counts_malloc(), through malloc and its
/// variants.
std::uint64_t allocations_of_this_thread() noexcept;

/// Heap allocations of this thread during `work`.
template <typename Work>
std::uint64_t allocations_in(Work&& work) {
  const auto before = allocations_of_this_thread();
  std::forward<Work>(work)();
  return allocations_of_this_thread() - before;
}

/// True where malloc itself is counted.
bool counts_malloc() noexcept;

}  // namespace novasr::test
