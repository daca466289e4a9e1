#include <catch2/catch.hpp>

#include "all_kernels.hpp"
#include "families/novasr/native_engine.hpp"
#include "native_support.hpp"
#include "reference_network.hpp"

using namespace novasr;
using namespace novasr::test;

namespace {

constexpr double kMaxError = 1.5e-6;  // float32 rounding through the whole network; measured 0.6e-6 .. 1.1e-6

std::unique_ptr<NativeEngine> make_engine(std::shared_ptr<const ModelWeights> weights, Tile tile,
                                          const kernels::KernelTable& kernels) {
  auto engine = std::make_unique<NativeEngine>(std::move(weights), tile, kernels);
  engine->prepare({.channels = 1, .max_block_frames = 1 << 16});
  return engine;
}

}  // namespace

TEST_CASE("NativeEngine: every instruction set and tile computes the default network", "[native]") {
  const auto input = gaussian_noise(1500, 0.1f);
  const auto expected = reference_network(*default_weights(), input);
  for (const auto& [name, table, fused] : all_kernels()) {
    for (const Tile tile : {Tile::streaming, Tile::offline}) {
      const auto engine = make_engine(default_weights(), tile, table);
      const auto [peak, snr_db] = difference(run_whole(*engine, input), expected);
      INFO(name << ", latency " << engine->latency_frames() << ": error " << peak << ", SNR " << snr_db);
      CHECK(peak < kMaxError);
      CHECK(snr_db > 116.0);
    }
  }
}

TEST_CASE("NativeEngine: untrained weights are computed accurately, too", "[native]") {
#if defined(NOVASR_SLOW_BUILD)
  const auto input = gaussian_noise(150, 0.3f);
#else
  const auto input = gaussian_noise(600, 0.3f);
#endif
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    const auto weights = std::make_shared<const ModelWeights>(random_weights(seed));
    const auto expected = reference_network(*weights, input);
    for (const auto& [name, table, fused] : all_kernels()) {
      for (const Tile tile : {Tile::streaming, Tile::offline}) {
        const auto [peak, snr_db] = difference(run_whole(*make_engine(weights, tile, table), input), expected);
        INFO(name << ", seed " << seed << ": error " << peak << ", SNR " << snr_db);
        CHECK(snr_db > 105.0);  // the random layers amplify rounding more than the trained ones
      }
    }
  }
}

TEST_CASE("NativeEngine: both edges of short signals are exact", "[native]") {
#if defined(NOVASR_SLOW_BUILD)
  const auto signal = gaussian_noise(40, 0.2f);
#else
  const auto signal = gaussian_noise(200, 0.2f);
#endif
  NativeEngine streaming(default_weights(), Tile::streaming), offline(default_weights(), Tile::offline);
  for (auto* engine : {&streaming, &offline}) engine->prepare({.channels = 1, .max_block_frames = 1024});
  for (std::size_t frames = 0; frames <= signal.size(); ++frames) {
    const std::span input(signal.data(), frames);
    const auto expected = reference_network(*default_weights(), input);
    for (auto* engine : {&streaming, &offline}) {
      const auto output = run_whole(*engine, input);
      INFO(frames << " frames, latency " << engine->latency_frames());
      REQUIRE(output.size() == 3 * frames);
      REQUIRE(difference(output, expected).peak < kMaxError);
      REQUIRE(std::all_of(output.begin() + std::ssize(expected), output.end(), [](float x) { return x == 0.0f; }));
    }
  }
}
