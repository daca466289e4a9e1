#pragma once

// LLVM's RealtimeSanitizer, if linked: the same object files work with and without it.
extern "C" {
__attribute__((weak)) void __rtsan_realtime_enter();
__attribute__((weak)) void __rtsan_realtime_exit();
}

namespace novasr::test {

/// During its lifetime, this thread must obey the rules of an audio thread: under RealtimeSanitizer a call that may
/// block or allocate terminates the program.
class RealtimeScope {
 public:
  RealtimeScope() noexcept {
    if (__rtsan_realtime_enter) __rtsan_realtime_enter();
  }
  ~RealtimeScope() {
    if (__rtsan_realtime_exit) __rtsan_realtime_exit();
  }
  RealtimeScope(const RealtimeScope&) = delete;
  RealtimeScope& operator=(const RealtimeScope&) = delete;
};

}  // namespace novasr::test
