#include <array>
#include <catch2/catch.hpp>
#include <limits>

#include "allocation_counter.hpp"
#include "native_support.hpp"
#include "novasr/errors.hpp"
#include "novasr/native_engine.hpp"
#include "realtime_scope.hpp"

using namespace novasr;
using namespace novasr::testing;

namespace {

#if defined(NOVASR_SLOW_BUILD)
constexpr std::size_t kPartitions = 50;
#else
constexpr std::size_t kPartitions = 1000;
#endif

std::unique_ptr<NativeEngine> make_engine(Tile tile, std::size_t channels = 1) {
  auto engine = std::make_unique<NativeEngine>(default_weights(), tile);
  engine->prepare({.channels = channels, .max_block_frames = 1 << 16});
  return engine;
}

}  // namespace

TEST_CASE("NativeEngine: a thousand random cuts of the input give the same bits", "[native][long]") {
  const auto input = noise(3500, 0.1f);  // x 3 x 1000 = 1.05e7 samples
  std::mt19937 generator(7);
  for (const Tile tile : {Tile::streaming, Tile::offline}) {
    const auto engine = make_engine(tile);
    const auto whole = run_stream(*engine, input, [&] { return input.size(); });
    for (std::size_t partition = 0; partition < kPartitions; ++partition) {
      const std::size_t longest = std::array{3u, 17u, 48u, 200u, 1500u}[partition % 5];
      std::uniform_int_distribution<std::size_t> block(0, longest);
      REQUIRE(run_stream(*engine, input, [&] { return block(generator); }) == whole);
    }
  }
}

TEST_CASE("NativeEngine: every instruction set gives the same bits for every fixed block size", "[native]") {
  const auto input = noise(700, 0.1f);
  for (const Isa isa : available_isas()) {
    for (const Tile tile : {Tile::streaming, Tile::offline}) {
      NativeEngine engine(default_weights(), tile, isa);
      engine.prepare({.channels = 1, .max_block_frames = 1024});
      const auto whole = run_stream(engine, input, [&] { return input.size(); });
      for (const std::size_t block : {1, 2, 3, 7, 13, 16, 48, 160, 333}) {
        INFO(isa_name(isa) << ", blocks of " << block);
        REQUIRE(run_stream(engine, input, [&] { return block; }) == whole);
      }
    }
  }
}

TEST_CASE("NativeEngine: the latency is 43 frames streaming and 73 offline, and the output starts with as many zeros",
          "[native]") {
  const auto input = noise(300, 0.2f);
  for (const auto& [tile, latency] : {std::pair{Tile::streaming, 43u}, std::pair{Tile::offline, 73u}}) {
    const auto engine = make_engine(tile);
    REQUIRE(engine->latency_frames() == latency);
    const auto output = run_stream(*engine, input, [] { return std::size_t{16}; });
    REQUIRE(output.size() == 3 * input.size() + latency);
    REQUIRE(std::all_of(output.begin(), output.begin() + latency, [](float x) { return x == 0.0f; }));
    REQUIRE(output[latency] != 0.0f);
  }
}

TEST_CASE("NativeEngine: after reset() a stream knows nothing of the one before", "[native]") {
  const auto engine = make_engine(Tile::streaming);
  const auto input = noise(500, 0.1f);
  const auto fresh = run_stream(*engine, input, [] { return std::size_t{160}; });
  engine->reset();
  process_in_blocks(*engine, noise(777, 0.5f, 9), [] { return std::size_t{50}; });
  REQUIRE(run_stream(*engine, input, [] { return std::size_t{160}; }) == fresh);
}

TEST_CASE("NativeEngine: NaN and infinity count as silence", "[native]") {
  auto damaged = noise(600, 0.1f), repaired = damaged;
  std::size_t at = 100;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    damaged[at] = bad;
    repaired[at++] = 0.0f;
  }
  for (const Tile tile : {Tile::streaming, Tile::offline}) {
    const auto engine = make_engine(tile);
    REQUIRE(run_whole(*engine, damaged) == run_whole(*engine, repaired));
  }
}

TEST_CASE("NativeEngine: a sample of any finite size leaves no trace after its tile", "[native]") {
  auto input = noise(600, 0.1f);
  const auto engine = make_engine(Tile::streaming);
  const auto expected = run_whole(*engine, input);
  for (const float huge : {1e6f, 1e20f, std::numeric_limits<float>::max()}) {
    auto damaged = input;
    damaged[200] = huge;
    const auto output = run_whole(*engine, damaged);
    REQUIRE(std::all_of(output.begin(), output.end(), [](float x) { return std::abs(x) <= 1.0f; }));
    REQUIRE(std::equal(output.begin() + 3 * 220, output.end(), expected.begin() + 3 * 220));
  }
}

TEST_CASE("NativeEngine: channels do not hear each other", "[native]") {
  const std::array inputs{noise(400, 0.1f, 1), noise(400, 0.1f, 2), noise(400, 0.1f, 3)};
  const auto single = make_engine(Tile::streaming), multi = make_engine(Tile::streaming, inputs.size());
  std::array<std::vector<float>, 3> outputs;
  std::array<const float*, 3> in{};
  std::array<float*, 3> out{};
  for (std::size_t c = 0; c < inputs.size(); ++c) {
    outputs[c].resize(3 * 400 + multi->latency_frames());
    in[c] = inputs[c].data();
    out[c] = outputs[c].data();
  }
  multi->process(AudioView<const float>(in.data(), 3, 400), AudioView<float>(out.data(), 3, 1200));
  for (auto& pointer : out) pointer += 1200;
  multi->flush(AudioView<float>(out.data(), 3, multi->latency_frames()));
  for (std::size_t c = 0; c < inputs.size(); ++c) {
    REQUIRE(outputs[c] == run_stream(*single, inputs[c], [] { return std::size_t{400}; }));
  }
}

TEST_CASE("NativeEngine: prepare() refuses what it cannot serve, by name", "[native]") {
  NativeEngine engine(default_weights());
  REQUIRE_THROWS_WITH(engine.prepare({.channels = 0}), Catch::Contains("channels is 0"));
  REQUIRE_THROWS_AS(engine.prepare({.max_block_frames = kMaxBlockFrames + 1}), ConfigError);
}

TEST_CASE("NativeEngine: process, flush and reset never touch the heap", "[native]") {
  using novasr::test::allocations_in;
  void* volatile escaped = nullptr;
  REQUIRE(allocations_in([&] { escaped = ::operator new(8); }) > 0);  // the counter counts
  ::operator delete(escaped);

  const auto input = noise(1000, 0.1f);
  for (const Isa isa : available_isas()) {
    for (const Tile tile : {Tile::streaming, Tile::offline}) {
      NativeEngine engine(default_weights(), tile, isa);
      engine.prepare({.channels = 1, .max_block_frames = 1000});
      std::vector<float> output(3000), tail(engine.latency_frames());
      const float* in[] = {input.data()};
      float* out[] = {output.data()};
      float* rest[] = {tail.data()};
      REQUIRE(allocations_in([&] {
                const novasr::test::RealtimeScope realtime;
                engine.reset();
                for (const std::size_t frames : {0, 1, 16, 160, 1000}) {
                  engine.process(AudioView<const float>(in, 1, frames), AudioView<float>(out, 1, 3 * frames));
                }
                engine.flush(AudioView<float>(rest, 1, tail.size()));
              }) == 0);
    }
  }
}

#if defined(__SSE2__)
TEST_CASE("NativeEngine: the caller's floating-point mode is restored", "[native]") {
  const auto engine = make_engine(Tile::streaming);
  const unsigned before = __builtin_ia32_stmxcsr();
  run_stream(*engine, noise(100, 0.1f), [] { return std::size_t{10}; });
  REQUIRE((__builtin_ia32_stmxcsr() & 0x8040) == (before & 0x8040));
}
#endif
