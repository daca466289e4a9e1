#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "allocation_counter.hpp"
#include "novasr/errors.hpp"
#include "novasr/model.hpp"
#include "realtime_scope.hpp"
#include "spectrum.hpp"
#include "wide_support.hpp"

using namespace novasr;
using namespace novasr::test;
using wide::kHop;

namespace {

#if defined(NOVASR_SLOW_BUILD)
constexpr unsigned kPartitions = 5;
#else
constexpr unsigned kPartitions = 1'000;
#endif

constexpr std::size_t kLatency = 2 * kHop - 1;
constexpr float kCutoffHz = 8'000.0f;

Audio noise(std::size_t channels, std::size_t frames) {
  Audio audio(channels, frames);
  for (std::size_t c = 0; c < channels; ++c) audio[c] = gaussian_noise(frames, 0.1f, static_cast<std::uint32_t>(c + 1));
  return audio;
}

bool all_zero(std::span<const float> audio) {
  return std::ranges::all_of(audio, [](float x) { return x == 0.0f; });
}

bool all_finite(const Audio& audio) {
  return std::ranges::all_of(audio, [](const auto& channel) {
    return std::ranges::all_of(channel, [](float x) { return std::isfinite(x); });
  });
}

/// Root mean square.
double rms(std::span<const float> audio) {
  double sum = 0.0;
  for (const float x : audio) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum / static_cast<double>(audio.size()));
}

}  // namespace

TEST_CASE("WideEngine: the latency is 511 frames, which one hop and its alignment need", "[wide]") {
  const auto engine = wide_engine(1, kCutoffHz);
  REQUIRE(engine->latency_frames() == kLatency);
  const Audio input = noise(1, 2'000);
  const Audio output = run_wide(*engine, input, blocks_of(100));
  REQUIRE(output.frames() == input.frames() + kLatency);
  REQUIRE(all_zero(std::span(output[0]).first(kLatency)));
  REQUIRE(output[0][kLatency] != 0.0f);
}

TEST_CASE("WideEngine: nothing is added to a full band", "[wide]") {
  Audio input = noise(2, 3'000);
  input[1][900] = 1e30f;
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    const auto engine = wide_engine(2, wide::kFullBandHz, kernels);
    for (const auto& channel : run_wide(*engine, input, blocks_of(333))) REQUIRE(all_zero(channel));
  }
}

TEST_CASE("WideEngine: nothing is added below the cut-off, and a band above it", "[wide]") {
  const auto engine = wide_engine(1, kCutoffHz);
  const Audio input(1, tones({1'000.0, 3'000.0, 6'000.0}, wide::kRateHz, 48'000));
  const Audio output = run_wide(*engine, input, blocks_of(480));
  const auto before = std::span(input[0]).subspan(10'000, 30'000);
  const auto added = std::span(output[0]).subspan(10'000 + kLatency, 30'000);
  for (const double hz : {1'000.0, 3'000.0, 6'000.0}) {
    const double ratio = std::abs(component(added, hz, wide::kRateHz)) / std::abs(component(before, hz, wide::kRateHz));
    CHECK(decibels(ratio) < -90.0);
  }
  CHECK(rms(added) > 1e-4);
}

TEST_CASE("WideEngine: any sequence of block sizes gives the same bits", "[wide]") {
  const Audio input = noise(2, 4'321);
  for (const auto& [name, kernels] : all_wide_kernels()) {
    const auto engine = wide_engine(2, kCutoffHz, kernels);
    const Audio whole = run_wide(*engine, input, blocks_of(1 << 16));
    for (const std::size_t block : {1u, 3u, 255u, 256u, 257u, 511u, 1'024u, 2'000u}) {
      INFO(name << ", blocks of " << block);
      REQUIRE(same_bits(run_wide(*engine, input, blocks_of(block)), whole));
    }
  }
}

TEST_CASE("WideEngine: ten million frames in a thousand random sequences of blocks give the same bits",
          "[wide][long]") {
  const Audio input = noise(1, 10'000);
  for (const auto& [name, kernels] : all_wide_kernels()) {
    const auto engine = wide_engine(1, std::nullopt, kernels, 4'000.0);
    const Audio whole = run_wide(*engine, input, blocks_of(1 << 16));
    REQUIRE(rms(whole[0]) > 1e-4);
    for (unsigned seed = 0; seed < kPartitions; ++seed) {
      INFO(name << ", seed " << seed);
      REQUIRE(same_bits(run_wide(*engine, input, random_blocks(seed)), whole));
    }
  }
}

TEST_CASE("WideEngine: the loudest channel is extended as if it were alone, however many there are", "[wide]") {
  Audio input = noise(wide::kMaxRows + 3, 2'000);
  for (std::size_t c = 1; c < input.size(); ++c)
    for (float& sample : input[c]) sample *= 0.1f;
  const auto single = wide_engine(1, kCutoffHz), multi = wide_engine(input.size(), kCutoffHz);
  const Audio output = run_wide(*multi, input, blocks_of(700));
  REQUIRE(same_bits({output[0]}, run_wide(*single, {input[0]}, blocks_of(700))));
  std::ranges::reverse(input);
  Audio reversed = run_wide(*multi, input, blocks_of(700));
  std::ranges::reverse(reversed);
  REQUIRE(same_bits(output, reversed));
}

TEST_CASE("WideEngine: a panned source keeps its place", "[wide]") {
  for (const float quieter : {0.7f, 0.25f, 0.1f}) {
    INFO(quieter);
    Audio input(2, noise(1, 20'000)[0]);
    for (float& sample : input[1]) sample *= quieter;
    const Audio output = run_wide(*wide_engine(2, kCutoffHz), input, blocks_of(480));
    Audio difference(1, output[0]);
    for (std::size_t i = 0; i < difference[0].size(); ++i) difference[0][i] -= output[1][i] / quieter;
    CHECK(rms(difference[0]) < 1e-3 * rms(output[0]));
  }
}

TEST_CASE("WideEngine: digital silence is silence, from the first sample to the last", "[wide]") {
  constexpr std::size_t kSilence = 3'000, kSound = 5'000;
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    const auto engine = wide_engine(1, kCutoffHz, kernels);
    REQUIRE(all_zero(run_wide(*engine, Audio(1, kSilence), blocks_of(480))[0]));
    Audio input(1, kSilence + kSound + kSilence);
    std::ranges::copy(noise(1, kSound)[0], input[0].begin() + kSilence);
    const Audio output = run_wide(*engine, input, blocks_of(480));
    const std::span<const float> aligned = std::span(output[0]).subspan(kLatency);
    CHECK(all_zero(aligned.first(kSilence - wide::kFrame)));  // a frame reaches that far beyond the sound
    CHECK(all_zero(aligned.subspan(kSilence + kSound + wide::kFrame)));
    CHECK(rms(aligned.subspan(kSilence, kSound)) > 1e-4);
  }
}

TEST_CASE("WideEngine: NaN and infinity count as 0 and leave no trace", "[wide]") {
  Audio input = noise(1, 3'000), expected = input;
  expected[0][800] = expected[0][801] = expected[0][802] = 0.0f;
  input[0][800] = std::numeric_limits<float>::quiet_NaN();
  input[0][801] = std::numeric_limits<float>::infinity();
  input[0][802] = -std::numeric_limits<float>::infinity();
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    const auto engine = wide_engine(1, kCutoffHz, kernels);
    REQUIRE(same_bits(run_wide(*engine, input, blocks_of(480)), run_wide(*engine, expected, blocks_of(480))));
  }
}

TEST_CASE("WideEngine: a sample of any finite magnitude keeps everything finite", "[wide]") {
  for (const auto& [name, kernels] : all_wide_kernels()) {
    const auto engine = wide_engine(1, kCutoffHz, kernels);
    for (const float huge : {1e6f, 1e20f, -std::numeric_limits<float>::max(), 1e-30f, 1e-45f}) {
      INFO(name << ", " << huge);
      Audio input = noise(1, 3'000);
      input[0][800] = huge;
      REQUIRE(all_finite(run_wide(*engine, input, blocks_of(480))));
      Audio alone(1, 3'000);
      alone[0][800] = huge;
      REQUIRE(all_finite(run_wide(*engine, alone, blocks_of(480))));
    }
  }
}

TEST_CASE("WideEngine: reset() clears all state of the previous stream", "[wide]") {
  const auto engine = wide_engine(1, kCutoffHz);
  const Audio input = noise(1, 2'000);
  const Audio fresh = run_wide(*engine, input, blocks_of(160));
  run_wide(*engine, noise(1, 30'001), blocks_of(480));
  REQUIRE(same_bits(run_wide(*engine, input, blocks_of(160)), fresh));
}

TEST_CASE("WideEngine: process, flush and reset never touch the heap", "[wide]") {
  void* volatile escaped = nullptr;
  REQUIRE(allocations_in([&] { escaped = ::operator new(8); }) > 0);  // NOLINT(*-NewDeleteLeaks): the counter counts
  ::operator delete(escaped);
  Audio input = noise(2, 5'000), output(2, 5'000);
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    for (const std::optional<float> cutoff_hz : {std::optional<float>(), std::optional<float>(kCutoffHz)}) {
      const auto engine = wide_engine(2, cutoff_hz, kernels);
      std::array<float*, 2> out{output[0].data(), output[1].data()};
      std::array<const float*, 2> in{input[0].data(), input[1].data()};
      REQUIRE(allocations_in([&] {
                const RealtimeScope realtime;
                engine->reset();
                for (const std::size_t frames : {0u, 1u, 256u, 480u, 5'000u})
                  engine->process({in.data(), 2, frames}, {out.data(), 2, frames});
                engine->flush({out.data(), 2, engine->latency_frames()});
              }) == 0);
    }
  }
}

TEST_CASE("WideEngine: invalid weights are rejected, naming the tensor", "[wide]") {
  Uniform uniform;
  const std::vector<float> good = lively_values(uniform);
  auto values = good;
  values.back() = std::numeric_limits<float>::quiet_NaN();
  REQUIRE_THROWS_WITH(wide::Layers::from_values(values), Catch::Contains("leave.bias[") && Catch::Contains("nan"));
  values = good;
  values.pop_back();
  REQUIRE_THROWS_AS(wide::Layers::from_values(values), ModelError);
  std::ranges::fill(values = good, 3e38f);
  REQUIRE_THROWS_WITH(wide::Layers::from_values(values), Catch::Contains("exceeds the range of float"));
}

TEST_CASE("WideEngine: prepare() rejects an invalid spec, naming the value", "[wide]") {
  const auto engine = wide_engine(1, {});
  REQUIRE_THROWS_WITH(engine->prepare({.channels = 0}), Catch::Contains("channels is 0"));
}
