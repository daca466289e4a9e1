// SPDX-License-Identifier: GPL-3.0-or-later
#include "audio_thread_guard.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)

namespace novasr::test {
Breaches breaches_of_this_thread() noexcept {
  return {};
}
bool counts_breaches() noexcept {
  return false;
}
}  // namespace novasr::test

#else

#  include <dlfcn.h>
#  include <pthread.h>

#  include <cstddef>
#  include <new>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
extern const char __executable_start, etext;  // set by the linker: the range of this program's code
}

namespace {

thread_local novasr::test::Breaches breaches;

bool is_library(const void* caller) {
  return caller < &__executable_start || caller >= &etext;
}

void* checked(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

namespace novasr::test {
Breaches breaches_of_this_thread() noexcept {
  return breaches;
}
bool counts_breaches() noexcept {
  return true;
}
}  // namespace novasr::test

// An executable's symbols precede those of the C and C++ libraries, even for libraries opened later.
#  define NOVASR_EXPORTED __attribute__((visibility("default")))
#  define NOVASR_COUNT(what) breaches.what += is_library(__builtin_return_address(0))

extern "C" {
NOVASR_EXPORTED void* malloc(std::size_t bytes) {
  NOVASR_COUNT(allocations);
  return __libc_malloc(bytes);
}
NOVASR_EXPORTED void* calloc(std::size_t count, std::size_t bytes) {
  NOVASR_COUNT(allocations);
  return __libc_calloc(count, bytes);
}
NOVASR_EXPORTED void* realloc(void* memory, std::size_t bytes) {
  NOVASR_COUNT(allocations);
  return __libc_realloc(memory, bytes);
}
NOVASR_EXPORTED void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  NOVASR_COUNT(allocations);
  return __libc_memalign(alignment, bytes);
}
NOVASR_EXPORTED void free(void* memory) {
  if (memory != nullptr) NOVASR_COUNT(frees);
  __libc_free(memory);
}

NOVASR_EXPORTED int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  const bool library = is_library(__builtin_return_address(0));
  breaches.locks += library;
  if (pthread_mutex_trylock(mutex) == 0) return 0;
  breaches.waits += library;
  using Lock = int (*)(pthread_mutex_t*);
  static const auto lock = reinterpret_cast<Lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  return lock(mutex);
}
}

NOVASR_EXPORTED void* operator new(std::size_t bytes) {
  NOVASR_COUNT(allocations);
  return checked(__libc_malloc(bytes));
}
NOVASR_EXPORTED void* operator new(std::size_t bytes, std::align_val_t alignment) {
  NOVASR_COUNT(allocations);
  return checked(__libc_memalign(static_cast<std::size_t>(alignment), bytes));
}
NOVASR_EXPORTED void operator delete(void* memory) noexcept {
  if (memory != nullptr) NOVASR_COUNT(frees);
  __libc_free(memory);
}
NOVASR_EXPORTED void operator delete(void* memory, std::size_t) noexcept {
  if (memory != nullptr) NOVASR_COUNT(frees);
  __libc_free(memory);
}
NOVASR_EXPORTED void operator delete(void* memory, std::align_val_t) noexcept {
  if (memory != nullptr) NOVASR_COUNT(frees);
  __libc_free(memory);
}
NOVASR_EXPORTED void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  if (memory != nullptr) NOVASR_COUNT(frees);
  __libc_free(memory);
}

#endif
