#include "dsp/symmetric_fir.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "dsp/history.hpp"
#include "simd/dispatch.hpp"

#if defined(__GNUC__) && defined(__x86_64__)
#  define NOVASR_INLINE inline __attribute__((always_inline))
#  define NOVASR_AVX2 __attribute__((target("avx2")))  // without FMA: the same bits as from SSE2
#else
#  define NOVASR_INLINE inline
#endif

namespace novasr {
namespace {

constexpr std::size_t kGroup = History::kReadAhead;

/// `Width` neighbouring frames. A type of its own, because GCC otherwise vectorises the loop over the taps.
#if defined(__GNUC__)
template <std::size_t Width>
struct Frames {
  typedef float Vector __attribute__((vector_size(Width * sizeof(float))));
  Vector v;
};
#else
template <std::size_t Width>
struct Frames {
  struct Vector {
    std::array<float, Width> lane;
    friend Vector operator+(Vector a, const Vector& b) {
      for (std::size_t i = 0; i < Width; ++i) a.lane[i] += b.lane[i];
      return a;
    }
    friend Vector operator*(float gain, Vector a) {
      for (std::size_t i = 0; i < Width; ++i) a.lane[i] *= gain;
      return a;
    }
  };
  Vector v;
};
#endif

template <std::size_t Width>
NOVASR_INLINE void filter(std::span<const float> half, const float* end, std::span<float> out) NOVASR_RT {
  using Vector = typename Frames<Width>::Vector;
  constexpr std::size_t kVectors = kGroup / Width;
  const std::size_t reach = half.size() - 1;
  const float* const centre = end - out.size() - reach;
  for (std::size_t first = 0; first < out.size(); first += kGroup) {
    const float* const x = centre + first;
    Vector sum[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      Vector at;
      std::memcpy(&at, x + v * Width, sizeof at);
      sum[v] = half[0] * at;
    }
    for (std::size_t k = 1; k <= reach; ++k)
      for (std::size_t v = 0; v < kVectors; ++v) {
        Vector before;
        Vector after;
        std::memcpy(&before, x + v * Width - k, sizeof before);
        std::memcpy(&after, x + v * Width + k, sizeof after);
        sum[v] = sum[v] + half[k] * (before + after);
      }
    std::memcpy(out.data() + first, sum, std::min(kGroup, out.size() - first) * sizeof(float));
  }
}

void filter_portable(std::span<const float> half, const float* end, std::span<float> out) NOVASR_RT {
  filter<4>(half, end, out);
}

#if defined(NOVASR_AVX2)
NOVASR_AVX2 void filter_avx2(std::span<const float> half, const float* end, std::span<float> out) NOVASR_RT {
  filter<8>(half, end, out);
}
#endif

const SymmetricFir best = symmetric_fir_for(is_available(Isa::avx2) ? Isa::avx2 : Isa::portable);

}  // namespace

SymmetricFir symmetric_fir_for([[maybe_unused]] Isa isa) noexcept {
#if defined(NOVASR_AVX2)
  if (isa >= Isa::avx2) return filter_avx2;
#endif
  return filter_portable;
}

void symmetric_fir(std::span<const float> half, const float* end, std::span<float> out) NOVASR_RT {
  best(half, end, out);
}

}  // namespace novasr
