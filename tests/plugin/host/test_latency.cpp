// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "sound.hpp"

using namespace novasr;
using host::Format;

namespace {

/// Noise up to half the crossover's lowest frequency: the band that passes unchanged.
test::Audio low_noise(std::size_t frames, double rate) {
  auto audio = host::noise(2, frames);
  const auto width = static_cast<std::size_t>(std::max(1.0, rate / 2'000.0));
  for (int pass = 0; pass < 3; ++pass)
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = frames - 1; i >= width; --i)
        audio[c][i] = std::accumulate(&audio[c][i - width], &audio[c][i], 0.0f) / static_cast<float>(width);
  return audio;
}

const Parameters kSettings[] = {
    {},
    {.front_end = FrontEnd::reference, .crossover_hz = 4'000.0f},
    {.mix = 0.5f, .high_band_gain_db = 12.0f, .output_gain_db = -20.0f},
    {.mode = Mode::full},
    {.mode = Mode::full, .front_end = FrontEnd::reference},
};

}  // namespace

TEST_CASE("Latency: the measurement finds a known delay") {
  const auto input = host::noise(1, 8192);
  REQUIRE(host::measured_lag(input, host::delayed(input, 321), 1000) == 321);
}

TEST_CASE("Latency: the reported latency is the measured delay at every rate, with any parameters and block size") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  for (const double rate : host::kRates) {
    const auto instance = host::open(format, rate);
    const auto latency = host::expected_latency(rate);
    INFO(rate << " Hz, " << latency << " frames");
    if (format == Format::vst3) REQUIRE(instance->getLatencySamples() == latency);  // before any audio
    const auto low = low_noise(16'384, rate);
    const auto white = host::noise(2, 16'384);
    for (const auto& setting : kSettings) {
      for (const int block : {64, 1000}) {
        instance->releaseResources();
        instance->prepareToPlay(rate, block);
        host::set_parameters(*instance, setting);
        const auto& input = setting.mode == Mode::full ? white : low;
        const auto output = host::played(*instance, input, {block});
        const auto lag = host::measured_lag(input, output, latency + 50);
        INFO("measured " << lag << (setting.mode == Mode::full ? " in full mode" : ""));
        // The published network itself is off by up to half a sample at 48 kHz.
        const auto network = setting.mode == Mode::full ? static_cast<int>(std::ceil(0.5 * rate / 48'000.0)) : 0;
        REQUIRE(std::abs(lag - latency) <= network);
        REQUIRE(instance->getLatencySamples() == latency);
      }
    }
  }
}

TEST_CASE("Latency: an impulse through the dry path comes out at the reported frame, unchanged") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  for (const double rate : host::kRates) {
    const auto instance = host::open(format, rate);
    host::set_parameters(*instance, {.mix = 0.0f});
    test::Audio impulse(2, 4096);
    impulse[0][100] = 0.75f;
    impulse[1][101] = -0.5f;
    const auto output = host::played(*instance, impulse);
    INFO(rate << " Hz");
    REQUIRE(host::equal(output, host::delayed(impulse, instance->getLatencySamples())));
    REQUIRE_FALSE(host::equal(output, host::delayed(impulse, instance->getLatencySamples() + 1)));  // control
  }
}
