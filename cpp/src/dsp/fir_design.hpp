#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "novasr/realtime.hpp"

namespace novasr {

/// Modified Bessel function of the first kind and order zero, by its power series; 0 <= x <= 50.
[[nodiscard]] double bessel_i0(double x) noexcept;

/// Kaiser's shape parameter for a stop-band attenuation in dB.
/// J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", ISCAS 1974.
[[nodiscard]] double kaiser_beta(double attenuation_db) noexcept;

/// A Kaiser-windowed ideal low-pass as a function of continuous time: the prototype of all phases of a rate converter.
struct KaiserSinc {
  double cutoff;      ///< -6 dB point in cycles per input sample, 0 .. 0.5
  double half_width;  ///< the response is zero beyond this, in input samples
  double beta;        ///< Kaiser's shape parameter

  /// Value at `time` input samples from the centre.
  [[nodiscard]] double operator()(double time) const noexcept;

  /// A filter with the given stop-band attenuation.
  [[nodiscard]] static KaiserSinc clean(double cutoff_hz, double half_width, double attenuation_db,
                                        double in_hz) noexcept;

  /// The filter of torchaudio.functional.resample with resampling_method="sinc_interp_kaiser" and its default
  /// lowpass_filter_width 6, rolloff 0.99, beta 14.769656459379492 (torchaudio/functional/functional.py).
  [[nodiscard]] static KaiserSinc torchaudio(std::uint32_t in_hz, std::uint32_t out_hz) noexcept;
};

/// Linear-phase high-pass of 2 * delay + 1 taps, as its centre tap and one half; 1 minus it is the matching low-pass.
class HighPassDesigner {
 public:
  HighPassDesigner() = default;

  /// Computes the window, which is shared by all cut-off frequencies.
  HighPassDesigner(std::size_t delay_frames, double attenuation_db, double rate_hz);

  /// `half` [k] = tap at distance k from the centre, k = 0 .. delay; -6 dB at cutoff_hz, zero at DC before rounding.
  /// Does not allocate.
  /// Precondition: half.size() == delay + 1.
  void design(double cutoff_hz, std::span<float> half) NOVASR_RT;

 private:
  std::vector<double> window_;
  std::vector<double> low_pass_;
  double rate_hz_ = 0.0;
};

}  // namespace novasr
