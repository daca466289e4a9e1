#include "families/wide/fft.hpp"

#include <cmath>
#include <memory>
#include <numbers>

namespace novasr::wide {
namespace {

using kernels::kRoot;
constexpr double kPi = std::numbers::pi;

/// e^(-2 pi i turns)
float factor_re(double turns) {
  return static_cast<float>(std::cos(2.0 * kPi * turns));
}
float factor_im(double turns) {
  return static_cast<float>(-std::sin(2.0 * kPi * turns));
}

std::unique_ptr<const kernels::Fft> make_tables() {
  auto fft = std::make_unique<kernels::Fft>();
  for (std::size_t n = 0; n < kFrame; ++n)
    fft->window[n] = static_cast<float>(std::sin(kPi * (static_cast<double>(n) + 0.5) / kFrame));
  for (std::size_t j = 0; j < kRoot; ++j) {
    for (std::size_t k = 0; k < kRoot; ++k) {
      const double turns = static_cast<double>(j * k) / kHop;
      fft->twiddle_re[j][k] = factor_re(turns);
      fft->twiddle_im[j][k] = factor_im(turns);
    }
  }
  for (std::size_t k = 0; k < kLines; ++k) {
    const double turns = static_cast<double>(k) / kFrame;
    fft->split_re[k] = factor_re(turns);
    fft->split_im[k] = factor_im(turns);
  }
  return fft;
}

}  // namespace

const kernels::Fft& fft_tables() {
  static const std::unique_ptr<const kernels::Fft> tables = make_tables();
  return *tables;
}

}  // namespace novasr::wide
