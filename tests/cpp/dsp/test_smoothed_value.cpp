#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "dsp/smoothed_value.hpp"
#include "realtime_scope.hpp"
#include "streaming.hpp"

using namespace novasr::test;
using novasr::SmoothedValue;

namespace {

constexpr std::size_t kMaxFrames = 1'000;

SmoothedValue prepared(float value) {
  SmoothedValue smoothed;
  smoothed.prepare(kMaxFrames);
  smoothed.set_target(value, 0);
  return smoothed;
}

/// The next `frames` values, in blocks.
std::vector<float> values(SmoothedValue& smoothed, std::size_t frames, const Cutter& block) {
  std::vector<float> all;
  while (all.size() < frames) {
    const std::size_t count = std::min(block(), frames - all.size());
    {
      const novasr::test::RealtimeScope realtime;
      smoothed.render(count);
    }
    all.insert(all.end(), smoothed.values(), smoothed.values() + count);
  }
  return all;
}

}  // namespace

TEST_CASE("SmoothedValue: a fade is linear and ends exactly on its target", "[dsp]") {
  SmoothedValue smoothed = prepared(0.2f);
  smoothed.set_target(0.9f, 480);
  const auto fade = values(smoothed, 600, blocks_of(600));
  for (std::size_t i = 0; i < 480; ++i)
    REQUIRE(fade[i] == Approx(0.2 + 0.7 * static_cast<double>(i + 1) / 480.0).margin(1e-6));
  for (std::size_t i = 479; i < 600; ++i) REQUIRE(fade[i] == 0.9f);
}

TEST_CASE("SmoothedValue: bit-identical for any block size", "[dsp]") {
  const auto run = [](const Cutter& block) {
    SmoothedValue smoothed = prepared(0.1f);
    smoothed.set_target(0.7f, 333);
    auto all = values(smoothed, 200, block);
    smoothed.set_target(-0.3f, 100);  // in the middle of the fade
    const auto more = values(smoothed, 300, block);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto expected = run(blocks_of(1'000));
  CHECK(run(blocks_of(1)) == expected);
  CHECK(run(blocks_of(64)) == expected);
  CHECK(run(random_blocks(1)) == expected);
}

TEST_CASE("SmoothedValue: a new target in the middle of a fade causes no step", "[dsp]") {
  SmoothedValue smoothed = prepared(0.0f);
  smoothed.set_target(1.0f, 100);
  const auto before = values(smoothed, 50, blocks_of(50));
  smoothed.set_target(0.0f, 100);
  const auto after = values(smoothed, 100, blocks_of(100));
  CHECK(std::abs(after[0] - before.back()) < 0.011f);
  CHECK(after.back() == 0.0f);
}

TEST_CASE("SmoothedValue: without a fade the target applies immediately", "[dsp]") {
  SmoothedValue smoothed = prepared(0.0f);
  smoothed.set_target(0.5f, 0);
  CHECK(values(smoothed, 3, blocks_of(3)) == std::vector<float>(3, 0.5f));
}

TEST_CASE("SmoothedValue: it is at rest only in blocks without any change", "[dsp]") {
  SmoothedValue smoothed = prepared(0.0f);
  smoothed.render(10);
  CHECK(smoothed.rests_at(0.0f));
  smoothed.set_target(1.0f, 15);
  smoothed.render(10);
  CHECK_FALSE(smoothed.settled());
  smoothed.render(10);  // the fade ends within this block
  CHECK(smoothed.has_settled_at(1.0f));
  CHECK_FALSE(smoothed.rests_at(1.0f));
  smoothed.render(10);
  CHECK(smoothed.rests_at(1.0f));
  CHECK_FALSE(smoothed.rests_at(0.0f));
}
