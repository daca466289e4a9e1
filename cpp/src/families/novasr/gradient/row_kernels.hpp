#pragma once
// The files of all instruction sets include this, so it includes no standard header with inline code: the linker could
// keep the AVX-512 copy for all of them.
#include <stddef.h>

#include "rows.hpp"

namespace novasr::training {

/// SnakeBeta of each channel: x + amount (1 - cos(2 pi turns x)).
struct Snake {
  alignas(64) float turns[kLanes];
  alignas(64) float amount[kLanes];
};

/// The six taps of each phase of a 12-tap filter.
struct Phases {
  float even[6], odd[6];
};

/// The loops over rows, compiled for one instruction set. Instruction sets differ in the last bits.
struct RowKernels {
  /// Rows first .. last of the two phases of the up-sampled signal.
  void (*up_sample)(const Phases& up, const Rows& in, Rows& even, Rows& odd, size_t first, size_t last);
  void (*up_sample_transposed)(const Phases& up, const Rows& even, const Rows& odd, Rows& out, size_t first,
                               size_t last);

  /// Rows first .. last of the low-passed signal.
  void (*down_sample)(const Phases& down, const Rows& even, const Rows& odd, Rows& out, size_t first, size_t last);
  void (*down_sample_transposed)(const Phases& down, const Rows& in, Rows& even, Rows& odd, size_t first, size_t last);

  void (*activate)(const Snake& snake, const Rows& in, Rows& out, size_t first, size_t last);
  /// Turns the `gradient` of the output into that of the input; adds the gradients of `turns` and `amount`.
  void (*activate_backward)(const Snake& snake, const Rows& in, Rows& gradient, size_t first, size_t last,
                            float* turns_gradient, float* amount_gradient);

  /// 32 to 32 channels, 11 taps: weight[tap][in][out].
  void (*convolve)(const float* weight, const float* bias, const Rows& in, Rows& out, size_t first, size_t last);
  void (*add_weight_gradient)(const Rows& in, const Rows& gradient, size_t first, size_t last, float* weight);

  /// 32 channels to 1: adds to out[i - first].
  void (*convolve_to_one)(const float* weight, size_t taps, const Rows& in, float* out, size_t first, size_t last);
  /// Its transpose: adds to rows first .. last; `gradient` has `taps` zeros on both sides and begins at row `origin`.
  void (*convolve_to_one_transposed)(const float* weight, size_t taps, const float* gradient, size_t origin, Rows& out,
                                     size_t first, size_t last);
  void (*add_to_one_gradient)(size_t taps, const Rows& in, const float* gradient, size_t first, size_t last,
                              float* weight);
};

extern const RowKernels kPortableRowKernels;
#ifdef NOVASR_X86
extern const RowKernels kAvx2RowKernels;
extern const RowKernels kAvx512RowKernels;
#endif

}  // namespace novasr::training
