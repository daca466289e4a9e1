#pragma once
// The interface between the engine and the kernels. The files of all instruction sets include it, so it includes no
// standard header with inline code: the linker could keep the AVX-512 copy for all of them.
#include <stddef.h>

#include "families/wide/architecture.hpp"
#include "novasr/realtime.hpp"

namespace novasr::wide::kernels {

/// Outputs of a fully connected layer that lie side by side in memory.
inline constexpr size_t kPanel = kMaxWidth;

/// A fully connected layer, as the kernels read it.
struct DenseView {
  const float* weight;  ///< [panel][input][kPanel], 64-byte aligned
  const float* bias;    ///< [output], padded with zeros to whole panels
  size_t inputs;
  size_t panels;
};

/// Its memory; immutable.
template <size_t Inputs, size_t Outputs>
struct Dense {
  static constexpr size_t kInputs = Inputs, kOutputs = Outputs;
  static constexpr size_t kPanels = padded(Outputs) / kPanel;
  alignas(64) float weight[kPanels][Inputs][kPanel];
  alignas(64) float bias[kPanels * kPanel];
  [[nodiscard]] DenseView view() const NOVASR_RT { return {weight[0][0], bias, Inputs, kPanels}; }
};

/// A convolution over hops, channel by channel.
struct Depthwise {
  alignas(64) float tap[kTaps][kChannelRow];  ///< oldest hop first
  alignas(64) float bias[kChannelRow];
};

/// Window and factors of the Fourier transform of kFrame real values as one of kHop = kRoot^2 complex ones.
inline constexpr size_t kRoot = 16;
static_assert(kRoot * kRoot == kHop);
struct Fft {
  alignas(64) float window[kFrame];
  alignas(64) float twiddle_re[kRoot][kRoot];  ///< e^(-2 pi i j k / kHop)
  alignas(64) float twiddle_im[kRoot][kRoot];
  alignas(64) float split_re[kLineRow];  ///< e^(-2 pi i k / kFrame)
  alignas(64) float split_im[kLineRow];
};

/// A spectrum or a part of it: kLineRow values each, 64-byte aligned, 0 from kLines on.
struct ConstSpectrum {
  const float* re;
  const float* im;
};
struct Spectrum {
  float* re;
  float* im;
  operator ConstSpectrum() const NOVASR_RT { return {re, im}; }  // NOLINT(google-explicit-constructor)
};

/// Weighted means over neighbouring lines, one for each input band.
struct LineMeans {
  static constexpr size_t kMostWeights = 2 * kLineRow + kInputBands * kMaxWidth;
  size_t first[kInputBands];   ///< line
  size_t count[kInputBands];   ///< of lines
  size_t place[kInputBands];   ///< of the first weight
  float weight[kMostWeights];  ///< of each band, padded with zeros to kMaxWidth
};

/// What the upper band is made of, for one frame.
struct UpperBand {
  ConstSpectrum input;
  ConstSpectrum rectified;
  ConstSpectrum noise;              ///< already white
  const float* whitening;           ///< factor for each line of `rectified`
  const float* gain[kExcitations];  ///< natural logarithm for each line, before the limits
  float cutoff_hz;
  size_t first_line;  ///< nothing changes below; a multiple of kMaxWidth
};

/// The functions of one instruction set. Rows are 64-byte aligned; arguments do not overlap. The result for a row is
/// bit-identical for any number of rows per call.
struct KernelTable {
  /// Spectrum of kFrame frames of audio under the window.
  void (*analyse)(const Fft&, const float* audio, Spectrum out) NOVASR_RT;

  /// kFrame frames of audio, under the window again. The imaginary parts of line 0 and the last line must be 0.
  void (*synthesise)(const Fft&, ConstSpectrum in, float* audio) NOVASR_RT;

  /// power[k] = |in[k]|^2.
  void (*power)(ConstSpectrum in, float* power) NOVASR_RT;

  /// factor[k] = 1 / sqrt(mean power of the kWhiteningLines lines around k + floor); the first and last line repeat
  /// beyond the ends. Lines from first_line on, a multiple of kMaxWidth.
  void (*whitening)(const float* power, size_t first_line, float* factor) NOVASR_RT;

  /// levels[b] = natural logarithm of the mean power of input band b, plus kPowerFloor; tonality[b] = the same with
  /// kLinePowerFloor, less the mean of its lines' logarithms: 0 for a flat band, more for separate lines.
  void (*levels)(const LineMeans&, const float* power, float* levels, float* tonality) NOVASR_RT;

  /// x[i] = 1 / (1 + e^-x[i]), count rounded up to whole vectors.
  void (*logistic)(float* x, size_t count) NOVASR_RT;

  /// out = share of each line above the cut-off (upper band - input), 0 below first_line.
  void (*upper_band)(const UpperBand&, Spectrum out) NOVASR_RT;

  /// out[r] = layer of in[r].
  void (*dense)(const DenseView&, const float* in, size_t in_stride, size_t rows, float* out,
                size_t out_stride) NOVASR_RT;

  /// out[r] += layer of in[r].
  void (*dense_onto)(const DenseView&, const float* in, size_t in_stride, size_t rows, float* out,
                     size_t out_stride) NOVASR_RT;

  /// Stores row x as the newest in `ring`, kTaps rows of kChannelRow, at `slot`; out = the normalised convolution.
  void (*depthwise)(const Depthwise&, float* ring, size_t slot, const float* x, float* out) NOVASR_RT;

  /// out = row x with mean 0 and variance 1 over its kChannels.
  void (*normalise)(const float* x, float* out) NOVASR_RT;

  /// Gaussian error linear unit in its tanh form, in place; count is a multiple of kMaxWidth.
  void (*gelu)(float* x, size_t count) NOVASR_RT;

  bool operator==(const KernelTable&) const = default;
};

extern const KernelTable kPortableTable;
#ifdef NOVASR_X86
extern const KernelTable kSse41Table;
extern const KernelTable kAvx2Table;
extern const KernelTable kAvx512Table;
#endif

}  // namespace novasr::wide::kernels
