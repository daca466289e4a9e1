#pragma once

#if defined(NOVASR_RTSAN)
extern "C" void __rtsan_realtime_enter();
extern "C" void __rtsan_realtime_exit();
#endif

namespace novasr::test {

/// While it lives, this thread is held to the rules of an audio thread: with NOVASR_SANITIZE=realtime, a call that may
/// block or allocate ends the program. In other builds it does nothing.
class RealtimeScope {
 public:
#if defined(NOVASR_RTSAN)
  RealtimeScope() noexcept {
    __rtsan_realtime_enter();
  }
  ~RealtimeScope() {
    __rtsan_realtime_exit();
  }
#else
  RealtimeScope() noexcept {}
  ~RealtimeScope() {}
#endif
  RealtimeScope(const RealtimeScope&) = delete;
  RealtimeScope& operator=(const RealtimeScope&) = delete;
};

}  // namespace novasr::test
