#pragma once

// LLVM's RealtimeSanitizer, where it is linked: the same object files serve with it and without.
extern "C" {
__attribute__((weak)) void __rtsan_realtime_enter();
__attribute__((weak)) void __rtsan_realtime_exit();
}

namespace novasr::test {

/// While it lives, this thread is held to the rules of an audio thread: under RealtimeSanitizer a call that may block
/// or allocate ends the program.
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
