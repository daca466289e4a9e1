#include "allocation_counter.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(NOVASR_RTSAN)
#  define NOVASR_COUNTS_MALLOC 1
#else
#  define NOVASR_COUNTS_MALLOC 0
#endif

namespace {

thread_local std::uint64_t allocations = 0;

#if !NOVASR_COUNTS_MALLOC
void* allocate(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  const auto size = (bytes + alignment - 1) / alignment * alignment;
  if (void* memory = std::aligned_alloc(alignment, size == 0 ? alignment : size)) return memory;
  throw std::bad_alloc();
}
#endif

}  // namespace

namespace novasr::test {
std::uint64_t allocations_of_this_thread() noexcept {
  return allocations;
}
bool counts_malloc() noexcept {
  return NOVASR_COUNTS_MALLOC != 0;
}
}  // namespace novasr::test

#if NOVASR_COUNTS_MALLOC

// operator new of libstdc++ calls these too. free() needs no replacement: the memory is glibc's own.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
}

#else

void* operator new(std::size_t bytes) {
  return allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#endif
