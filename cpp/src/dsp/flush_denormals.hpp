#pragma once
#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#  include <immintrin.h>
#endif

#include "novasr/realtime.hpp"

namespace novasr {

/// During its lifetime, flushes subnormal operands and results of this thread to zero, so decaying tails cost no extra
/// time.
/// Thread: destroy it on the thread that created it.  Progress: wait-free.
/// No effect on CPUs other than x86-64 and ARM64.
class FlushDenormals {
 public:
  FlushDenormals() NOVASR_RT : saved_(control()) { set_control(saved_ | kFlushBits); }
  ~FlushDenormals() NOVASR_RT { set_control(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__SSE2__) || defined(_M_X64)
  using Word = unsigned int;
  static constexpr Word kFlushBits = 0x8040;  // MXCSR: FTZ (bit 15) and DAZ (bit 6)
  static Word control() NOVASR_RT {
    return _mm_getcsr();
  }
  static void set_control(Word word) NOVASR_RT {
    _mm_setcsr(word);
  }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  static constexpr Word kFlushBits = Word{1} << 24;  // FPCR.FZ
  static Word control() NOVASR_RT {
    Word word = 0;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void set_control(Word word) NOVASR_RT {
    asm volatile("msr fpcr, %0" : : "r"(word));
  }
#else
  using Word = unsigned int;
  static constexpr Word kFlushBits = 0;
  static Word control() NOVASR_RT {
    return 0;
  }
  static void set_control(Word) NOVASR_RT {}
#endif
  Word saved_;
};

}  // namespace novasr
