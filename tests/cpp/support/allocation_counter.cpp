#include "allocation_counter.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

// Three ways to count allocations, because builds differ in who owns malloc:
//   address, thread  the sanitizer calls a hook for each allocation
//   realtime         it owns malloc, so operator new is replaced
//   else, glibc      malloc and its variants are replaced; operator new calls them
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Declared here because Debian's GCC ships it without its header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                         void (*)(const volatile void*));
#  define NOVASR_COUNTS_MALLOC 1
#elif defined(NOVASR_RTSAN) || !defined(__GLIBC__)
#  define NOVASR_COUNTS_MALLOC 0
#else
#  define NOVASR_COUNTS_MALLOC 1
#endif

namespace {
thread_local std::uint64_t allocations = 0;
}

namespace novasr::test {
std::uint64_t allocations_of_this_thread() noexcept {
  return allocations;
}
bool counts_malloc() noexcept {
  return NOVASR_COUNTS_MALLOC != 0;
}
}  // namespace novasr::test

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

namespace {
const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { ++allocations; }, [](const volatile void*) {});
}

#elif NOVASR_COUNTS_MALLOC

// free() needs no replacement: the memory is glibc's own.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

__attribute__((visibility("default"))) void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
__attribute__((visibility("default"))) void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
__attribute__((visibility("default"))) void* realloc(void* memory, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(memory, bytes);
}
__attribute__((visibility("default"))) void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
}

#else

#  if defined(_WIN32)  // has no std::aligned_alloc
#    include <malloc.h>
#  endif

namespace {

void* take(std::size_t bytes, std::size_t alignment) {
#  if defined(_WIN32)
  return _aligned_malloc(bytes, alignment);
#  else
  return std::aligned_alloc(alignment, bytes);
#  endif
}

void release(void* memory) noexcept {
#  if defined(_WIN32)
  _aligned_free(memory);
#  else
  std::free(memory);
#  endif
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  const auto size = (bytes + alignment - 1) / alignment * alignment;
  if (void* memory = take(size == 0 ? alignment : size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
  return allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  release(memory);
}

#endif
