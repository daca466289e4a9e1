#pragma once
#include <mutex>

namespace novasr {

#if defined(_LIBCPP_HAS_NO_THREADS)
/// For systems without threads, such as WebAssembly, whose library has no mutex.
class Mutex {
 public:
  void lock() noexcept {}
  void unlock() noexcept {}
};
#else
using Mutex = std::mutex;
#endif

}  // namespace novasr
