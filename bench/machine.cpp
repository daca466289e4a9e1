#include "machine.hpp"

#include <algorithm>
#include <fstream>

#if defined(__x86_64__)
#  include <immintrin.h>
#endif

namespace novasr::bench {
namespace {

constexpr int kRepeats = 200;  // best of many short runs: interruptions only make a run slower
constexpr long kSteps = 20'000;

template <typename Work>
double best_seconds(Work&& work) {
  double best = 1.0;
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = Clock::now();
    work();
    best = std::min(best, seconds_since(start));
  }
  return best;
}

#if defined(__x86_64__)
// Twelve independent sums hide the latency of each. They are separate variables, because with an array GCC would time
// stores and loads. The empty asm keeps the compiler from merging the steps.
#  define NOVASR_PEAK(name, target_name, vector, zero, step)                                     \
    __attribute__((target(target_name))) void name() {                                           \
      const vector f = zero;                                                                     \
      vector a = f, b = f, c = f, d = f, e = f, g = f, h = f, i = f, j = f, k = f, l = f, m = f; \
      for (long n = 0; n < kSteps; ++n) {                                                        \
        a = step(a), b = step(b), c = step(c), d = step(d), e = step(e), g = step(g);            \
        h = step(h), i = step(i), j = step(j), k = step(k), l = step(l), m = step(m);            \
        asm volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(g));                 \
        asm volatile("" : "+x"(h), "+x"(i), "+x"(j), "+x"(k), "+x"(l), "+x"(m));                 \
      }                                                                                          \
    }
#  define NOVASR_STEP_128(sum) _mm_add_ps(_mm_mul_ps(sum, f), f)
#  define NOVASR_STEP_256(sum) _mm256_fmadd_ps(sum, f, f)
#  define NOVASR_STEP_512(sum) _mm512_fmadd_ps(sum, f, f)
NOVASR_PEAK(peak_sse, "sse2", __m128, _mm_setzero_ps(), NOVASR_STEP_128)
NOVASR_PEAK(peak_avx2, "avx2,fma", __m256, _mm256_setzero_ps(), NOVASR_STEP_256)
NOVASR_PEAK(peak_avx512, "avx512f", __m512, _mm512_setzero_ps(), NOVASR_STEP_512)
#endif

}  // namespace

std::string cpu_name() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string compiler_name() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

double clock_hz() {
  const double seconds = best_seconds([] {
    unsigned long x = 1;
    for (long i = 0; i < kSteps; ++i) {
#if defined(__x86_64__)
      asm volatile("add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0" : "+r"(x));
#else
      asm volatile("add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1\n add %0, %0, #1" : "+r"(x));
#endif
    }
  });
  return 4.0 * kSteps / seconds;
}

double peak_multiply_adds([[maybe_unused]] Isa isa) {
#if defined(__x86_64__)
  switch (isa) {
    case Isa::avx2:
      return 12.0 * 8 * kSteps / best_seconds(peak_avx2);
    case Isa::avx512:
      return 12.0 * 16 * kSteps / best_seconds(peak_avx512);
    default:
      return 12.0 * 4 * kSteps / best_seconds(peak_sse);
  }
#else
  return 0.0;
#endif
}

}  // namespace novasr::bench
