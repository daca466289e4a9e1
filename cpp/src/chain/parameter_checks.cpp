#include "chain/parameter_checks.hpp"

#include <algorithm>
#include <cctype>
#include <concepts>
#include <string>

#include "novasr/errors.hpp"
#include "text/numbers.hpp"

namespace novasr {
namespace {

std::string text(std::unsigned_integral auto value) {
  return std::to_string(value);
}
std::string text(std::floating_point auto value) {
  return general_text(value);
}

/// Also rejects NaN.
template <typename Value>
void check_range(const std::string& name, Value value, Value low, Value high, const std::string& unit) {
  if (value >= low && value <= high) return;
  throw ConfigError(name + " is " + text(value) + unit + "; choose a value from " + text(low) + " to " + text(high) +
                    unit);
}

/// Names the parameter as in Parameters, with its unit.
void check_value(const ParameterInfo& info, float value) {
  const std::string unit = info.unit;
  std::string suffix = unit.empty() ? "" : "_" + unit;
  std::ranges::transform(suffix, suffix.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  check_range(info.id + suffix, value, info.low, info.high, unit.empty() ? "" : " " + unit);
}

}  // namespace

void check_spec(const ProcessSpec& spec, const EngineFormat& format) {
  check_range<std::uint32_t>("sample_rate_hz", spec.sample_rate_hz, 8'000, 192'000, " Hz");
  check_range<std::size_t>("channels", spec.channels, 1, 256, "");
  check_range<std::size_t>("max_block_frames", spec.max_block_frames, 1, kMaxBlockFrames, " frames");
  if (spec.source_band_hz != 0.0)
    check_range<double>("source_band_hz", spec.source_band_hz, 1'000.0, 0.5 * spec.sample_rate_hz, " Hz");
  if (spec.output_rate_hz == spec.sample_rate_hz || spec.output_rate_hz == format.output_hz) return;
  throw ConfigError("output_rate_hz is " + text(spec.output_rate_hz) + " Hz; choose " + text(format.output_hz) +
                    " Hz or the sample rate, " + text(spec.sample_rate_hz) + " Hz");
}

void check_parameters(const Parameters& parameters, bool low_latency) {
  check_value(kCrossoverInfo, parameters.crossover_hz);
  check_value(kMixInfo, parameters.mix);
  check_value(kHighBandGainInfo, parameters.high_band_gain_db);
  check_value(kOutputGainInfo, parameters.output_gain_db);
  if (!low_latency) return;
  if (parameters.mode != Mode::full)
    throw ConfigError(
        "mode 'extend' needs a crossover filter, which low latency leaves out: use mode 'full' with front_end "
        "'reference', or no low latency");
  if (parameters.front_end != FrontEnd::reference)
    throw ConfigError(
        "front_end 'clean' is a longer filter than low latency allows: use front_end 'reference' with mode "
        "'full', or no low latency");
}

Parameters default_parameters(const ProcessSpec& spec) noexcept {
  Parameters parameters;
  if (spec.low_latency) {
    parameters.mode = Mode::full;
    parameters.front_end = FrontEnd::reference;
  }
  return parameters;
}

float usable_crossover_hz(const Parameters& parameters, const ProcessSpec& spec, const EngineFormat& format) NOVASR_RT {
  const auto band = static_cast<float>(format.band_hz);
  const float end = std::min(0.5f * static_cast<float>(spec.sample_rate_hz), band);
  if (end == band && parameters.crossover_hz <= band) return parameters.crossover_hz;
  return std::min(parameters.crossover_hz, 0.875f * end);
}

}  // namespace novasr
