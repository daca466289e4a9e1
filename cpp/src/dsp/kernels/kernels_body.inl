// One instruction set's kernels: the including file sets NOVASR_WIDTH (4 or 8 floats) and NOVASR_TABLE.
// No standard header with inline code may be included here, see kernels.hpp.
#include "dsp/kernels/kernels.hpp"
#include "simd/intrinsics.hpp"

namespace novasr::dsp {
namespace {
#include "simd/vectors.inl"

constexpr size_t kFirVectors = kFirFrames / kWidth;
constexpr size_t kDotVectors = kDotLanes / kWidth;
static_assert(kFirVectors * kWidth == kFirFrames && kDotVectors * kWidth == kDotLanes);

/// Vectorised over frames: each output sums its taps in the same order, regardless of block boundaries.
void symmetric_fir(const float* half, size_t taps, const float* centre, size_t frames, float* out) NOVASR_RT {
  for (size_t first = 0; first < frames; first += kFirFrames) {
    const float* const x = centre + first;
    Vec sum[kFirVectors];
    for (size_t v = 0; v < kFirVectors; ++v) sum[v] = half[0] * load_unaligned(x + v * kWidth);
    for (size_t k = 1; k < taps; ++k) {
      for (size_t v = 0; v < kFirVectors; ++v) {
        const float* const at = x + v * kWidth;
        sum[v] = sum[v] + half[k] * (load_unaligned(at - k) + load_unaligned(at + k));
      }
    }
    const size_t left = frames - first;
    __builtin_memcpy(out + first, sum, (left < kFirFrames ? left : kFirFrames) * sizeof(float));
  }
}

NOVASR_INLINE float sum_lanes(const Vec* lanes) {
  float lane[kDotLanes];
  __builtin_memcpy(lane, lanes, sizeof lane);
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

float dot(const float* x, const float* h, size_t length) NOVASR_RT {
  Vec sum[kDotVectors] = {};
  for (size_t k = 0; k < length; k += kDotLanes) {
    for (size_t v = 0; v < kDotVectors; ++v) {
      const size_t at = k + v * kWidth;
      sum[v] = sum[v] + load_unaligned(x + at) * load_unaligned(h + at);
    }
  }
  return sum_lanes(sum);
}

float dot_between(const float* x, const float* h0, const float* h1, float fraction, size_t length) NOVASR_RT {
  Vec sum[kDotVectors] = {};
  for (size_t k = 0; k < length; k += kDotLanes) {
    for (size_t v = 0; v < kDotVectors; ++v) {
      const size_t at = k + v * kWidth;
      const Vec from = load_unaligned(h0 + at), to = load_unaligned(h1 + at);
      sum[v] = sum[v] + load_unaligned(x + at) * (from + fraction * (to - from));
    }
  }
  return sum_lanes(sum);
}

}  // namespace

extern const KernelTable NOVASR_TABLE;  // const alone would mean internal linkage
const KernelTable NOVASR_TABLE = {symmetric_fir, dot, dot_between};

}  // namespace novasr::dsp
