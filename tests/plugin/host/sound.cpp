// SPDX-License-Identifier: GPL-3.0-or-later
#include "sound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "families/novasr/native_engine.hpp"

namespace novasr::host {
namespace {

bool passes_untouched(double sample_rate) {
  return sample_rate < 8'000.0 || sample_rate > 192'000.0;
}

Processor prepared(double sample_rate, std::size_t channels, std::shared_ptr<const ModelWeights> weights) {
  const auto hz = static_cast<std::uint32_t>(std::lround(sample_rate));
  Processor processor(std::make_unique<NativeEngine>(std::move(weights)));
  processor.prepare(
      {.sample_rate_hz = hz, .output_rate_hz = hz, .channels = channels, .max_block_frames = kMaxBlockFrames});
  return processor;
}

/// Where `value` lies between the ends of a parameter's range.
float within(float value, float lowest, float highest) {
  return (value - lowest) / (highest - lowest);
}

}  // namespace

test::Audio noise(std::size_t channels, std::size_t frames) {
  return test::Audio::noise(channels, frames);
}

test::Audio played(juce::AudioPluginInstance& instance, const test::Audio& input,
                   const std::vector<int>& block_frames) {
  auto output = input;
  play(instance, output.view(), block_frames);
  return output;
}

test::Audio expected(const test::Audio& input, double sample_rate, const Parameters& parameters,
                     std::shared_ptr<const ModelWeights> weights) {
  auto in = input;
  if (passes_untouched(sample_rate)) return in;
  test::Audio out(input.channels(), input.frames());
  auto processor = prepared(sample_rate, input.channels(), std::move(weights));
  processor.apply(parameters);
  processor.process(in.view(), out.view());
  return out;
}

int expected_latency(double sample_rate) {
  if (passes_untouched(sample_rate)) return 0;
  return static_cast<int>(prepared(sample_rate, 1, default_weights()).latency_frames());
}

test::Audio delayed(const test::Audio& input, int frames) {
  test::Audio output(input.channels(), input.frames());
  for (std::size_t c = 0; c < input.channels(); ++c)
    std::copy(input[c].begin(), input[c].end() - frames, output[c].begin() + frames);
  return output;
}

void set_parameters(juce::AudioPluginInstance& instance, const Parameters& parameters) {
  parameter(instance, "Mode").setValue(parameters.mode == Mode::full ? 1.0f : 0.0f);
  parameter(instance, "Front end").setValue(parameters.front_end == FrontEnd::reference ? 1.0f : 0.0f);
  parameter(instance, "Crossover").setValue(within(parameters.crossover_hz, 4'000.0f, 8'000.0f));
  parameter(instance, "Mix").setValue(parameters.mix);
  parameter(instance, "High band gain").setValue(within(parameters.high_band_gain_db, -24.0f, 12.0f));
  parameter(instance, "Output gain").setValue(within(parameters.output_gain_db, -60.0f, 24.0f));
  parameter(instance, "Bypass").setValue(parameters.bypass ? 1.0f : 0.0f);
}

bool equal(const test::Audio& a, const test::Audio& b, std::size_t first) {
  if (a.channels() != b.channels() || a.frames() != b.frames() || first >= a.frames()) return false;
  for (std::size_t c = 0; c < a.channels(); ++c)
    if (!std::equal(a[c].begin() + static_cast<std::ptrdiff_t>(first), a[c].end(),
                    b[c].begin() + static_cast<std::ptrdiff_t>(first)))
      return false;
  return true;
}

float difference(const test::Audio& a, const test::Audio& b, std::size_t first) {
  float largest = 0.0f;
  for (std::size_t c = 0; c < a.channels(); ++c)
    for (std::size_t i = first; i < a.frames(); ++i) {
      const float error = std::abs(a[c][i] - b[c].at(i));
      if (!std::isfinite(error)) return std::numeric_limits<float>::infinity();
      largest = std::max(largest, error);
    }
  return largest;
}

float peak(const test::Audio& audio, std::size_t first) {
  return difference(audio, test::Audio(audio.channels(), audio.frames()), first);
}

int measured_lag(const test::Audio& input, const test::Audio& output, int longest) {
  int best = 0;
  double highest = 0.0;
  for (int lag = 0; lag <= longest; ++lag) {
    const double product = std::inner_product(output[0].begin() + lag, output[0].end(), input[0].begin(), 0.0);
    if (std::abs(product) > highest) {
      highest = std::abs(product);
      best = lag;
    }
  }
  return best;
}

}  // namespace novasr::host
