#pragma once
// The filters' inner loops. The files of all instruction sets include this, so it includes no standard header with
// inline code: the linker could keep the AVX2 copy for all of them.
#include <stddef.h>

#include "novasr/realtime.hpp"

namespace novasr::dsp {

/// Frames that symmetric_fir computes together.
inline constexpr size_t kFirFrames = 16;

/// Partial sums of a dot product.
inline constexpr size_t kDotLanes = 8;

/// The functions of one instruction set. All are bit-identical: the order of additions is fixed, nothing is fused.
struct KernelTable {
  /// out[i] = sum over |k| < taps of half[|k|] centre[i + k], from the centre outwards, for i < frames. Reads as if
  /// `frames` were rounded up to a multiple of kFirFrames.
  void (*symmetric_fir)(const float* half, size_t taps, const float* centre, size_t frames, float* out) NOVASR_RT;

  /// Sum of x[k] h[k], k < length, a multiple of kDotLanes. Lane i sums the k = i modulo kDotLanes.
  float (*dot)(const float* x, const float* h, size_t length) NOVASR_RT;

  /// The same with h = h0 + fraction (h1 - h0).
  float (*dot_between)(const float* x, const float* h0, const float* h1, float fraction, size_t length) NOVASR_RT;
};

extern const KernelTable kPortableTable;
#ifdef NOVASR_X86
extern const KernelTable kAvx2Table;
#endif

}  // namespace novasr::dsp
