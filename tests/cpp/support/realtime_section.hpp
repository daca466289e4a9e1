#pragma once

#if defined(NOVASR_RTSAN)
extern "C" void __rtsan_realtime_enter();
extern "C" void __rtsan_realtime_exit();
#endif

/// While it lives, RealtimeSanitizer (where built in) stops the test at any allocation, lock or system call.
struct RealtimeSection {
#if defined(NOVASR_RTSAN)
  RealtimeSection() {
    __rtsan_realtime_enter();
  }
  ~RealtimeSection() {
    __rtsan_realtime_exit();
  }
#else
  RealtimeSection() {}   // NOLINT(modernize-use-equals-default): a variable of it must not count as unused
  ~RealtimeSection() {}  // NOLINT(modernize-use-equals-default)
#endif
  RealtimeSection(const RealtimeSection&) = delete;
  RealtimeSection& operator=(const RealtimeSection&) = delete;
};
