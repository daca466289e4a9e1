// SPDX-License-Identifier: GPL-3.0-or-later
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <thread>

#include "novasr/model.hpp"
#include "sound.hpp"
#include "state_blob.hpp"

using namespace novasr;
using host::Format;

namespace {

std::shared_ptr<const Model> model_of(bool wide) {
  return wide ? built_in_model(model_family("wide")) : default_model();
}

Processor processor_of(bool wide, double rate) {
  const auto hz = static_cast<std::uint32_t>(rate);
  Processor processor(model_of(wide)->make_engine());
  processor.prepare({.sample_rate_hz = hz, .output_rate_hz = hz, .channels = 2, .max_block_frames = kMaxBlockFrames});
  return processor;
}

/// Noise whose upper half is missing, for a model that looks for the band edge.
test::Audio muffled(std::size_t frames) {
  auto audio = host::noise(2, frames);
  for (std::size_t c = 0; c < 2; ++c)
    for (int pass = 0; pass < 6; ++pass)
      for (std::size_t i = frames - 1; i > 0; --i) audio[c][i] = 0.5f * (audio[c][i] + audio[c][i - 1]);
  return audio;
}

int latency_of(bool wide, double rate) {
  return static_cast<int>(processor_of(wide, rate).latency_frames());
}

/// Waits until the host has been told the model's latency; plays silence, with which LV2 tells it.
void await(juce::AudioPluginInstance& instance, bool wide, double rate) {
  for (int i = 0; i < 100 && instance.getLatencySamples() != latency_of(wide, rate); ++i) {
    host::run_messages(50);
    host::played(instance, test::Audio(2, 64));
  }
}

void choose(juce::AudioPluginInstance& instance, bool wide, double rate = 48'000.0) {
  host::parameter(instance, "Model").setValue(wide ? 1.0f : 0.0f);
  host::played(instance, test::Audio(2, 64));  // hosts deliver parameters with the audio
  await(instance, wide, rate);
}

bool sounds_like(juce::AudioPluginInstance& instance, bool wide) {
  instance.releaseResources();
  instance.prepareToPlay(48'000.0, 512);
  auto input = muffled(24'000);
  auto processor = processor_of(wide, 48'000.0);
  test::Audio wanted(2, input.frames());
  processor.apply({});
  const auto output = host::played(instance, input);
  processor.process(input.view(), wanted.view());
  return host::difference(output, wanted) <= 1e-6f;
}

}  // namespace

TEST_CASE("Models: the parameter chooses one, and the host is told its latency at every rate") {
  const auto format = GENERATE(Format::vst3, Format::lv2);
  for (const double rate : {8'000.0, 44'100.0, 48'000.0, 96'000.0, 192'000.0}) {
    const auto instance = host::open(format, rate);
    for (const bool wide : {true, false}) {
      choose(*instance, wide, rate);
      const int latency = latency_of(wide, rate);
      INFO(rate << " Hz, wide: " << wide);
      REQUIRE(instance->getLatencySamples() == latency);
      instance->releaseResources();
      instance->prepareToPlay(rate, 512);
      host::parameter(*instance, "Mix").setValue(0.0f);
      test::Audio impulse(2, 8'192);
      impulse[0][100] = impulse[1][100] = 0.75f;
      const auto output = host::played(*instance, impulse);
      REQUIRE(instance->getLatencySamples() == latency);
      REQUIRE(host::equal(output, host::delayed(impulse, latency)));
    }
  }
}

TEST_CASE("Models: each sounds as in the core") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  REQUIRE(sounds_like(*instance, false));
  choose(*instance, true);
  REQUIRE(sounds_like(*instance, true));
  REQUIRE_FALSE(sounds_like(*instance, false));  // control
}

TEST_CASE("Models: the latency of wide does not depend on bypass, mix or block size") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  choose(*instance, true);
  const int latency = instance->getLatencySamples();
  for (const Parameters& setting : {Parameters{.bypass = true}, Parameters{.mix = 0.0f}})
    for (const int block : {1, 64, 1'000}) {
      instance->releaseResources();
      instance->prepareToPlay(48'000.0, block);
      host::set_parameters(*instance, setting);
      const auto input = host::noise(2, 4'096);
      REQUIRE(host::equal(host::played(*instance, input, {block}), host::delayed(input, latency)));
      REQUIRE(instance->getLatencySamples() == latency);
    }
}

TEST_CASE("Models: wide falls silent after the tail, and stays so") {
  const double rate = GENERATE(44'100.0, 48'000.0);
  const auto instance = host::open(Format::vst3, rate);
  choose(*instance, true, rate);
  instance->releaseResources();
  instance->prepareToPlay(rate, 512);
  const std::size_t loud = 48'000;
  auto input = muffled(loud);
  for (std::size_t c = 0; c < 2; ++c) input[c].resize(2 * loud);
  const auto output = host::played(*instance, input);
  const auto settled = static_cast<std::size_t>(latency_of(true, rate) + instance->getTailLengthSeconds() * rate);
  REQUIRE(host::peak(output, loud) > 1e-3f);  // control
  REQUIRE(host::peak(output, loud + settled) < 1e-5f);
}

TEST_CASE("Models: a session keeps its model and latency") {
  const auto first = host::open(Format::vst3, 48'000.0);
  choose(*first, true);
  const auto state = host::state_of(*first);
  REQUIRE(host::stored_parameters(*first)["model"] == "wide");
  const auto second = host::open(Format::vst3, 48'000.0);
  host::restore(*second, state);
  await(*second, true, 48'000.0);
  REQUIRE(host::parameter(*second, "Model").getCurrentValueAsText() == "wide");
  REQUIRE(second->getLatencySamples() == first->getLatencySamples());
  REQUIRE(sounds_like(*second, true));
}

TEST_CASE("Models: a session without the parameter is one of base, also in an instance that plays wide") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  const int latency = instance->getLatencySamples();
  choose(*instance, true);
  REQUIRE(instance->getLatencySamples() != latency);  // control
  host::restore(*instance, host::make_state(R"({"parameters": {"mix": 1.0}})", *default_weights()));
  await(*instance, false, 48'000.0);
  REQUIRE(host::parameter(*instance, "Model").getCurrentValueAsText() == "base");
  REQUIRE(instance->getLatencySamples() == latency);
  REQUIRE(sounds_like(*instance, false));
}

TEST_CASE("Models: a choice right after a session has been restored is followed") {
  const auto first = host::open(Format::vst3, 48'000.0);
  choose(*first, true);
  const auto instance = host::open(Format::vst3, 48'000.0);
  host::restore(*instance, host::state_of(*first));
  choose(*instance, false);
  REQUIRE(instance->getLatencySamples() == latency_of(false, 48'000.0));
}

TEST_CASE("Models: the weights of a session decide, not the parameter stored beside them") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  host::restore(*instance, host::make_state(R"({"parameters": {"model": "wide"}})", *default_weights()));
  host::run_messages(200);
  REQUIRE(host::parameter(*instance, "Model").getCurrentValueAsText() == "base");
  REQUIRE(sounds_like(*instance, false));
}

TEST_CASE("Models: a session that is stored right after the choice has it") {
  const auto instance = host::open(Format::vst3, 48'000.0);
  host::parameter(*instance, "Model").setValue(1.0f);
  host::played(*instance, test::Audio(2, 64));
  REQUIRE(host::header_of(host::state_of(*instance))["family"] == "wide");
}

TEST_CASE("Models: the change fades during playback, without a step or a gap") {
  const auto instance = host::open(Format::vst3, 48'000.0, 512);
  std::atomic<bool> done = false;
  constexpr double kHz = 200.0, kLevel = 0.5;
  const double steepest_of_tone = kLevel * 2.0 * 3.14159265 * kHz / 48'000.0;
  double steepest = 0.0, longest_quiet = 0.0;
  std::thread audio([&] {
    float last = 0.0f;
    std::size_t position = 0, quiet = 0;
    while (!done) {
      test::Audio block(2, 512);
      for (std::size_t i = 0; i < 512; ++i, ++position)
        block[0][i] = block[1][i] = static_cast<float>(
            kLevel * std::sin(2.0 * 3.14159265 * kHz / 48'000.0 * static_cast<double>(position % 48'000)));
      const auto output = host::played(*instance, block);
      for (const float sample : output[0]) {
        if (position > 4'800) {
          steepest = std::max(steepest, std::abs(double{sample} - last));
          quiet = std::abs(sample) < 0.01f ? quiet + 1 : 0;
          longest_quiet = std::max(longest_quiet, static_cast<double>(quiet));
        }
        last = sample;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  host::run_messages(200);
  host::parameter(*instance, "Model").setValue(1.0f);
  host::run_messages(2'500);
  done = true;
  audio.join();
  REQUIRE(host::header_of(host::state_of(*instance))["family"] == "wide");
  REQUIRE(steepest < 1.5 * steepest_of_tone);
  REQUIRE(longest_quiet < 60.0);  // a fifth of a period; a gap would last as long as the latency, 511 frames
}
