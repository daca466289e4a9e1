// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "sound.hpp"

using namespace novasr;
using host::Format;

TEST_CASE("Sound: the output is the core's, bit for bit, at every rate") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  for (const double rate : host::kRates) {
    const auto instance = host::open(format, rate);
    const auto input = host::noise(2, 20'000);
    const auto output = host::played(*instance, input);
    INFO(rate << " Hz");
    REQUIRE(host::equal(output, host::expected(input, rate)));
    if (rate > 16'000.0 && rate <= 192'000.0)
      REQUIRE(host::difference(output, host::delayed(input, host::expected_latency(rate))) >
              1e-3f);  // control: not the delayed input
    else
      REQUIRE(host::equal(output, input));
  }
}

TEST_CASE("Sound: the output is the core's with any parameters") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const Parameters setting =
      GENERATE(Parameters{.mode = Mode::full}, Parameters{.mode = Mode::full, .front_end = FrontEnd::reference},
               Parameters{.crossover_hz = 4'567.0f, .high_band_gain_db = 6.0f},
               Parameters{.mix = 0.3f, .output_gain_db = -6.0f});
  const double rate = GENERATE(44'100.0, 48'000.0);
  const auto instance = host::open(format, rate);
  host::set_parameters(*instance, setting);
  const auto input = host::noise(2, 20'000);
  const auto output = host::played(*instance, input);
  REQUIRE(host::difference(output, host::expected(input, rate, setting)) <= 1e-6f);  // values pass as 0 .. 1
  REQUIRE(host::difference(output, host::expected(input, rate)) > 1e-3f);            // control
}

TEST_CASE("Sound: the output is bit-identical for any block size") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const double rate = GENERATE(44'100.0, 48'000.0, 96'000.0);
  const auto input = host::noise(2, 24'000);
  const auto whole = host::expected(input, rate);
  std::mt19937 random(5);
  std::vector<int> mixed;
  for (int i = 0; i < 100; ++i) mixed.push_back(static_cast<int>(random() % (i % 2 == 0 ? 8193 : 40)));
  mixed[7] = mixed[8] = 0;
  for (const auto& blocks : {std::vector{1},
                             {2},
                             {3},
                             {7},
                             {0, 16},
                             {31},
                             {64},
                             {127, 0, 129},
                             {441},
                             {512},
                             {1000},
                             {2048},
                             {4096},
                             {8191},
                             {8192},
                             mixed}) {
    const auto instance = host::open(format, rate, 8192);
    INFO(rate << " Hz, blocks of " << blocks.front() << " first");
    REQUIRE(host::equal(host::played(*instance, input, blocks), whole));
  }
  REQUIRE_FALSE(host::equal(host::delayed(whole, 1), whole));  // control
}

TEST_CASE("Sound: activation starts a fresh stream") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const auto instance = host::open(format, 48'000.0);
  const auto input = host::noise(2, 5'000);
  for (const double rate : {48'000.0, 48'000.0, 44'100.0, 8'000.0, 384'000.0, 96'000.0, 48'000.0}) {
    instance->releaseResources();
    instance->prepareToPlay(rate, 512);
    instance->releaseResources();  // no audio in between
    instance->prepareToPlay(rate, 333);
    INFO(rate << " Hz");
    REQUIRE(host::equal(host::played(*instance, input, {333}), host::expected(input, rate)));
  }
}

TEST_CASE("Sound: a restart starts a fresh stream") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  const auto input = host::noise(2, 5'000);
  const auto fresh = host::expected(input, 48'000.0);
  host::played(*instance, input);
  REQUIRE_FALSE(host::equal(host::played(*instance, input), fresh));  // control: the first stream is still heard
  host::restart(*instance);
  REQUIRE(host::equal(host::played(*instance, input), fresh));
}

TEST_CASE("Sound: blocks longer than announced are processed as well") {
  const auto instance = host::open(Format::lv2, 48'000.0, 64);
  const auto input = host::noise(2, 20'000);
  REQUIRE(host::equal(host::played(*instance, input, {64, 8192}), host::expected(input, 48'000.0)));
}

TEST_CASE("Bypass: the delayed input, bit for bit, with the same latency") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const double rate = GENERATE(16'000.0, 44'100.0, 48'000.0, 192'000.0);
  const auto instance = host::open(format, rate);
  host::set_parameters(*instance, {.output_gain_db = -12.0f, .bypass = true});
  const auto input = host::noise(2, 9'600);
  const auto output = host::played(*instance, input);
  REQUIRE(host::equal(output, host::delayed(input, host::expected_latency(rate))));
  REQUIRE(instance->getLatencySamples() == host::expected_latency(rate));
}

TEST_CASE("Bypass: can be automated, with a fade of 10 ms") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const auto instance = host::open(format, 48'000.0, 480);
  auto& bypass = host::parameter(*instance, "Bypass");
  const auto latency = host::expected_latency(48'000.0);
  const std::size_t part = 9'600;
  const std::size_t fade = 480;
  const auto input = host::noise(2, 6 * part);
  const auto dry = host::delayed(input, latency);
  const auto wet = host::expected(input, 48'000.0);
  auto output = input;
  for (std::size_t i = 0; i < 6; ++i) {
    const bool bypassed = i % 2 == 1;
    bypass.setValue(bypassed ? 1.0f : 0.0f);
    host::play(*instance, output.view(i * part, part), std::vector{480});
    REQUIRE(instance->getLatencySamples() == latency);
    for (std::size_t c = 0; c < 2; ++c) {
      const auto& goal = bypassed ? dry : wet;
      const auto from = static_cast<std::ptrdiff_t>(i * part + fade);
      const auto to = static_cast<std::ptrdiff_t>((i + 1) * part);
      REQUIRE(std::equal(output[c].begin() + from, output[c].begin() + to, goal[c].begin() + from));
    }
  }
  REQUIRE(host::difference(dry, wet) > 1e-3f);  // control
}

TEST_CASE("Silence: the plugin falls silent after its tail, and stays so") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const double rate = GENERATE(44'100.0, 48'000.0, 96'000.0);
  constexpr float inaudible = 1e-5f;  // -100 dBFS
  const auto instance = host::open(format, rate);
  const double tail_seconds = 0.02;
  if (format == Format::vst3) REQUIRE(instance->getTailLengthSeconds() == Approx(tail_seconds));  // LV2 cannot say it
  const auto settled = static_cast<std::size_t>(host::expected_latency(rate) + std::ceil(tail_seconds * rate));

  const std::size_t loud = 10'000;
  test::Audio input(2, static_cast<std::size_t>(rate));
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < loud; ++i) input[c][i] = test::noise_at(i, c);
  const auto output = host::played(*instance, input);
  REQUIRE(host::peak(output, loud) > inaudible);  // control
  REQUIRE(host::peak(output, loud + settled) < inaudible);

  // Even from silence the network starts with a transient, caused by the padding of its layers.
  const auto beginning = host::peak(host::played(*host::open(format, rate), test::Audio(2, 20'000)));
  REQUIRE(beginning < 2e-4f);  // -74 dBFS
}

TEST_CASE("NaN and infinity count as 0 and have no later effect") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const Parameters setting = GENERATE(Parameters{}, Parameters{.mix = 0.0f}, Parameters{.bypass = true});
  const auto instance = host::open(format, 48'000.0);
  host::set_parameters(*instance, setting);
  auto clean = host::noise(2, 20'000);
  auto dirty = clean;
  constexpr float values[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::signaling_NaN()};
  for (std::size_t i = 3'000; i < 3'600; i += 3) {
    clean[i % 2][i] = 0.0f;
    dirty[i % 2][i] = values[i % 4];
  }
  REQUIRE(std::isinf(host::peak(dirty)));  // control
  const auto output = host::played(*instance, dirty);
  REQUIRE(host::equal(output, host::expected(clean, 48'000.0, setting)));
}

TEST_CASE("Huge and tiny samples give finite output") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const float scale = GENERATE(1e30f, 1e-30f, 1e-42f, 3e38f);
  const auto instance = host::open(format, 48'000.0);
  auto input = host::noise(2, 9'600);
  for (std::size_t c = 0; c < 2; ++c)
    for (float& sample : input[c]) sample *= scale;
  REQUIRE(std::isfinite(host::peak(host::played(*instance, input))));
  instance->releaseResources();
  instance->prepareToPlay(48'000.0, 512);
  const auto quiet = host::noise(2, 9'600);
  REQUIRE(host::equal(host::played(*instance, quiet), host::expected(quiet, 48'000.0)));
}
