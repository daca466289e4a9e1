#include <array>
#include <catch2/catch.hpp>
#include <limits>

#include "all_kernels.hpp"
#include "allocation_counter.hpp"
#include "families/novasr/native_engine.hpp"
#include "native_support.hpp"
#include "novasr/errors.hpp"
#include "realtime_scope.hpp"

using namespace novasr;
using namespace novasr::test;

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

/// The outputs of all channels, to the end, from blocks of next_block() frames.
template <std::size_t Channels, typename NextBlock>
std::array<std::vector<float>, Channels> run_channels(NativeEngine& engine,
                                                      const std::array<std::vector<float>, Channels>& inputs,
                                                      NextBlock next_block) {
  const std::size_t frames = inputs[0].size(), latency = engine.latency_frames();
  std::array<std::vector<float>, Channels> outputs;
  outputs.fill(std::vector<float>(3 * frames + latency));
  std::array<const float*, Channels> in{};
  std::array<float*, Channels> out{};
  const auto point_at = [&](std::size_t frame) {
    for (std::size_t c = 0; c < Channels; ++c) {
      in[c] = inputs[c].data() + frame;
      out[c] = outputs[c].data() + 3 * frame;
    }
  };
  for (std::size_t first = 0, count; first < frames; first += count) {
    count = std::min<std::size_t>(next_block(), frames - first);
    point_at(first);
    engine.process(AudioView<const float>(in.data(), Channels, count),
                   AudioView<float>(out.data(), Channels, 3 * count));
  }
  point_at(frames);
  engine.flush(AudioView<float>(out.data(), Channels, latency));
  return outputs;
}

}  // namespace

TEST_CASE("NativeEngine: a thousand random sequences of block sizes give the same bits", "[native][long]") {
  const auto input = gaussian_noise(3500, 0.1f);  // x 3 x 1000 = 1.05e7 samples
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
  const auto input = gaussian_noise(700, 0.1f);
  for (const auto& [name, table, fused] : all_kernels()) {
    for (const Tile tile : {Tile::streaming, Tile::offline}) {
      NativeEngine engine(default_weights(), tile, table);
      engine.prepare({.channels = 1, .max_block_frames = 1024});
      const auto whole = run_stream(engine, input, [&] { return input.size(); });
      for (const std::size_t block : {1, 2, 3, 7, 13, 16, 48, 160, 333}) {
        INFO(name << ", blocks of " << block);
        REQUIRE(run_stream(engine, input, [&] { return block; }) == whole);
      }
    }
  }
}

TEST_CASE("NativeEngine: the latency is 43 frames streaming and 73 offline, and the output starts with that many zeros",
          "[native]") {
  const auto input = gaussian_noise(300, 0.2f);
  for (const auto& [tile, latency] : {std::pair{Tile::streaming, 43u}, std::pair{Tile::offline, 73u}}) {
    const auto engine = make_engine(tile);
    REQUIRE(engine->latency_frames() == latency);
    const auto output = run_stream(*engine, input, [] { return std::size_t{16}; });
    REQUIRE(output.size() == 3 * input.size() + latency);
    REQUIRE(std::all_of(output.begin(), output.begin() + latency, [](float x) { return x == 0.0f; }));
    REQUIRE(output[latency] != 0.0f);
  }
}

TEST_CASE("NativeEngine: reset() clears all state of the previous stream", "[native]") {
  const auto engine = make_engine(Tile::streaming);
  const auto input = gaussian_noise(500, 0.1f);
  const auto fresh = run_stream(*engine, input, [] { return std::size_t{160}; });
  engine->reset();
  process_in_blocks(*engine, gaussian_noise(777, 0.5f, 9), [] { return std::size_t{50}; });
  REQUIRE(run_stream(*engine, input, [] { return std::size_t{160}; }) == fresh);
}

TEST_CASE("NativeEngine: a sample of any finite magnitude leaves no trace after its tile", "[native]") {
  auto input = gaussian_noise(600, 0.1f);
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

TEST_CASE("NativeEngine: skipping sustained silence is bit-exact", "[native]") {
  // 1e-30 is not skipped, but too small to change any sum.
  std::vector<float> silent = gaussian_noise(300, 0.1f), computed = silent;
  for (const std::size_t pause : {50u, 64u, 70u, 1000u}) {
    silent.insert(silent.end(), pause, 0.0f);
    computed.insert(computed.end(), pause, 1e-30f);
    const auto sound = gaussian_noise(100, 0.1f, static_cast<unsigned>(pause));
    silent.insert(silent.end(), sound.begin(), sound.end());
    computed.insert(computed.end(), sound.begin(), sound.end());
  }
  silent.insert(silent.begin(), 200, 0.0f);  // a stream that starts in silence, and one that ends in it
  computed.insert(computed.begin(), 200, 1e-30f);
  silent.insert(silent.end(), 200, 0.0f);
  computed.insert(computed.end(), 200, 1e-30f);
  for (const auto& [name, table, fused] : all_kernels()) {
    for (const Tile tile : {Tile::streaming, Tile::offline}) {
      NativeEngine engine(default_weights(), tile, table);
      engine.prepare({.channels = 1, .max_block_frames = 1 << 16});
      for (const std::size_t block : {1, 3, 16, 43, 160, 5000}) {
        INFO(name << ", blocks of " << block);
        const auto expected = run_stream(engine, computed, [&] { return block; });
        REQUIRE(run_stream(engine, silent, [&] { return block; }) == expected);
      }
    }
  }
}

TEST_CASE("NativeEngine: channels are independent", "[native]") {
  const std::array inputs{gaussian_noise(400, 0.1f, 1), gaussian_noise(400, 0.1f, 2), gaussian_noise(400, 0.1f, 3)};
  const auto single = make_engine(Tile::streaming), multi = make_engine(Tile::streaming, inputs.size());
  const auto outputs = run_channels(*multi, inputs, [] { return std::size_t{400}; });
  for (std::size_t c = 0; c < inputs.size(); ++c) {
    REQUIRE(outputs[c] == run_stream(*single, inputs[c], [] { return std::size_t{400}; }));
  }
}

TEST_CASE("NativeEngine: copying a channel that sometimes equals the first is bit-exact", "[native]") {
  std::array<std::vector<float>, 3> inputs;  // the second channel differs in every other part, the third in one frame
  std::uint32_t seed = 0;
  for (const std::size_t part : {300u, 40u, 100u, 7u, 127u, 1u, 128u, 500u, 150u, 1u, 700u, 90u, 202u}) {
    const auto first = gaussian_noise(part, 0.1f, ++seed), other = gaussian_noise(part, 0.1f, 100 + seed);
    inputs[0].insert(inputs[0].end(), first.begin(), first.end());
    inputs[1].insert(inputs[1].end(), seed % 2 == 0 ? other.begin() : first.begin(),
                     seed % 2 == 0 ? other.end() : first.end());
  }
  inputs[2] = inputs[0];
  inputs[2][1000] += 0.1f;
  const auto voice = gaussian_noise(300, 0.1f, 200);
  for (const std::size_t pause : {300u, 0u}) {  // the pause lasts longer in the third channel
    for (auto& input : inputs) {
      input.insert(input.end(), voice.begin(), voice.end());
      input.insert(input.end(), pause, 0.0f);
    }
    for (auto& input : {&inputs[0], &inputs[1]}) input->insert(input->end(), voice.begin(), voice.end());
    inputs[2].insert(inputs[2].end(), voice.size(), 0.0f);
    for (auto& input : inputs) input.insert(input.end(), 300, 0.0f);
  }
  std::mt19937 generator(3);
  for (const Tile tile : {Tile::streaming, Tile::offline}) {
    const auto single = make_engine(tile), multi = make_engine(tile, inputs.size());
    std::array<std::vector<float>, 3> expected;
    for (std::size_t c = 0; c < inputs.size(); ++c)
      expected[c] = run_stream(*single, inputs[c], [] { return std::size_t{400}; });
    for (const std::size_t longest : {1u, 2u, 16u, 43u, 160u, 5000u}) {
      std::uniform_int_distribution<std::size_t> any(0, longest);
      INFO("blocks of " << longest << ", and of up to that");
      multi->reset();
      REQUIRE(run_channels(*multi, inputs, [&] { return longest; }) == expected);
      multi->reset();
      REQUIRE(run_channels(*multi, inputs, [&] { return any(generator); }) == expected);
    }
  }
}

TEST_CASE("NativeEngine: sustained silence is not computed, nor a channel equal to the first", "[native]") {
  static const kernels::KernelTable& best = kernels::table_for(available_isas().back());
  static std::size_t computed_tiles;
  kernels::KernelTable counting = best;
  struct Counted {
    static void convolve(const kernels::TileFilter& filter, const float* rows, size_t tiles, float* spectra,
                         float* out) NOVASR_RT {
      computed_tiles += tiles;
      best.convolve(filter, rows, tiles, spectra, out);
    }
  };
  counting.convolve = Counted::convolve;
  NativeEngine engine(default_weights(), Tile::streaming, counting);
  engine.prepare({.channels = 2, .max_block_frames = 160});
  const auto tiles = [&](const std::array<std::vector<float>, 2>& inputs) {
    computed_tiles = 0;
    engine.reset();
    run_channels(engine, inputs, [] { return std::size_t{160}; });
    return computed_tiles;
  };
  const auto left = gaussian_noise(1600, 0.1f), right = gaussian_noise(1600, 0.1f, 2),
             silence = std::vector<float>(1600);
  const std::size_t different = tiles({left, right});
  REQUIRE(different >= 2 * 1600 / 3);
  REQUIRE(tiles({left, left}) == different / 2);
  REQUIRE(tiles({left, silence}) < different / 2 + 64);
}

TEST_CASE("NativeEngine: prepare() rejects an invalid spec, naming the value", "[native]") {
  NativeEngine engine(default_weights());
  REQUIRE_THROWS_WITH(engine.prepare({.channels = 0}), Catch::Contains("channels is 0"));
  REQUIRE_THROWS_AS(engine.prepare({.max_block_frames = kMaxBlockFrames + 1}), ConfigError);
}

TEST_CASE("NativeEngine: process, flush and reset never touch the heap", "[native]") {
  void* volatile escaped = nullptr;
  REQUIRE(allocations_in([&] { escaped = ::operator new(8); }) > 0);  // NOLINT(*-NewDeleteLeaks): the counter counts
  ::operator delete(escaped);

  const auto left = gaussian_noise(1000, 0.1f), right = gaussian_noise(1000, 0.1f, 2),
             silence = std::vector<float>(1000);
  for (const auto& [name, table, fused] : all_kernels()) {
    for (const Tile tile : {Tile::streaming, Tile::offline}) {
      NativeEngine engine(default_weights(), tile, table);
      engine.prepare({.channels = 2, .max_block_frames = 1000});
      std::vector<float> outputs[2] = {std::vector<float>(3000), std::vector<float>(3000)};
      const float* alike[] = {left.data(), left.data()};
      const float* different[] = {left.data(), right.data()};
      const float* silent[] = {silence.data(), silence.data()};
      float* out[] = {outputs[0].data(), outputs[1].data()};
      REQUIRE(allocations_in([&] {
                const novasr::test::RealtimeScope realtime;
                engine.reset();
                for (const float** in : {alike, different, silent, alike}) {
                  for (const std::size_t frames : {0, 1, 16, 160, 1000})
                    engine.process(AudioView<const float>(in, 2, frames), AudioView<float>(out, 2, 3 * frames));
                }
                engine.flush(AudioView<float>(out, 2, engine.latency_frames()));
              }) == 0);
    }
  }
}

#if defined(__SSE2__)
TEST_CASE("NativeEngine: the caller's floating-point mode is restored", "[native]") {
  const auto engine = make_engine(Tile::streaming);
  const unsigned before = __builtin_ia32_stmxcsr();
  run_stream(*engine, gaussian_noise(100, 0.1f), [] { return std::size_t{10}; });
  REQUIRE((__builtin_ia32_stmxcsr() & 0x8040) == (before & 0x8040));
}
#endif
