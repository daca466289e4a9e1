// SPDX-License-Identifier: GPL-3.0-or-later
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "sound.hpp"
#include "state_blob.hpp"

using namespace novasr;
using host::Format;

namespace {

struct Known {
  const char* name;
  const char* unit;
  float default_value;  // 0 .. 1
  const char* default_text;
};

// As in novasr.Stream.
constexpr Known kKnown[] = {{"Mode", "", 0.0f, "extend"},
                            {"Front end", "", 0.0f, "clean"},
                            {"Crossover", "Hz", 0.775f, "7100"},
                            {"Mix", "", 1.0f, "100.0 %"},
                            {"High band gain", "dB", 24.0f / 36.0f, "0.0"},
                            {"Output gain", "dB", 60.0f / 84.0f, "0.0"},
                            {"Bypass", "", 0.0f, "Off"},
                            {"Model", "", 0.0f, "base"}};

constexpr float kNotNumbers[] = {std::numeric_limits<float>::quiet_NaN(),
                                 std::numeric_limits<float>::infinity(),
                                 -std::numeric_limits<float>::infinity(),
                                 -1.0f,
                                 2.0f,
                                 1e30f};

}  // namespace

TEST_CASE("Parameters: names, units, defaults, and their order") {
  const auto instance = host::open(host::scan(Format::vst3));
  const auto& parameters = instance->getParameters();
  REQUIRE(parameters.size() == static_cast<int>(std::size(kKnown)));
  for (int i = 0; i < parameters.size(); ++i) {
    const auto& known = kKnown[i];
    const auto& found = *parameters[i];
    INFO(known.name);
    REQUIRE(found.getName(100) == known.name);
    REQUIRE(found.getLabel() == known.unit);
    REQUIRE(found.getDefaultValue() == Approx(known.default_value));
    REQUIRE(found.getValue() == Approx(known.default_value));
    REQUIRE(found.getCurrentValueAsText() == known.default_text);
    REQUIRE(found.isAutomatable() == (found.getName(100) != "Model"));  // which changes the latency
  }
  REQUIRE(instance->getBypassParameter()->getName(100) == "Bypass");
}

TEST_CASE("Parameters: LV2 has the same") {
  const auto instance = host::open(host::scan(Format::lv2));
  for (const auto& known : kKnown) {
    INFO(known.name);
    const auto& found = host::parameter(*instance, known.name);
    REQUIRE(found.getDefaultValue() == Approx(known.default_value));
    REQUIRE(found.getValue() == Approx(known.default_value));
  }
}

TEST_CASE("Parameters: the text shows the value") {
  const auto instance = host::open(host::scan(Format::vst3));
  for (auto* const parameter : instance->getParameters()) {
    for (int i = 0; i <= 100; ++i) {
      const float value = static_cast<float>(i) / 100.0f;
      const auto text = parameter->getText(value, 100);
      const auto read = parameter->getValueForText(text);
      INFO(parameter->getName(100) << " " << value << " '" << text << "' " << read);
      const float rounding = parameter->isDiscrete() ? 0.5f : 0.0015f;  // 0.05 dB of the shortest range in dB
      REQUIRE(std::abs(read - value) <= rounding);
      REQUIRE(parameter->getText(read, 100) == text);
    }
  }
}

TEST_CASE("Parameters: no value from any thread damages output, range or latency") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const auto instance = host::open(format, 48'000.0);
  const auto latency = host::expected_latency(48'000.0);
  std::atomic<bool> done = false;
  std::atomic<bool> finite = true;
  std::thread audio([&] {
    const auto input = host::noise(2, 6'400);
    for (int i = 0; i < 40; ++i)
      if (!std::isfinite(host::peak(host::played(*instance, input)))) finite = false;
    done = true;
  });
  std::mt19937 random(7);
  while (!done) {
    for (auto* const parameter : instance->getParameters()) {
      const auto draw = random();
      parameter->setValue(draw % 4 == 0 ? kNotNumbers[draw / 4 % std::size(kNotNumbers)]
                                        : static_cast<float>(draw % 1000) / 999.0f);
    }
    host::run_messages(1);
  }
  audio.join();
  REQUIRE(finite);

  host::set_parameters(*instance, {});
  host::parameter(*instance, "Model").setValue(0.0f);
  int rounds = 0;
  do {
    host::played(*instance, test::Audio(2, 9'600));  // applies the values
    host::run_messages(50);
  } while (++rounds < 100 && instance->getLatencySamples() != latency);
  REQUIRE(instance->getLatencySamples() == latency);
  instance->releaseResources();
  instance->prepareToPlay(48'000.0, 512);
  const auto input = host::noise(2, 9'600);
  REQUIRE(host::difference(host::played(*instance, input), host::expected(input, 48'000.0)) <= 1e-6f);
}

TEST_CASE("Parameters: a value that is not a number is never stored in a session") {
  for (const float value : kNotNumbers) {
    const auto instance = host::open(Format::vst3, 48'000.0);
    for (auto* const parameter : instance->getParameters()) parameter->setValue(value);
    host::played(*instance, test::Audio(2, 512));  // applies the values
    const auto stored = host::stored_parameters(*instance);
    INFO(value << ": " << juce::JSON::toString(stored, true));
    REQUIRE((stored["mode"] == "extend" || stored["mode"] == "full"));
    REQUIRE((stored["front_end"] == "clean" || stored["front_end"] == "reference"));
    const auto within = [&](const char* id, double lowest, double highest) {
      return stored[id].isDouble() && static_cast<double>(stored[id]) >= lowest &&
             static_cast<double>(stored[id]) <= highest;
    };
    REQUIRE(within("crossover", 4'000.0, 8'000.0));
    REQUIRE(within("mix", 0.0, 1.0));
    REQUIRE(within("high_band_gain", -24.0, 12.0));
    REQUIRE(within("output_gain", -60.0, 24.0));
    REQUIRE(stored["bypass"].isBool());
  }
}
