#pragma once
#include <cstdint>

#if defined(__SSE2__)
#  include <xmmintrin.h>
#endif

namespace novasr {

/// While alive, denormal floats count as 0 on this thread; the mode found is restored at the end.
class FlushDenormals {
 public:
  FlushDenormals() noexcept : found_(mode()) { set_mode(found_ | kFlush); }
  ~FlushDenormals() { set_mode(found_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__SSE2__)
  using Mode = unsigned int;
  static constexpr Mode kFlush = 0x8040;  // MXCSR: flush to zero (bit 15), denormals are zero (bit 6)
  static Mode mode() noexcept { return _mm_getcsr(); }
  static void set_mode(Mode mode) noexcept { _mm_setcsr(mode); }
#elif defined(__aarch64__)
  using Mode = std::uint64_t;
  static constexpr Mode kFlush = 1u << 24;  // FPCR: FZ
  static Mode mode() noexcept {
    Mode value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void set_mode(Mode mode) noexcept { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
  using Mode = unsigned int;
  static constexpr Mode kFlush = 0;  // no such mode: denormals are slow, not wrong
  static Mode mode() noexcept { return 0; }
  static void set_mode(Mode) noexcept {}
#endif

  Mode found_;
};

}  // namespace novasr
