#include "effect.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "novasr/errors.hpp"
#include "novasr/model.hpp"

namespace novasr::headless {
namespace {

float value_of(const float* port, const ParameterInfo& info) NOVASR_RT {
  if (port == nullptr || std::isnan(*port)) return info.initial;
  return std::clamp(*port, info.low, info.high);
}

std::uint32_t whole_rate(double rate_hz) {
  // A cast is undefined beyond the range; what is left is for prepare() to judge.
  if (!(rate_hz >= 0.0 && rate_hz <= 1e9)) throw ConfigError("the sample rate is no rate");
  return static_cast<std::uint32_t>(std::lround(rate_hz));
}

}  // namespace

Effect::Effect(const PortList& ports, std::size_t channels, double rate_hz)
    : ports_(ports), channels_(channels), processor_(default_model()->make_engine()) {
  const std::uint32_t rate = whole_rate(rate_hz);
  processor_.prepare({.sample_rate_hz = rate,
                      .output_rate_hz = rate,
                      .channels = channels,
                      .max_block_frames = kMaxBlockFrames});  // costs nothing: longer pieces are split
}

void Effect::connect(std::size_t port, float* data) NOVASR_RT {
  if (port >= ports_.size()) return;
  const std::size_t channel = ports_[port].channel;
  switch (ports_[port].kind) {
    case PortKind::enabled:
      enabled_ = data;
      break;
    case PortKind::mix:
      mix_ = data;
      break;
    case PortKind::high_band_gain:
      high_band_gain_ = data;
      break;
    case PortKind::latency:
      latency_ = data;
      break;
    case PortKind::input:
      inputs_[channel] = data;
      break;
    case PortKind::output:
      outputs_[channel] = data;
      break;
    case PortKind::mode:
      mode_ = data;
      break;
  }
}

void Effect::activate() NOVASR_RT {
  processor_.reset();
}

void Effect::run(std::size_t frames) NOVASR_RT {
  if (latency_ != nullptr) *latency_ = static_cast<float>(processor_.latency_frames());
  for (std::size_t c = 0; c < channels_; ++c)
    if (inputs_[c] == nullptr || outputs_[c] == nullptr) return;
  processor_.apply(parameters());
  const AudioView<const float> in(inputs_.data(), channels_, frames);
  const AudioView<float> out(outputs_.data(), channels_, frames);
  for (std::size_t first = 0; first < frames; first += kMaxBlockFrames) {
    const std::size_t count = std::min(kMaxBlockFrames, frames - first);
    processor_.process(in.subview(first, count), out.subview(first, count));
  }
}

Parameters Effect::parameters() const NOVASR_RT {
  Parameters parameters;
  // As LV2 has it, a toggle is on above zero.
  parameters.bypass = enabled_ != nullptr && *enabled_ <= 0.0f;
  parameters.mode = value_of(mode_, kModeInfo) >= 0.5f ? Mode::full : Mode::extend;
  parameters.mix = value_of(mix_, kMixInfo);
  parameters.high_band_gain_db = value_of(high_band_gain_, kHighBandGainInfo);
  return parameters;
}

}  // namespace novasr::headless
