#include "novasr/parameter_checks.hpp"

#include <algorithm>
#include <sstream>

#include "novasr/errors.hpp"

namespace novasr {
namespace {

/// Also refuses NaN, which is inside no range.
template <typename Value>
void check_range(const char* name, Value value, Value low, Value high, const char* unit) {
  if (value >= low && value <= high) return;
  std::ostringstream message;
  message << name << " is " << value << unit << "; choose a value from " << low << " to " << high << unit;
  throw ConfigError(message.str());
}

}  // namespace

void check_spec(const ProcessSpec& spec) {
  check_range<std::uint32_t>("sample_rate_hz", spec.sample_rate_hz, 8'000, 192'000, " Hz");
  check_range<std::size_t>("channels", spec.channels, 1, 256, "");
  check_range<std::size_t>("max_block_frames", spec.max_block_frames, 1, kMaxBlockFrames, " frames");
  if (spec.output_rate_hz == spec.sample_rate_hz || spec.output_rate_hz == kModelOutputHz) return;
  std::ostringstream message;
  message << "output_rate_hz is " << spec.output_rate_hz << " Hz; choose " << kModelOutputHz
          << " Hz or the sample rate, " << spec.sample_rate_hz << " Hz";
  throw ConfigError(message.str());
}

void check_parameters(const Parameters& parameters, bool low_latency) {
  check_range("crossover_hz", parameters.crossover_hz, 4'000.0f, 8'000.0f, " Hz");
  check_range("mix", parameters.mix, 0.0f, 1.0f, "");
  check_range("high_band_gain_db", parameters.high_band_gain_db, -24.0f, 12.0f, " dB");
  check_range("output_gain_db", parameters.output_gain_db, -60.0f, 24.0f, " dB");
  if (!low_latency) return;
  if (parameters.mode != Mode::full)
    throw ConfigError(
        "mode is extend, which needs a crossover filter that low_latency leaves out; choose Mode::full, or "
        "prepare with low_latency = false");
  if (parameters.front_end != FrontEnd::reference)
    throw ConfigError(
        "front_end is clean, which is longer than low_latency allows; choose FrontEnd::reference, or prepare "
        "with low_latency = false");
}

Parameters default_parameters(const ProcessSpec& spec) noexcept {
  Parameters parameters;
  if (spec.low_latency) {
    parameters.mode = Mode::full;
    parameters.front_end = FrontEnd::reference;
  }
  return parameters;
}

float usable_crossover_hz(const Parameters& parameters, const ProcessSpec& spec) NOVASR_RT {
  if (spec.sample_rate_hz >= kModelInputHz) return parameters.crossover_hz;
  return std::min(parameters.crossover_hz, 0.4375f * static_cast<float>(spec.sample_rate_hz));
}

}  // namespace novasr
