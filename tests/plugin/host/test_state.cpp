// SPDX-License-Identifier: GPL-3.0-or-later
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <thread>

#include "sound.hpp"
#include "state_blob.hpp"

using namespace novasr;
using host::Bytes;
using host::Format;

namespace {

#if defined(NOVASR_SLOW_BUILD)
constexpr int kMutations = 300;
#else
constexpr int kMutations = 2'000;
#endif

const std::string kHeader =
    R"({"parameters": {"mode": "full", "front_end": "reference", "crossover": 5000.0, "mix": 0.25,
        "high_band_gain": -6.0, "output_gain": 3.0, "bypass": false}, "weights": "mine.safetensors", "script": ""})";
const Parameters kInHeader{.mode = Mode::full,
                           .front_end = FrontEnd::reference,
                           .crossover_hz = 5'000.0f,
                           .mix = 0.25f,
                           .high_band_gain_db = -6.0f,
                           .output_gain_db = 3.0f};

std::vector<float> values(juce::AudioPluginInstance& instance) {
  std::vector<float> all;
  for (auto* const parameter : instance.getParameters()) all.push_back(parameter->getValue());
  return all;
}

/// Whether a fresh stream of the instance sounds like this.
bool sounds_like(juce::AudioPluginInstance& instance, const Parameters& parameters, const ModelWeights& weights) {
  instance.releaseResources();
  instance.prepareToPlay(48'000.0, 512);
  const auto input = host::noise(2, 4'800);
  const auto wanted = host::expected(input, 48'000.0, parameters, std::make_shared<const ModelWeights>(weights));
  return host::difference(host::played(instance, input), wanted) <= 1e-6f;
}

}  // namespace

TEST_CASE("State: every parameter is restored as it was stored") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const auto first = host::open(format, 48'000.0);
  const auto second = host::open(format, 48'000.0);
  std::mt19937 random(3);
  for (int round = 0; round < 10; ++round) {
    for (auto* const parameter : first->getParameters())
      if (parameter->getName(100) != "Bypass" || format == Format::vst3)  // in LV2 it is a port, which the host stores
        parameter->setValue(static_cast<float>(random() % 1001) / 1000.0f);
    host::played(*first, test::Audio(2, 64));  // applies the values
    juce::MemoryBlock state;
    first->getStateInformation(state);
    second->setStateInformation(state.getData(), static_cast<int>(state.getSize()));
    host::run_messages(5);
    if (format == Format::lv2) {
      host::played(*second, test::Audio(2, 64));  // applies the restored values
      host::run_messages(50);
    }
    for (int i = 0; i < first->getParameters().size(); ++i) {
      const auto& stored = *first->getParameters()[i];
      INFO(stored.getName(100) << " " << stored.getValue());
      REQUIRE(second->getParameters()[i]->getText(second->getParameters()[i]->getValue(), 100) ==
              stored.getText(stored.getValue(), 100));
    }
    if (format == Format::vst3)
      REQUIRE(juce::JSON::toString(host::stored_parameters(*second)) ==
              juce::JSON::toString(host::stored_parameters(*first)));
    for (auto* const instance : {first.get(), second.get()}) {
      instance->releaseResources();
      instance->prepareToPlay(48'000.0, 512);
    }
    const auto input = host::noise(2, 4'800);
    REQUIRE(host::difference(host::played(*first, input), host::played(*second, input)) <= 1e-6f);
  }
}

TEST_CASE("State: contains the weights, so that a session sounds the same on any machine") {
  const auto weights = host::other_weights();
  const auto first = host::open(Format::vst3, 48'000.0);
  host::restore(*first, host::make_state(kHeader, weights));
  REQUIRE(sounds_like(*first, kInHeader, weights));
  REQUIRE_FALSE(sounds_like(*first, kInHeader, *default_weights()));  // control

  const auto stored = host::state_of(*first);
  REQUIRE(host::header_of(stored)["weights"] == "mine.safetensors");
  const auto second = host::open(Format::vst3, 44'100.0);
  host::restore(*second, stored);
  REQUIRE(sounds_like(*second, kInHeader, weights));
  REQUIRE(values(*first) == values(*second));
}

TEST_CASE("State: version 1 can still be read") {
  const auto weights = host::other_weights();
  const auto instance = host::open(Format::vst3, 48'000.0);
  host::restore(*instance, host::make_state(kHeader, weights, 1));
  REQUIRE(sounds_like(*instance, kInHeader, weights));
  REQUIRE(host::header_of(host::state_of(*instance))["family"] == "novasr");
}

TEST_CASE("State: the error names an unknown model family") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  host::restore(*instance, host::make_state(R"({"parameters": {}, "family": "later"})", *default_weights()));
  const auto problem = host::header_of(host::state_of(*instance))["problem"].toString();
  REQUIRE(problem.contains("needs the model family 'later'"));
}

TEST_CASE("State: is kept across rates, and restored before the first activation") {
  const auto weights = host::other_weights();
  const auto instance = host::open(host::scan(Format::vst3));
  host::restore(*instance, host::make_state(kHeader, weights));
  for (const double rate : {44'100.0, 384'000.0, 96'000.0}) {
    instance->releaseResources();
    instance->prepareToPlay(rate, 512);
    const auto input = host::noise(2, 9'600);
    const auto wanted = host::expected(input, rate, kInHeader, std::make_shared<const ModelWeights>(weights));
    REQUIRE(host::difference(host::played(*instance, input), wanted) <= 1e-6f);
  }
}

TEST_CASE("State: a missing parameter gets its default, an unknown one and padding are ignored") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  host::restore(*instance, host::make_state(kHeader, host::other_weights()));
  auto state = host::make_state(R"({"parameters": {"mix": 0.5, "from_the_future": 7}})", *default_weights());
  state.resize(state.size() + 1000, '\0');
  host::restore(*instance, state);
  REQUIRE(sounds_like(*instance, {.mix = 0.5f}, *default_weights()));
}

TEST_CASE("State: values of the wrong type become the default, values out of range are clamped") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  host::restore(*instance, host::make_state(kHeader, host::other_weights()));
  host::restore(*instance, host::make_state(R"({"parameters": {"mix": 1e99, "mode": 3, "front_end": ["full"],
      "crossover": "high", "output_gain": -1e9, "high_band_gain": null, "bypass": "yes"}, "weights": 7, "script": []})",
                                            *default_weights()));
  REQUIRE(sounds_like(*instance, {.output_gain_db = -60.0f}, *default_weights()));
}

TEST_CASE("State: brackets in a name do not count as nesting") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  const Bytes name = "a \\\" quoted " + Bytes(100, '[');
  host::restore(*instance, host::make_state(R"({"parameters": {"mix": 0.25}, "weights": ")" + name + "\"}",
                                            host::other_weights()));
  REQUIRE(sounds_like(*instance, {.mix = 0.25f}, host::other_weights()));
}

TEST_CASE("State: an unreadable state is rejected, and the old one stays") {
  const auto weights = host::other_weights();
  const auto instance = host::open(Format::vst3, 48'000.0);
  host::restore(*instance, host::make_state(kHeader, weights));
  const auto before = host::content_of(*instance);
  REQUIRE_FALSE(host::header_of(host::state_of(*instance)).hasProperty("problem"));

  const auto good = host::make_state(R"({"parameters": {}})", *default_weights());
  auto wrong_magic = good;
  wrong_magic[0] = 'X';
  auto endless_header = good;
  std::fill_n(endless_header.begin() + 12, 4, '\xff');
  auto damaged = good;
  damaged[good.size() / 2] ^= 1;
  auto bad_weights = *default_weights();
  bad_weights.conv1_weight[5] = std::numeric_limits<float>::quiet_NaN();
  for (const auto& bad :
       {Bytes{}, Bytes(3, 'N'), Bytes(200'000, '\xff'), Bytes(good.begin(), good.begin() + 16),
        Bytes(good.begin(), good.end() - 1), wrong_magic, endless_header, damaged,
        host::make_state(R"({"parameters": {}})", *default_weights(), 3), host::make_state("{}", bad_weights),
        host::make_state("[1", *default_weights()), host::make_state(Bytes(1'000'000, '['), *default_weights())}) {
    host::restore(*instance, bad);
    const bool stayed = host::content_of(*instance) == before;
    REQUIRE(stayed);
    REQUIRE((bad.empty() || host::header_of(host::state_of(*instance))["problem"].toString().isNotEmpty()));
  }
  REQUIRE(sounds_like(*instance, kInHeader, weights));

  host::restore(*instance, good);  // control
  REQUIRE(sounds_like(*instance, {}, *default_weights()));
}

TEST_CASE("State: thousands of damaged states are each rejected or accepted as a whole") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  const auto old_state = host::make_state(kHeader, host::other_weights());
  const auto new_state = host::make_state(
      R"({"parameters": {"mix": 0.75, "mode": "extend", "output_gain": -3.5}, "weights": "w", "script": ""})",
      host::other_weights(0.25f));
  host::restore(*instance, new_state);
  const auto accepted = host::content_of(*instance);
  host::restore(*instance, old_state);
  const auto refused = host::content_of(*instance);
  std::mt19937 random(11);
  int refusals = 0;
  for (int i = 0; i < kMutations; ++i) {
    auto mutant = new_state;
    const auto place = [&] { return random() % (random() % 2 == 0 ? 200 : mutant.size()); };
    switch (random() % 6) {
      case 0:
        mutant[place()] ^= static_cast<char>(1 << random() % 8);
        break;
      case 1:
        mutant[place()] = static_cast<char>(random());
        break;
      case 2:
        mutant.resize(place());
        break;
      case 3:
        mutant.insert(mutant.begin() + static_cast<std::ptrdiff_t>(place()), static_cast<char>(random()));
        break;
      case 4:
        std::fill_n(mutant.begin() + static_cast<std::ptrdiff_t>(random() % 100), 40, static_cast<char>(random()));
        break;
      default:
        std::generate(mutant.begin(), mutant.begin() + 200, [&] { return static_cast<char>(random()); });
    }
    host::restore(*instance, mutant);
    const auto now = host::content_of(*instance);
    const bool was_refused = now == refused;
    refusals += was_refused;
    if (!was_refused) {
      const bool was_accepted = now == accepted;
      REQUIRE(was_accepted);
      host::restore(*instance, old_state);
    }
  }
  REQUIRE(refusals > kMutations / 2);
  REQUIRE(std::isfinite(host::peak(host::played(*instance, host::noise(2, 4'800)))));
}

TEST_CASE("State: can be stored and restored while another thread plays") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  const auto instance = host::open(format, 48'000.0, 64);
  const auto latency = host::expected_latency(48'000.0);
  std::atomic<bool> done = false;
  std::atomic<bool> finite = true;
  std::thread audio([&] {
    const auto input = host::noise(2, 4'800);
    while (!done)
      if (!std::isfinite(host::peak(host::played(*instance, input, {64})))) finite = false;
  });
  juce::MemoryBlock state;
  instance->getStateInformation(state);
  for (int i = 0; i < 60; ++i) {
    if (format == Format::vst3)
      host::restore(*instance, host::make_state(kHeader, host::other_weights(i % 2 == 0 ? 0.5f : 0.7f)));
    host::run_messages(10);
    if (i % 10 == 9) instance->setStateInformation(state.getData(), static_cast<int>(state.getSize()));
    juce::MemoryBlock stored;
    instance->getStateInformation(stored);
  }
  done = true;
  audio.join();
  REQUIRE(finite);
  REQUIRE(instance->getLatencySamples() == latency);
  if (format == Format::vst3) REQUIRE(sounds_like(*instance, {}, *default_weights()));
}
