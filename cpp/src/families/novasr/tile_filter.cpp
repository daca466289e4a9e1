#include "families/novasr/tile_filter.hpp"

#include <cmath>
#include <numbers>

namespace novasr {

std::vector<double> tile_factors(const std::array<double, kernels::kConvTaps>& taps, std::size_t points) {
  const double n = static_cast<double>(points);
  const auto spectrum = [&](std::size_t frequency) {
    std::array<double, 2> sums{};  // cosine, sine
    for (std::size_t k = 0; k < taps.size(); ++k) {
      const double angle = 2.0 * std::numbers::pi * static_cast<double>(frequency * k % points) / n;
      sums[0] += taps[k] * std::cos(angle);
      sums[1] += taps[k] * std::sin(angle);
    }
    return sums;
  };
  std::vector<double> factors{spectrum(0)[0] / n, spectrum(points / 2)[0] / n};
  for (std::size_t frequency = 1; frequency < points / 2; ++frequency) {
    const auto [c, s] = spectrum(frequency);
    factors.insert(factors.end(), {2.0 / n * c, 2.0 / n * (s - c), 2.0 / n * (c + s)});
  }
  factors.push_back(taps[0]);
  return factors;
}

}  // namespace novasr
