#include "dsp/fir_design.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace novasr {
namespace {

double sinc(double x) NOVASR_RT {
  const double angle = std::numbers::pi * x;
  return angle == 0.0 ? 1.0 : std::sin(angle) / angle;
}

}  // namespace

double bessel_i0(double x) noexcept {
  const double quarter_square = 0.25 * x * x;
  double term = 1.0;
  double sum = 1.0;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= quarter_square / (static_cast<double>(k) * k);
    sum += term;
  }
  return sum;
}

double kaiser_beta(double attenuation_db) noexcept {
  if (attenuation_db > 50.0) return 0.1102 * (attenuation_db - 8.7);
  if (attenuation_db < 21.0) return 0.0;
  return 0.5842 * std::pow(attenuation_db - 21.0, 0.4) + 0.07886 * (attenuation_db - 21.0);
}

double KaiserSinc::operator()(double time) const noexcept {
  const double position = time / half_width;
  if (std::abs(position) >= 1.0) return 0.0;
  const double window = bessel_i0(beta * std::sqrt(1.0 - position * position)) / bessel_i0(beta);
  return 2.0 * cutoff * sinc(2.0 * cutoff * time) * window;
}

KaiserSinc KaiserSinc::clean(double cutoff_hz, double half_width, double attenuation_db, double in_hz) noexcept {
  return {.cutoff = cutoff_hz / in_hz, .half_width = half_width, .beta = kaiser_beta(attenuation_db)};
}

KaiserSinc KaiserSinc::torchaudio(std::uint32_t in_hz, std::uint32_t out_hz) noexcept {
  constexpr double kRolloff = 0.99;
  constexpr double kFilterWidth = 6.0;
  constexpr double kBeta = 14.769656459379492;
  const double base = kRolloff * std::min(in_hz, out_hz) / in_hz;
  return {.cutoff = 0.5 * base, .half_width = kFilterWidth / base, .beta = kBeta};
}

HighPassDesigner::HighPassDesigner(std::size_t delay_frames, double attenuation_db, double rate_hz)
    : window_(delay_frames + 1), low_pass_(delay_frames + 1), rate_hz_(rate_hz) {
  const double beta = kaiser_beta(attenuation_db);
  for (std::size_t k = 0; k <= delay_frames; ++k) {
    const double position = static_cast<double>(k) / static_cast<double>(std::max<std::size_t>(delay_frames, 1));
    window_[k] = bessel_i0(beta * std::sqrt(1.0 - position * position)) / bessel_i0(beta);
  }
}

void HighPassDesigner::design(double cutoff_hz, std::span<float> half) NOVASR_RT {
  const double cutoff = std::min(cutoff_hz / rate_hz_, 0.5);
  double sum = 0.0;
  for (std::size_t k = 0; k < window_.size(); ++k) {
    low_pass_[k] = 2.0 * cutoff * sinc(2.0 * cutoff * static_cast<double>(k)) * window_[k];
    sum += (k == 0 ? 1.0 : 2.0) * low_pass_[k];
  }
  for (std::size_t k = 0; k < window_.size(); ++k)
    half[k] = static_cast<float>((k == 0 ? 1.0 : 0.0) - low_pass_[k] / sum);
}

}  // namespace novasr
