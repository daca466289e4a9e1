// SPDX-License-Identifier: GPL-3.0-or-later
// Breaks each rule of the audio thread, to show that the guard detects it in a library loaded like a plugin.
#include <cstdlib>
#include <mutex>
#include <new>

#define NOVASR_EXPORTED extern "C" __attribute__((visibility("default")))

namespace {
std::mutex mutex;
}

NOVASR_EXPORTED void* allocate_by_new() {
  return ::operator new(8);
}
NOVASR_EXPORTED void free_by_delete(void* memory) {
  ::operator delete(memory);
}
NOVASR_EXPORTED void* allocate_by_malloc() {
  return std::malloc(8);
}
NOVASR_EXPORTED void free_by_free(void* memory) {
  std::free(memory);
}
NOVASR_EXPORTED void lock() {
  mutex.lock();
}
NOVASR_EXPORTED void unlock() {
  mutex.unlock();
}
