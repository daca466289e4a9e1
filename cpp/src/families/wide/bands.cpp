#include "families/wide/bands.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <memory>
#include <numeric>

namespace novasr::wide {
namespace {

using Triangle = std::array<double, kLines>;

/// Number of equivalent rectangular bandwidths below a frequency (B. Glasberg, B. Moore, 1990).
double erb_rate(double hertz) {
  return 21.4 * std::log10(1.0 + 0.00437 * hertz);
}

/// `count` frequencies spaced evenly on the ERB-rate scale.
std::vector<double> centres(double lowest_hz, double highest_hz, std::size_t count) {
  const double lowest = erb_rate(lowest_hz), step = (erb_rate(highest_hz) - lowest) / static_cast<double>(count - 1);
  std::vector<double> hertz(count);
  for (std::size_t i = 0; i < count; ++i)
    hertz[i] = (std::pow(10.0, (lowest + step * static_cast<double>(i)) / 21.4) - 1.0) / 0.00437;
  return hertz;
}

Triangle triangle(double below_hz, double middle_hz, double above_hz) {
  Triangle band{};
  for (std::size_t k = 0; k < kLines; ++k) {
    const double hertz = static_cast<double>(k) * kLineHz;
    const double rising = (hertz - below_hz) / (middle_hz - below_hz);
    const double falling = (above_hz - hertz) / (above_hz - middle_hz);
    band[k] = std::max(0.0, std::min(rising, falling));
  }
  return band;
}

/// The overlapping triangular bands between those centres. A band narrower than the distance of two lines has the
/// nearest line alone.
std::vector<Triangle> triangles(const std::vector<double>& middle) {
  const std::size_t last = middle.size() - 1;
  std::vector<Triangle> all;
  for (std::size_t i = 0; i <= last; ++i) {
    const double below = i > 0 ? middle[i - 1] : 2.0 * middle[0] - middle[1];
    const double above = i < last ? middle[i + 1] : 2.0 * middle[last] - middle[last - 1];
    all.push_back(triangle(below, middle[i], above));
    Triangle& band = all.back();
    if (std::accumulate(band.begin(), band.end(), 0.0) < 1e-3)
      band[static_cast<std::size_t>(std::nearbyint(middle[i] / kLineHz))] = 1.0;
  }
  return all;
}

void fill_means(kernels::LineMeans& means) {
  const auto all = triangles(centres(kLowestInputHz, kHighestInputHz, kInputBands));
  std::size_t place = 0;
  for (std::size_t b = 0; b < kInputBands; ++b) {
    const auto used = [](double weight) { return weight > 0.0; };
    const auto first = std::find_if(all[b].begin(), all[b].end(), used);
    const auto last = std::find_if(all[b].rbegin(), all[b].rend(), used).base();
    const double sum = std::accumulate(first, last, 0.0);
    means.first[b] = static_cast<std::size_t>(first - all[b].begin());
    means.count[b] = static_cast<std::size_t>(last - first);
    means.place[b] = place;
    assert(means.first[b] + padded(means.count[b]) <= kLineRow);
    assert(place + padded(means.count[b]) <= kernels::LineMeans::kMostWeights);
    std::transform(first, last, means.weight + place, [sum](double w) { return static_cast<float>(w / sum); });
    place += padded(means.count[b]);
  }
}

std::unique_ptr<const Bands> make_bands() {
  auto bands = std::make_unique<Bands>();
  fill_means(bands->input);
  const auto hertz = centres(kLowestInputHz, kHighestInputHz, kInputBands);
  std::ranges::transform(hertz, bands->centres_hz.begin(), [](double hz) { return static_cast<float>(hz); });
  return bands;
}

}  // namespace

GainCurve::GainCurve() {
  const auto all = triangles(centres(kLowestGainHz, kHighestGainHz, kGainBands));
  for (std::size_t k = 0; k < kLines; ++k) {
    double sum = 0.0;
    for (const Triangle& band : all) sum += band[k];
    for (std::size_t b = 0; b < kGainBands; ++b)
      if (all[b][k] > 0.0)
        entries_.push_back({static_cast<std::uint32_t>(b), static_cast<float>(all[b][k] / std::max(sum, 1e-6))});
    first_[k + 1] = static_cast<std::uint32_t>(entries_.size());
  }
}

void GainCurve::interpolate(std::span<const float, kGainBands> gains, std::size_t first_line,
                            std::span<float, kLineRow> curve) const NOVASR_RT {
  for (std::size_t k = first_line; k < kLines; ++k) {
    float sum = 0.0f;
    for (std::size_t i = first_[k]; i < first_[k + 1]; ++i) sum += entries_[i].weight * gains[entries_[i].band];
    curve[k] = sum;
  }
  std::fill(curve.begin() + kLines, curve.end(), 0.0f);
}

const Bands& bands() {
  static const std::unique_ptr<const Bands> all = make_bands();
  return *all;
}

}  // namespace novasr::wide
