#pragma once
#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#  include <immintrin.h>
#endif

namespace novasr {

/// While it lives, this thread rounds subnormal results and operands to zero: decaying tails cost no extra time.
/// Thread: the one that made it also destroys it.  Progress: wait-free.
/// On a CPU that is neither x86-64 nor ARM64 it does nothing.
class FlushDenormals {
 public:
  FlushDenormals() noexcept : saved_(control()) { set_control(saved_ | kFlushBits); }
  ~FlushDenormals() { set_control(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__SSE2__) || defined(_M_X64)
  using Word = unsigned int;
  static constexpr Word kFlushBits = 0x8040;  // MXCSR: FTZ (bit 15) and DAZ (bit 6)
  static Word control() noexcept {
    return _mm_getcsr();
  }
  static void set_control(Word word) noexcept {
    _mm_setcsr(word);
  }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  static constexpr Word kFlushBits = Word{1} << 24;  // FPCR.FZ
  static Word control() noexcept {
    Word word = 0;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void set_control(Word word) noexcept {
    asm volatile("msr fpcr, %0" : : "r"(word));
  }
#else
  using Word = unsigned int;
  static constexpr Word kFlushBits = 0;
  static Word control() noexcept {
    return 0;
  }
  static void set_control(Word) noexcept {}
#endif
  Word saved_;
};

}  // namespace novasr
