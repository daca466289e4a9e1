#pragma once
// The interface between the engine and the kernels. The files of all instruction sets include it, so it includes no
// standard header with inline code: the linker could keep the AVX-512 copy for all of them.
#include <stddef.h>

#include "families/novasr/architecture.hpp"
#include "novasr/realtime.hpp"

namespace novasr::kernels {

using network::kChannels;  // a "row" is one frame of all of them
using network::kConvTaps;
using network::kPreTaps;
inline constexpr size_t kOutputTaps = kConvTaps + network::kPostTaps - 1;  ///< conv2 and conv_post as one filter
/// conv_pre, interpolation (one frame to each side) and conv_post as one filter on the 16 kHz input.
inline constexpr size_t kResidualTaps = 2 * (kPreTaps / 2 + 1 + network::kPostTaps / 2 / network::kRatio) + 1;
inline constexpr size_t kWindowHistory = network::kFilterTaps - 1;  ///< 96 kHz rows that the low-pass needs of the past
inline constexpr size_t kSineTerms = 5;

/// Everything except the 32 -> 32 convolution, folded for the kernels by prepare_network(); immutable.
///
/// The snake is u + g (1 - cos 2au) with g = 1 / 2b. The layer before it outputs v = u a / pi, and the layer after it
/// multiplies by g, so the kernels compute kappa v + 1 - cos(2 pi v) with kappa = pi / (a g).
struct Network {
  alignas(64) float pre_weight[kPreTaps][kChannels];
  alignas(64) float pre_bias[kChannels];
  alignas(64) float kappa[2][kChannels];
  /// Interpolation x3 and 2x up-sampling of the first activation as one filter, sums and differences of mirrored taps:
  /// 3 for the phases 0 and 3 of 6, 3 for 1 and 2, 4 for 4 and 5.
  float up_from_16k[10];
  float up_from_48k[6];    ///< 2x up-sampling of the second activation: 3 sums, 3 differences of mirrored taps
  float low_pass[2][6];    ///< first half of the symmetric 12 taps
  float sine[kSineTerms];  ///< sin(2 pi q) = q (c0 + c1 q^2 + ...), |q| <= 1/4
  alignas(64) float output_weight[kOutputTaps][kChannels];
  float residual_weight[3][kResidualTaps];
  float residual_bias[3];  ///< with the constant part of the output filter
};

/// The 32 -> 32 convolution of 11 taps, computed in tiles of `points` - 9 rows; see tile_filter.hpp.
struct TileFilter {
  size_t points;        ///< of the real Fourier transform
  const float* weight;  ///< [products][input channel][output channel], 64-byte aligned
  const float* bias;    ///< [output channel], 64-byte aligned
};

inline constexpr size_t tile_rows(size_t points) {
  return points - (kConvTaps - 2);
}
inline constexpr size_t tile_inputs(size_t points) {
  return tile_rows(points) / 3;
}
inline constexpr size_t tile_products(size_t points) {
  return points / 2 * 3;
}

inline constexpr size_t kStreamingPoints = 18;
inline constexpr size_t kOfflinePoints = 48;
inline constexpr size_t kMaxTiles = 12;  ///< convolved at a time

/// Stride in floats between products in the scratch memory of convolve(); 16 more than needed, to avoid 4K aliasing.
inline constexpr size_t kProductStride = kMaxTiles * kChannels + 16;
/// Scratch floats of convolve(): each product overwrites the spectrum before its own.
inline constexpr size_t spectra_floats(size_t points) {
  return (tile_products(points) + 1) * kProductStride;
}

/// Largest vector width in floats: rows of single-channel output are padded to a multiple of it.
inline constexpr size_t kMaxWidth = 16;

/// The functions of one instruction set. Rows are kChannels floats, 64-byte aligned; arguments do not overlap. The
/// result for a row is bit-identical for any number of rows per call.
struct KernelTable {
  /// rows[i] = conv_pre at input[i], which reads input[i - 3 .. i + 3].
  void (*conv_pre)(const Network&, const float* input, size_t frames, float* rows) NOVASR_RT;

  /// First activation up to the snake: window rows 6 i .. 6 i + 5 from 16 kHz rows i - 2 .. i + 1.
  void (*up_from_16k)(const Network&, const float* rows, size_t frames, float* window) NOVASR_RT;

  /// Second activation up to the snake: window rows 2 s and 2 s + 1 from 48 kHz rows s - 2 .. s + 3;
  /// frames is a multiple of 3.
  void (*up_from_48k)(const Network&, const float* rows, size_t frames, float* window) NOVASR_RT;

  /// The snake of activation 0 or 1, in place; count is a multiple of 3.
  void (*snake)(const Network&, size_t activation, float* rows, size_t count) NOVASR_RT;

  /// rows[t] = low-pass of window rows 2 t .. 2 t + 11, activation 0 or 1.
  void (*low_pass)(const Network&, size_t activation, const float* window, size_t frames, float* rows) NOVASR_RT;

  /// out = tiles * tile_rows rows of the convolution; reads tiles * tile_rows + 10 rows, the first 5 before out[0].
  void (*convolve)(const TileFilter&, const float* rows, size_t tiles, float* spectra, float* out) NOVASR_RT;

  /// residual[3 i + p] from input[i - 5 .. i + 5]; computes whole vectors: reads and writes up to kMaxWidth additional
  /// frames.
  void (*residual)(const Network&, const float* input, size_t frames, float* residual) NOVASR_RT;

  /// out[t] = residual[t] + output filter on rows t - 8 .. t + 8; whole vectors, as above.
  void (*output)(const Network&, const float* rows, const float* residual, size_t frames, float* out) NOVASR_RT;

  /// out[t] = tanh(out[t] + offset), exactly 0 for 0; whole vectors, as above.
  void (*tanh)(float offset, size_t frames, float* out) NOVASR_RT;

  bool operator==(const KernelTable&) const = default;
};

extern const KernelTable kPortableTable;
#ifdef NOVASR_X86
extern const KernelTable kSse41Table;
extern const KernelTable kAvx2Table;
extern const KernelTable kAvx512Table;
#endif

}  // namespace novasr::kernels
