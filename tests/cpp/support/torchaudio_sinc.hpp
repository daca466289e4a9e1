#pragma once
#include <cmath>
#include <numbers>

namespace novasr::test {

/// Modified Bessel function of order 0, by the trapezoidal rule on its integral (libc++ has no std::cyl_bessel_i).
inline double bessel_i0(double x) {
  constexpr int kSteps = 64;  // exact in double for |x| < 20: the integrand is smooth and periodic
  double sum = 0.0;
  for (int k = 0; k < kSteps; ++k) sum += std::exp(x * std::cos(2.0 * std::numbers::pi * k / kSteps));
  return sum / kSteps;
}

/// The windowed sinc of torchaudio's kaiser_window resampler (functional.py, _get_sinc_resample_kernel, defaults), `t`
/// zero crossings from its centre.
inline double torchaudio_sinc(double t) {
  constexpr double kBeta = 14.769656459379492, kZeroCrossings = 6.0;
  if (std::abs(t) >= kZeroCrossings) return 0.0;
  const double position = t / kZeroCrossings;
  const double window = bessel_i0(kBeta * std::sqrt(1.0 - position * position)) / bessel_i0(kBeta);
  return (t == 0.0 ? 1.0 : std::sin(std::numbers::pi * t) / (std::numbers::pi * t)) * window;
}

}  // namespace novasr::test
