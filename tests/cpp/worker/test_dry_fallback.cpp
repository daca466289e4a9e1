#include <catch2/catch.hpp>
#include <cmath>

#include "signals.hpp"
#include "test_engines.hpp"
#include "worker/dry_fallback.hpp"

using namespace novasr;
using namespace novasr::test;

TEST_CASE("DryFallback: dry audio is the interpolated input, delayed exactly, for any blocks", "[dry]") {
  const auto block = GENERATE(1u, 5u, 64u);
  const auto latency = GENERATE(3u, 100u, 993u);
  constexpr std::size_t kFrames = 1'000;
  DryFallback dry;
  dry.prepare(1, InvertingInterpolator::kFormat, latency, 64);
  auto in = Audio::noise(1, kFrames);
  Audio out(1, 3 * kFrames + latency);
  for (std::size_t first = 0; first < kFrames; first += block) {
    const auto count = std::min<std::size_t>(block, kFrames - first);
    dry.push(in.view().subview(first, count));
    dry.write_dry(out.view().subview(3 * first, 3 * count));
  }
  dry.write_dry(out.view().subview(3 * kFrames, latency));
  const auto frame = [&](std::uint64_t n) { return in[0][n]; };
  for (std::size_t at = 0; at < out.frames(); ++at)
    REQUIRE(out[0][at] == (at < latency ? 0.0f : interpolate(frame, kFrames, at - latency)));
}

TEST_CASE("DryFallback: in place of an engine that adds to its input it is silence", "[dry]") {
  DryFallback dry;
  EngineFormat format = InvertingInterpolator::kFormat;
  format.adds_to_input = true;
  dry.prepare(1, format, 30, 100);
  auto in = Audio::noise(1, 100);
  auto out = Audio::noise(1, 300, 5);
  dry.push(in.view());
  dry.write_dry(out.view());
  REQUIRE(out[0] == std::vector<float>(300));
}

TEST_CASE("DryFallback: wet audio passes bit for bit until dry audio is needed", "[dry]") {
  DryFallback dry;
  dry.prepare(2, InvertingInterpolator::kFormat, 30, 100);
  auto in = Audio::noise(2, 100);
  auto out = Audio::noise(2, 300, 5);
  const auto before = out;
  dry.push(in.view());
  dry.write_wet(out.view());
  REQUIRE(out[0] == before[0]);
  REQUIRE(out[1] == before[1]);
}

TEST_CASE("DryFallback: switching back and forth within a fade causes no step", "[dry]") {
  constexpr std::size_t kFrames = 4'000;
  const auto stretch = GENERATE(1u, 30u, 239u, 240u, 241u, 500u);
  DryFallback dry;
  dry.prepare(1, InvertingInterpolator::kFormat, 30, kFrames);
  Audio in(1, kFrames);
  for (auto& sample : in[0]) sample = 0.5f;
  dry.push(in.view());
  Audio out(1, 3 * kFrames);
  for (auto& sample : out[0]) sample = -0.5f;  // the wet signal, 1.0 away from the dry one
  auto view = out.view();
  dry.write_wet(view.subview(0, 1'000));
  bool wet = false;
  for (std::size_t at = 1'000; at < 3 * kFrames; at += stretch, wet = !wet) {
    const auto count = std::min<std::size_t>(stretch, 3 * kFrames - at);
    const auto part = view.subview(at, count);
    wet ? dry.write_wet(part) : dry.write_dry(part);
  }
  for (std::size_t at = 1'000; at < 3 * kFrames; ++at) REQUIRE(std::abs(out[0][at] - out[0][at - 1]) < 3.0f / 240.0f);
}
