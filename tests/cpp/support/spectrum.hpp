#pragma once
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include "dsp/fir_design.hpp"

namespace novasr::test {

/// Sum of sines of amplitude 1 / hz.size().
inline std::vector<float> tones(const std::vector<double>& hz, double rate_hz, std::size_t frames) {
  std::vector<float> audio(frames);
  for (std::size_t i = 0; i < frames; ++i) {
    double sum = 0.0;
    for (const double f : hz) sum += std::sin(2.0 * std::numbers::pi * f * static_cast<double>(i) / rate_hz + f);
    audio[i] = static_cast<float>(sum / static_cast<double>(hz.size()));
  }
  return audio;
}

/// Complex amplitude of the frequency `hz` in `audio`, whose first frame is at time `first` frames. The window (Kaiser)
/// attenuates anything 8 bins away by at least 120 dB.
inline std::complex<double> component(std::span<const float> audio, double hz, double rate_hz, double first = 0.0) {
  constexpr double kBeta = 14.0;
  std::complex<double> sum = 0.0;
  double weight = 0.0;
  for (std::size_t i = 0; i < audio.size(); ++i) {
    const double t = 2.0 * (static_cast<double>(i) + 0.5) / static_cast<double>(audio.size()) - 1.0;
    const double window = bessel_i0(kBeta * std::sqrt(1.0 - t * t));
    sum += window * static_cast<double>(audio[i]) *
           std::polar(1.0, -2.0 * std::numbers::pi * hz * (static_cast<double>(i) + first) / rate_hz);
    weight += window;
  }
  return sum / weight;
}

inline double decibels(double ratio) {
  return 20.0 * std::log10(std::max(ratio, 1e-30));
}

}  // namespace novasr::test
