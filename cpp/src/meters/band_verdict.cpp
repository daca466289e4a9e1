#include "novasr/band_verdict.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "text/numbers.hpp"

namespace novasr {
namespace {

constexpr double kRange = 1e-9;                        // -90 dB
constexpr double kNoise16Bit = 6.309573444801929e-10;  // -92 dB: flat dither of a 16-bit file, and 4 dB for its ripple
constexpr double kSmoothingHz = 125.0;
constexpr double kLowestHz = 50.0;

constexpr double kModelBandHz = 8'000.0;  // of the default model: above it is what the model adds
constexpr double kTelephoneHz = 5'000.0;
constexpr double kWorthExtendingHz = 12'000.0;
constexpr double kLeftByConverters = 0.46;  // of the sample rate: a band that ends lower was cut by a codec

std::string rounded_khz(double hz) {
  return fixed_text(hz / 1'000.0, 1) + " kHz";
}
std::string exact_khz(double hz) {
  return general_text(hz / 1'000.0) + " kHz";
}

}  // namespace

double band_end_hz(std::span<const double> power, double hz_per_line) {
  const auto reach = static_cast<std::size_t>(0.5 * kSmoothingHz / hz_per_line);
  const auto lowest = static_cast<std::size_t>(std::ceil(kLowestHz / hz_per_line));
  std::vector<double> smooth(power.size());
  for (std::size_t line = lowest; line < power.size(); ++line) {
    const auto first = line - std::min(line, reach);
    const auto around = power.subspan(first, std::min(power.size(), line + reach + 1) - first);
    smooth[line] = std::accumulate(around.begin(), around.end(), 0.0) / static_cast<double>(2 * reach + 1);
  }
  if (smooth.empty()) return 0.0;
  const double least = std::max(kRange * std::ranges::max(smooth), kNoise16Bit);
  const auto last = std::find_if(smooth.rbegin(), smooth.rend(), [=](double level) { return level > least; });
  return last == smooth.rend() ? 0.0 : hz_per_line * static_cast<double>(smooth.rend() - last - 1);
}

BandVerdict judge_band(double bandwidth_hz, double sample_rate_hz, bool any_band) {
  using enum BandVerdict::Kind;
  if (bandwidth_hz <= 0.0) return {silent, "silence: nothing to extend"};
  const std::string end = rounded_khz(bandwidth_hz);
  if (any_band && bandwidth_hz < kLeastFullBandHz) return {extend, "sound to " + end + ": extend it"};
  if (bandwidth_hz < kTelephoneHz)
    return {narrow, "sound to " + end + " only: " + end + " to " + exact_khz(kModelBandHz) +
                        " stays empty; the model wide fills it"};
  if (bandwidth_hz < kWorthExtendingHz) return {extend, "sound to " + end + ": extend it"};
  if (bandwidth_hz >= kLeastFullBandHz) return {leave, "already full band to " + end + ": nothing to extend"};
  if (bandwidth_hz < kLeftByConverters * sample_rate_hz)
    return {leave, "band ends at " + end + " although the file runs at " + exact_khz(sample_rate_hz) +
                       " (lossy codec): leave it"};
  return {leave, "sound to " + end + ": leave it, the model would replace all above " + exact_khz(kModelBandHz)};
}

bool may_be_full_band(double sample_rate_hz, bool any_band) noexcept {
  return 0.5 * sample_rate_hz >= (any_band ? kLeastFullBandHz : kWorthExtendingHz);
}

}  // namespace novasr
