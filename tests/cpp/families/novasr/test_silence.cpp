#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "all_kernels.hpp"
#include "families/novasr/fold.hpp"
#include "families/novasr/native_engine.hpp"
#include "families/novasr/silence.hpp"
#include "native_support.hpp"
#include "novasr/processor.hpp"
#include "reference_network.hpp"
#include "streaming.hpp"

using namespace novasr;
using namespace novasr::test;

namespace {

constexpr std::size_t kEdgeFrames = 36;    // outputs affected by the zero padding at either end
constexpr std::size_t kMemoryInputs = 64;  // zeros after which earlier input has no effect, for any tile

using Weights = std::shared_ptr<const ModelWeights>;

/// Random weights, whose constant for silence is audible.
Weights loud_weights(std::uint32_t seed) {
  return std::make_shared<const ModelWeights>(test::random_weights(seed));
}

bool all_equal(std::span<const float> samples, float value) {
  return std::ranges::all_of(samples, [=](float x) { return x == value; });
}

}  // namespace

TEST_CASE("Silence: the engine outputs one constant on every instruction set, exactly 0 with trained weights",
          "[native][silence]") {
  const std::vector<float> silence(500);
  const auto weights = GENERATE(default_weights(), loud_weights(1), loud_weights(2));
  const double expected = test::reference_network(*weights, silence)[750];
  for (const auto& [name, table, fused] : test::all_kernels()) {
    for (const Tile tile : {Tile::streaming, Tile::offline}) {
      NativeEngine engine(weights, tile, table);
      engine.prepare({.channels = 1, .max_block_frames = 1000});
      INFO(name << ", latency " << engine.latency_frames());
      const float constant = engine.silence_output();
      REQUIRE(constant == Approx(expected).margin(1e-7));
      REQUIRE((constant == 0.0f) == (weights == default_weights()));
      for (const std::size_t block : {1, 16, 37, 500}) {
        const auto output = test::run_stream(engine, silence, [&] { return block; });
        const std::size_t start = engine.latency_frames() + kEdgeFrames;
        REQUIRE(all_equal(std::span(output).subspan(start, 1'500 - start), constant));
      }
    }
  }
}

TEST_CASE("Silence: the output returns to the constant once the input has left the engine's memory",
          "[native][silence]") {
  auto input = test::gaussian_noise(301, 0.1f);
  input.resize(600);
  for (const auto& weights : {default_weights(), loud_weights(1)}) {
    for (const auto& [name, table, fused] : test::all_kernels()) {
      for (const Tile tile : {Tile::streaming, Tile::offline}) {
        NativeEngine engine(weights, tile, table);
        engine.prepare({.channels = 1, .max_block_frames = 1000});
        INFO(name << ", latency " << engine.latency_frames());
        const auto output = test::run_stream(engine, input, [] { return std::size_t{50}; });
        const std::span settled = std::span(output).subspan(3 * (301 + kMemoryInputs), 3 * (299 - kMemoryInputs));
        REQUIRE(all_equal(settled, engine.silence_output()));
      }
    }
  }
}

TEST_CASE("Silence: control, rounding alone leaves a residue", "[native][silence]") {
  std::size_t exact = 0, all = 0;
  for (const auto& [name, table, fused] : test::all_kernels()) {
    for (const std::size_t points : {kernels::kStreamingPoints, kernels::kOfflinePoints}) {
      const auto sums = prepare_network(*default_weights(), points, table)->silence.sums;
      exact += static_cast<std::size_t>(std::ranges::count(sums, 0.0f));
      all += sums.size();
    }
  }
  REQUIRE(exact < all);
}

TEST_CASE("Silence: in extend mode the output is exactly zero from the first sample to the last", "[sound][silence]") {
#if defined(NOVASR_SLOW_BUILD)
  const auto rate = GENERATE(8'000u, 44'100u);
#else
  const auto rate = GENERATE(8'000u, 16'000u, 22'050u, 32'000u, 44'100u, 47'999u, 48'000u, 96'000u, 192'000u);
#endif
  const auto same_rate = GENERATE(false, true);
  if (same_rate && rate <= 16'000) return;  // nothing to extend
  const auto tile = GENERATE(Tile::streaming, Tile::offline);
  for (const auto& weights : {default_weights(), loud_weights(1)}) {
    for (const auto& [name, table, fused] : test::all_kernels()) {
      INFO(name << (tile == Tile::offline ? ", offline, " : ", ") << rate << " Hz" << (same_rate ? "" : " to 48 kHz")
                << ", constant " << silence_constant(*weights));
      Processor processor(std::make_unique<NativeEngine>(weights, tile, table));
      processor.prepare({.sample_rate_hz = rate, .output_rate_hz = same_rate ? rate : 48'000u});
      for (const std::size_t frames : {1u, 7u, rate / 10, rate / 10 + 1, rate / 10 + 2}) {
        const Audio silence(1, std::vector<float>(frames));
        REQUIRE(all_equal(stream(processor, silence, blocks_of(512))[0], 0.0f));
        REQUIRE(all_equal(stream(processor, silence, random_blocks(1))[0], 0.0f));
      }

      processor.set_parameters({.mode = Mode::full});  // control: the network's start and end, and its constant
      const Audio full = stream(processor, Audio(1, std::vector<float>(rate / 10)), blocks_of(512));
      REQUIRE_FALSE(all_equal(full[0], 0.0f));
    }
  }
}

TEST_CASE("Silence: in full mode trained weights output exact zeros after the edge", "[sound][silence]") {
  const auto rate = GENERATE(16'000u, 44'100u, 48'000u, 96'000u);
  const Audio silence(1, std::vector<float>(rate / 10));
  for (const auto& [name, table, fused] : test::all_kernels()) {
    Processor processor(std::make_unique<NativeEngine>(default_weights(), Tile::streaming, table));
    processor.prepare({.sample_rate_hz = rate});
    processor.set_parameters({.mode = Mode::full});
    const auto output = stream(processor, silence, blocks_of(512))[0];
    const std::size_t start = processor.latency_frames() + 100;
    INFO(name << ", " << rate << " Hz");
    REQUIRE(all_equal(std::span(output).subspan(start, 4'800 - start), 0.0f));
  }
}
