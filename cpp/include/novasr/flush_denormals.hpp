#pragma once
#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#  include <immintrin.h>
#endif

#include "novasr/realtime.hpp"

namespace novasr {

/// While it lives, this thread rounds subnormal numbers to zero: on x86 they cost a hundred times a normal operation.
class FlushDenormals {
 public:
#if defined(__SSE2__) || defined(_M_X64)
  FlushDenormals() NOVASR_RT : saved_(_mm_getcsr()) {
    _mm_setcsr(static_cast<unsigned>(saved_) | kFlushAndZero);
  }
  ~FlushDenormals() {
    _mm_setcsr(static_cast<unsigned>(saved_));
  }
#elif defined(__aarch64__)
  FlushDenormals() NOVASR_RT {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(saved_ | kFlushAndZero));
  }
  ~FlushDenormals() {
    asm volatile("msr fpcr, %0" ::"r"(saved_));
  }
#else
  FlushDenormals() NOVASR_RT = default;
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__aarch64__)
  static constexpr std::uint64_t kFlushAndZero = 1u << 24;  // FPCR.FZ
#else
  static constexpr std::uint64_t kFlushAndZero = 0x8040;  // MXCSR: flush to zero (bit 15), denormals are zero (bit 6)
#endif
  [[maybe_unused]] std::uint64_t saved_ = 0;
};

}  // namespace novasr
