#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "allocation_counter.hpp"
#include "effect.hpp"
#include "novasr/errors.hpp"
#include "novasr/model.hpp"
#include "realtime_scope.hpp"
#include "signals.hpp"

using novasr::Parameters;
using novasr::Processor;
using novasr::headless::Effect;
using novasr::headless::PortList;

using namespace novasr::test;

namespace {

/// Ports of the stereo plugin.
enum { kEnabled, kMix, kGain, kLatency, kInLeft, kInRight, kOutLeft, kOutRight, kMode };
constexpr PortList kStereo(2, true);

/// What the processor gives for the same audio and parameters, in one block.
Audio expected(Audio input, const Parameters& parameters = {}) {
  Processor processor(novasr::default_model()->make_engine());
  processor.prepare({.channels = 2});
  processor.set_parameters(parameters);
  Audio output(2, input.frames());
  processor.process(input.view(), output.view());
  return output;
}

/// In blocks of this size, with the ports of `effect` that are not audio already connected.
Audio run(Effect& effect, const Audio& input, std::size_t block) {
  Audio in = input, output(2, input.frames());
  for (std::size_t first = 0; first < input.frames(); first += block) {
    const RealtimeScope scope;
    for (std::size_t c = 0; c < 2; ++c) {
      effect.connect(kInLeft + c, in[c].data() + first);
      effect.connect(kOutLeft + c, output[c].data() + first);
    }
    effect.run(std::min(block, input.frames() - first));
  }
  return output;
}

}  // namespace

TEST_CASE("Headless effect: without controls it gives what the processor gives, and its latency", "[headless]") {
  Effect effect(kStereo, 2, 48'000.0);
  float latency = 0.0f;
  effect.connect(kLatency, &latency);
  const Audio input = uniform_noise(2, 5'000, 1);
  REQUIRE(same_bits(run(effect, input, GENERATE(5'000, 333, 1)), expected(input)));
  REQUIRE(latency == 144.0f);
}

TEST_CASE("Headless effect: outputs may be the buffers of inputs, also crosswise", "[headless]") {
  Effect effect(kStereo, 2, 48'000.0);
  const Audio input = uniform_noise(2, 5'000, 2), wanted = expected(input);
  Audio shared = input;
  const bool crosswise = GENERATE(false, true);
  for (std::size_t c = 0; c < 2; ++c) {
    effect.connect(kInLeft + c, shared[c].data());
    effect.connect(kOutLeft + c, shared[crosswise ? 1 - c : c].data());
  }
  effect.run(5'000);
  REQUIRE(same_bits(shared, crosswise ? Audio{wanted[1], wanted[0]} : wanted));
}

TEST_CASE("Headless effect: controls beyond their ranges are limited, and NaN is the default", "[headless]") {
  Effect effect(kStereo, 2, 48'000.0);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  std::array<float, 4> values{};
  Parameters limited;
  if (GENERATE(true, false)) {
    values = {1.0f, -3.0f, 99.0f, 7.0f};
    limited = {.mode = novasr::Mode::full, .mix = 0.0f, .high_band_gain_db = 12.0f};
  } else {
    values = {kNan, kNan, kNan, kNan};
  }
  effect.connect(kEnabled, &values[0]);
  effect.connect(kMix, &values[1]);
  effect.connect(kGain, &values[2]);
  effect.connect(kMode, &values[3]);
  const Audio input = uniform_noise(2, 3'000, 3);
  REQUIRE(same_bits(run(effect, input, 3'000), expected(input, limited)));
}

TEST_CASE("Headless effect: not enabled it gives the input with the same delay", "[headless]") {
  Effect effect(kStereo, 2, 48'000.0);
  float enabled = 0.0f;
  effect.connect(kEnabled, &enabled);
  const Audio input = uniform_noise(2, 3'000, 4), output = run(effect, input, 64);
  for (std::size_t c = 0; c < 2; ++c)
    REQUIRE(std::equal(input[c].begin(), input[c].end() - 144, output[c].begin() + 144));
}

TEST_CASE("Headless effect: activate begins a fresh stream, also after NaN", "[headless]") {
  Effect effect(kStereo, 2, 48'000.0);
  Audio bad = uniform_noise(2, 2'000, 5);
  bad[0][1'000] = std::numeric_limits<float>::quiet_NaN();
  bad[1][1'500] = std::numeric_limits<float>::infinity();
  for (const auto& channel : run(effect, bad, 128))
    for (const float sample : channel) REQUIRE(std::isfinite(sample));
  effect.activate();
  const Audio input = uniform_noise(2, 2'000, 6);
  REQUIRE(same_bits(run(effect, input, 128), expected(input)));
}

TEST_CASE("Headless effect: running allocates nothing", "[headless]") {
  Effect effect(kStereo, 2, 44'100.0);
  float mix = 0.5f, latency = 0.0f;
  effect.connect(kMix, &mix);
  effect.connect(kLatency, &latency);
  Audio in = uniform_noise(2, 100'000, 7);
  for (std::size_t c = 0; c < 2; ++c) {
    effect.connect(kInLeft + c, in[c].data());
    effect.connect(kOutLeft + c, in[c].data());
  }
  const auto before = allocations_of_this_thread();
  {
    const RealtimeScope scope;
    effect.activate();
    effect.run(100'000);
    effect.run(0);
  }
  REQUIRE(allocations_of_this_thread() == before);
}

TEST_CASE("Headless effect: a rate that cannot be is refused", "[headless]") {
  const double rate = GENERATE(0.0, 4'000.0, 400'000.0, -1.0, 1e30, std::numeric_limits<double>::quiet_NaN());
  REQUIRE_THROWS_AS(Effect(kStereo, 2, rate), novasr::ConfigError);
}

TEST_CASE("Headless effect: without all audio ports it tells its latency alone", "[headless]") {
  Effect effect(kStereo, 2, 48'000.0);
  float latency = 0.0f;
  std::vector<float> audio(64, 1.0f);
  effect.connect(kLatency, &latency);
  effect.connect(kOutLeft, audio.data());
  effect.connect(99, audio.data());  // no such port
  effect.run(64);
  REQUIRE(latency == 144.0f);
  REQUIRE(audio == std::vector<float>(64, 1.0f));
}
